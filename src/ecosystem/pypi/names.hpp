// Names of projects and of the files that an index lists (PEP 503, 427, 625; binary and source distribution formats).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ecosystem/pypi/version.hpp"

namespace airlock::ecosystem::pypi {

inline constexpr std::string_view k_ecosystem = "pypi";

bool is_name(std::string_view text);            // letters, digits, ".-_" inside; at most 200 bytes
std::string normalised(std::string_view name);  // lower case, runs of "-_." are one "-"
bool is_normalised(std::string_view name);      // is a name, and spelt so

struct FileName {
  enum class Kind { wheel, sdist } kind = Kind::wheel;
  std::string project;       // normalised
  std::string version_text;  // as spelt
  Version version;
  std::string build;                                  // of a wheel; may be empty
  std::vector<std::string> pythons, abis, platforms;  // of a wheel: "py2.py3-none-any" is {py2,py3}, {none}, {any}
};

// nullopt for what is neither a wheel nor a source archive of `project` (normalised), or whose name could not be a
// plain file name: such files stay where they are, as pip leaves them.
std::optional<FileName> parse_file_name(std::string_view file, std::string_view project);

}  // namespace airlock::ecosystem::pypi
