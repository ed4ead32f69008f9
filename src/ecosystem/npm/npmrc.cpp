#include "ecosystem/npm/npmrc.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::ecosystem::npm {

namespace {

constexpr std::size_t k_line_limit = 10'000;

std::string unquoted(std::string_view text) {
  text = base::trim(text);
  if (text.size() >= 2 && (text[0] == '"' || text[0] == '\'') && text.back() == text[0]) {
    return std::string(text.substr(1, text.size() - 2));
  }
  // Without quotes a semicolon or number sign begins a comment, unless it is escaped.
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == ';' || text[i + 1] == '#' || text[i + 1] == '\\')) {
      result += text[++i];
    } else if (text[i] == ';' || text[i] == '#') {
      break;
    } else {
      result += text[i];
    }
  }
  return std::string(base::trim(result));
}

std::string expanded(const std::string& text, const Environment& environment) {
  std::string result;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t open = text.find("${", at);
    const std::size_t close = open == std::string::npos ? open : text.find('}', open);
    if (close == std::string::npos) {
      break;
    }
    std::string name = text.substr(open + 2, close - open - 2);
    const bool optional = name.ends_with('?');
    if (optional) {
      name.pop_back();
    }
    const auto found = environment.find(name);
    result += text.substr(at, open - at);
    if (found != environment.end()) {
      result += found->second;
    } else if (!optional) {
      result += text.substr(open, close + 1 - open);
    }
    at = close + 1;
  }
  return result + text.substr(at);
}

}  // namespace

std::map<std::string, std::string> parse_npmrc(std::string_view text, const Environment& environment,
                                               std::string_view what) {
  std::map<std::string, std::string> settings;
  std::size_t lines = 0;
  bool in_section = false;
  for (const std::string& line : base::split(text, '\n')) {
    if (++lines > k_line_limit) {
      throw base::Error(base::ErrorCode::limit, fmt::format("{} has more than {} lines", what, k_line_limit));
    }
    const std::string_view content = base::trim(line);
    if (content.empty() || content[0] == ';' || content[0] == '#') {
      continue;
    }
    in_section = in_section || content[0] == '[';
    const std::size_t equals = content.find('=');
    if (in_section || equals == std::string_view::npos) {
      continue;
    }
    const std::string key = expanded(unquoted(content.substr(0, equals)), environment);
    if (!key.empty() && !key.ends_with("[]")) {
      settings[key] = expanded(unquoted(content.substr(equals + 1)), environment);
    }
  }
  return settings;
}

}  // namespace airlock::ecosystem::npm
