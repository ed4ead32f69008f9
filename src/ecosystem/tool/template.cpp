#include "ecosystem/tool/template.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include "base/text.hpp"
#include "base/url.hpp"

namespace airlock::ecosystem::tool {

using base::Error;
using base::ErrorCode;

namespace {

const std::vector<std::string>& known_variables() {
  static const std::vector<std::string> names = {"version", "os",  "arch", "goos", "goarch",
                                                 "ext",     "exe", "url",  "file", "checksums"};
  return names;
}

constexpr std::array<std::string_view, 8> k_by_platform{"os", "arch", "goos", "goarch", "ext", "exe", "url", "file"};

// Calls text(piece) and variable(name) for the parts of a template in order; false from either stops the walk.
template <typename Text, typename Variable>
bool walk(std::string_view text, Text&& on_text, Variable&& on_variable) {
  while (!text.empty()) {
    const std::size_t open = std::min(text.find('{'), text.size());
    if (open > 0 && !on_text(text.substr(0, open))) {
      return false;
    }
    if (open == text.size()) {
      return true;
    }
    const std::size_t close = text.find('}', open);
    if (close == std::string_view::npos || !on_variable(text.substr(open + 1, close - open - 1))) {
      return false;
    }
    text.remove_prefix(close + 1);
  }
  return true;
}

}  // namespace

Template Template::parse(std::string_view text, const base::SourcePosition& position) {
  std::string bad;
  const bool good = walk(
      text, [](std::string_view piece) { return piece.find('}') == std::string_view::npos; },
      [&](std::string_view name) {
        const auto& known = known_variables();
        bad = name;
        return std::find(known.begin(), known.end(), name) != known.end();
      });
  if (!good) {
    const auto near = base::nearest(bad, known_variables());
    throw Error(ErrorCode::manifest, fmt::format("'{}' is not a template", base::printable(text)))
        .at(position)
        .with_hint(near && *near != bad ? fmt::format("did you mean '{{{}}}'?", *near)
                                        : fmt::format("known are {{{}}}", base::join(known_variables(), "}, {")));
  }
  Template result;
  result.m_text = text;
  return result;
}

bool Template::uses(std::string_view variable) const {
  return m_text.find(fmt::format("{{{}}}", variable)) != std::string::npos;
}

bool Template::uses_platform() const {
  return std::any_of(k_by_platform.begin(), k_by_platform.end(), [&](std::string_view name) { return uses(name); });
}

std::string Template::expand(const Variables& variables, For what) const {
  std::string result;
  walk(
      m_text,
      [&](std::string_view piece) {
        result += piece;
        return true;
      },
      [&](std::string_view name) {
        const auto found = variables.find(name);
        if (found == variables.end()) {
          throw Error(ErrorCode::manifest, fmt::format("'{{{}}}' has no value in '{}'", name, m_text));
        }
        const bool is_url = name == "url" || name == "checksums";
        result += what == For::url && !is_url ? base::percent_encode(found->second) : found->second;
        return true;
      });
  return result;
}

const Template& ByPlatformText::at(const std::string& os) const {
  const auto found = by_os.find(os);
  return found == by_os.end() ? by_os.at("default") : found->second;
}

}  // namespace airlock::ecosystem::tool
