#include "cli/error_output.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace airlock::cli {

namespace {

constexpr std::size_t k_line_limit = 2000;  // bytes
constexpr std::string_view k_indent = "    ";

std::string with_while(const std::string& line) {
  return line.starts_with("while ") ? line : "while " + line;
}

// "reading the manifest 'a.yaml'" is something that was being done; "import of 'site-7' stopped" says all itself.
std::string as_headline(std::string line) {
  if (line.starts_with("while ")) {
    line.erase(0, 6);
  }
  const auto first_word = line.substr(0, line.find(' '));
  return first_word.ends_with("ing") ? line + " failed" : line;
}

}  // namespace

std::string shown(std::string_view text, std::string_view indent) {
  std::vector<std::string> lines;
  for (const auto& line : base::split(text, '\n')) {
    lines.push_back(base::printable(line, k_line_limit));
  }
  return base::join(lines, fmt::format("\n{}", indent));
}

std::string error_text(const base::Error& error, Color color) {
  const std::string label = color == Color::on ? "\x1b[1;31merror:\x1b[0m" : "error:";
  std::string text;
  const auto& context = error.context();
  if (context.empty()) {
    text = fmt::format("{} {}\n", label, shown(error.message(), k_indent));
  } else {
    // The outermost line says what the user wanted, the message why it failed.
    text = fmt::format("{} {}\n", label, shown(as_headline(context.back()), k_indent));
    for (std::size_t i = context.size() - 1; i-- > 0;) {
      text += fmt::format("  {}\n", shown(with_while(context[i]), k_indent));
    }
    text += fmt::format("  cause: {}\n", shown(error.message(), k_indent));
  }
  if (error.position()) {
    text += fmt::format("  at: {}\n", shown(error.position()->to_string(), k_indent));
  }
  if (!error.hint().empty()) {
    text += fmt::format("  hint: {}\n", shown(error.hint(), k_indent));
  }
  return text;
}

base::Json error_json(const base::Error& error) {
  base::Json body = {{"code", base::error_code_info(error.code()).name},
                     {"message", error.message()},
                     {"context", base::Json::array()},
                     {"hint", error.hint()}};
  for (auto line = error.context().rbegin(); line != error.context().rend(); ++line) {
    body["context"].push_back(*line);
  }
  if (error.position()) {
    base::Json position = {{"file", error.position()->file}};
    if (error.position()->line > 0) {
      position["line"] = error.position()->line;
    }
    if (error.position()->column > 0) {
      position["column"] = error.position()->column;
    }
    body["position"] = std::move(position);
  }
  return {{"format", 1}, {"error", std::move(body)}};
}

base::Json finding_json(const base::Finding& finding) {
  constexpr std::string_view k_names[] = {"note", "warning", "error"};
  return {{"severity", k_names[static_cast<int>(finding.severity)]},
          {"code", base::error_code_info(finding.code).name},
          {"subject", finding.subject},
          {"message", finding.message}};
}

}  // namespace airlock::cli
