#include "ecosystem/go/go_mod.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/go/limits.hpp"
#include "ecosystem/go/version.hpp"

namespace airlock::ecosystem::go {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_most_entries = 100'000;
constexpr std::size_t k_most_tokens = 64;  // of a line

using Tokens = std::vector<std::string>;

class Parser {
 public:
  Parser(const std::string& name, GoModFor use) : m_name(name), m_use(use) {}

  GoMod parse(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      ++m_line;
      read_line(text.substr(0, end));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    if (!m_block.empty()) {
      fail(fmt::format("the block '{}' is not closed", m_block));
    }
    if (m_use == GoModFor::main && m_mod.module.empty()) {
      fail("there is no module directive");
    }
    return std::move(m_mod);
  }

 private:
  [[noreturn]] void fail(std::string message) const {
    throw Error(ErrorCode::malformed, std::move(message)).at({.file = m_name, .line = m_line, .column = 0});
  }

  void read_line(std::string_view line) {
    Tokens tokens = tokens_of(line);
    if (tokens.empty()) {
      return;
    }
    if (!m_block.empty()) {
      if (tokens.size() == 1 && tokens[0] == ")") {
        m_block.clear();
      } else {
        directive(m_block, tokens);
      }
      return;
    }
    const std::string verb = tokens[0];
    tokens.erase(tokens.begin());
    if (tokens.size() == 1 && tokens[0] == "(") {
      m_block = verb;
      return;
    }
    if (tokens.size() == 2 && tokens[0] == "(" && tokens[1] == ")") {
      return;
    }
    directive(verb, tokens);
  }

  Tokens tokens_of(std::string_view line) const {
    Tokens tokens;
    std::size_t i = 0;
    while (i < line.size()) {
      const char c = line[i];
      if (c == ' ' || c == '\t' || c == '\r') {
        ++i;
        continue;
      }
      if (line.substr(i, 2) == "//") {
        break;
      }
      if (line.substr(i, 2) == "/*") {
        fail("comments between /* and */ are not part of the format");
      }
      if (tokens.size() == k_most_tokens) {
        fail("a line with too many words");
      }
      if (c == '"' || c == '`') {
        tokens.push_back(quoted(line, i));
      } else if (std::string_view("(),[]").find(c) != std::string_view::npos) {
        tokens.emplace_back(1, c);
        ++i;
      } else {
        const std::size_t start = i;
        while (i < line.size() && std::string_view(" \t\r(),[]\"`").find(line[i]) == std::string_view::npos &&
               line.substr(i, 2) != "//") {
          if (static_cast<unsigned char>(line[i]) < 0x20 || line[i] == 0x7f) {
            fail("a control character");
          }
          ++i;
        }
        tokens.emplace_back(line.substr(start, i - start));
      }
    }
    return tokens;
  }

  std::string quoted(std::string_view line, std::size_t& i) const {
    const char quote = line[i++];
    std::string text;
    for (; i < line.size() && line[i] != quote; ++i) {
      if (quote == '"' && line[i] == '\\') {
        // Names and versions hold nothing that would need an escape but these two.
        if (i + 1 == line.size() || (line[i + 1] != '"' && line[i + 1] != '\\')) {
          fail("an escape that no name needs");
        }
        ++i;
      }
      text += line[i];
    }
    if (i == line.size()) {
      fail("a quoted word without its end");
    }
    ++i;
    return text;
  }

  void directive(const std::string& verb, const Tokens& tokens) {
    if (verb == "module") {
      read_module(tokens);
    } else if (verb == "go") {
      m_mod.go_version = one(verb, tokens);
    } else if (verb == "require" && m_use != GoModFor::work) {
      read_modules(verb, tokens, m_mod.requirements);
    } else if (verb == "retract" && m_use != GoModFor::work) {
      read_retraction(tokens);
    } else if (m_use == GoModFor::dependency) {
      return;  // says nothing to those who depend on it
    } else if (verb == "toolchain") {
      m_mod.toolchain = one(verb, tokens);
    } else if (verb == "exclude" && m_use == GoModFor::main) {
      read_modules(verb, tokens, m_mod.exclusions);
    } else if (verb == "replace") {
      read_replacement(tokens);
    } else if (verb == "use" && m_use == GoModFor::work) {
      m_mod.uses.push_back(one(verb, tokens));
    } else if (verb != "godebug" && verb != "tool" && verb != "ignore") {
      fail(fmt::format("'{}' is no directive", base::printable(verb, 80)));
    }
  }

  std::string one(const std::string& verb, const Tokens& tokens) const {
    if (tokens.size() != 1) {
      fail(fmt::format("'{}' takes one word", verb));
    }
    return tokens[0];
  }

  void read_module(const Tokens& tokens) {
    if (!m_mod.module.empty()) {
      fail("the module directive stands twice");
    }
    m_mod.module = one("module", tokens);
  }

  void read_modules(const std::string& verb, const Tokens& tokens, std::vector<Module>& modules) const {
    if (tokens.size() != 2) {
      fail(fmt::format("'{}' takes a module and a version", verb));
    }
    if (modules.size() == k_most_entries) {
      throw Error(ErrorCode::limit, fmt::format("more than {} modules", k_most_entries))
          .at({.file = m_name, .line = m_line, .column = 0});
    }
    Module module{.path = tokens[0], .version = tokens[1]};
    // A main module's may be a query that the next command resolves, or the name of a module that is replaced.
    const auto problem = m_use == GoModFor::dependency ? module_problem(module) : std::nullopt;
    if (problem) {
      fail(fmt::format("'{}' has {}", base::printable(module.to_string(), 200), *problem));
    }
    modules.push_back(std::move(module));
  }

  void read_retraction(const Tokens& tokens) {
    if (m_mod.retractions.size() == k_most_entries) {
      throw Error(ErrorCode::limit, fmt::format("more than {} retractions", k_most_entries))
          .at({.file = m_name, .line = m_line, .column = 0});
    }
    if (tokens.size() == 1) {
      m_mod.retractions.push_back({.low = tokens[0], .high = tokens[0]});
    } else if (tokens.size() == 5 && tokens[0] == "[" && tokens[2] == "," && tokens[4] == "]") {
      m_mod.retractions.push_back({.low = tokens[1], .high = tokens[3]});
    } else if (m_use == GoModFor::main) {
      fail("'retract' takes a version, or two between brackets");
    }
  }

  void read_replacement(const Tokens& tokens) {
    const auto arrow = std::find(tokens.begin(), tokens.end(), "=>");
    const auto before = arrow - tokens.begin();
    const auto after = tokens.end() - arrow - 1;
    if (arrow == tokens.end() || before < 1 || before > 2 || after < 1 || after > 2) {
      fail("'replace' takes 'old [version] => new [version]'");
    }
    if (m_mod.replacements.size() == k_most_entries) {
      fail("too many replacements");
    }
    Replacement replacement{.old_path = tokens[0],
                            .old_version = before == 2 ? tokens[1] : "",
                            .new_path = *(arrow + 1),
                            .new_version = after == 2 ? *(arrow + 2) : ""};
    const bool is_folder = replacement.new_path.starts_with("./") || replacement.new_path.starts_with("../") ||
                           replacement.new_path.starts_with('/') || replacement.new_path == "." ||
                           replacement.new_path == "..";
    if (is_folder != replacement.new_version.empty()) {
      fail(is_folder ? "a folder has no version"
                     : "a replacement without a version is a folder, and begins with ./, "
                       "../ or /");
    }
    m_mod.replacements.push_back(std::move(replacement));
  }

  const std::string& m_name;
  GoModFor m_use;
  GoMod m_mod;
  int m_line = 0;
  std::string m_block;
};

}  // namespace

bool GoMod::is_pruned() const {
  // "1.17", "1.21.3", "1.22rc1": the second number decides.
  std::string_view rest = go_version;
  unsigned major = 0;
  unsigned minor = 0;
  const auto [after_major, failure] = std::from_chars(rest.data(), rest.data() + rest.size(), major);
  if (failure != std::errc()) {
    return false;
  }
  rest.remove_prefix(static_cast<std::size_t>(after_major - rest.data()));
  if (!rest.starts_with('.')) {
    return major > 1;
  }
  rest.remove_prefix(1);
  std::from_chars(rest.data(), rest.data() + rest.size(), minor);
  return major > 1 || (major == 1 && minor >= 17);
}

GoMod parse_go_mod(std::string_view text, const std::string& name, GoModFor use) {
  if (text.size() > k_largest_mod) {
    throw Error(ErrorCode::limit, fmt::format("'{}' is larger than 16 MiB", name));
  }
  if (!base::is_valid_utf8(text)) {
    throw Error(ErrorCode::malformed, fmt::format("'{}' is not UTF-8", name));
  }
  return Parser(name, use).parse(text);
}

bool is_retracted(const GoMod& latest, std::string_view version) {
  return std::any_of(latest.retractions.begin(), latest.retractions.end(), [&](const RetractedRange& range) {
    return compare_versions(range.low, version) <= 0 && compare_versions(version, range.high) <= 0;
  });
}

}  // namespace airlock::ecosystem::go
