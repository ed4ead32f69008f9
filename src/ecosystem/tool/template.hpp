// URLs and names with {version}, {os} and the like in them.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace airlock::ecosystem::tool {

using Variables = std::map<std::string, std::string, std::less<>>;

class Template {
 public:
  Template() = default;
  // {version} {os} {arch} {goos} {goarch} {ext} {exe}, and in URLs of checksums and signatures {url}, {file} and
  // {checksums}. Throws manifest at `position` on any other name and on an unclosed brace.
  static Template parse(std::string_view text, const base::SourcePosition& position);

  bool empty() const { return m_text.empty(); }
  const std::string& text() const { return m_text; }
  bool uses(std::string_view variable) const;
  bool uses_platform() const;  // any variable that differs from platform to platform

  enum class For { url, name };  // in a URL values are percent-encoded, but those that are URLs themselves
  std::string expand(const Variables& variables, For what) const;

 private:
  std::string m_text;
};

// One template for all systems, or one by system with "default" for the others.
struct ByPlatformText {
  std::map<std::string, Template> by_os;
  const Template& at(const std::string& os) const;  // by_os has "default", or every system that the recipe knows
};

}  // namespace airlock::ecosystem::tool
