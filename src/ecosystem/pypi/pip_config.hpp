// Where this host's pip looks for packages, and how it signs in: its configuration files, variables and netrc (pip's
// "Configuration" page).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.hpp"
#include "base/url.hpp"
#include "ecosystem/upstream_access.hpp"

namespace airlock::ecosystem::pypi {

// Python's configparser form: section to key to value; keys in lower case with "-" for "_". Pure. Throws malformed,
// naming the line, on what is no such file.
using IniFile = std::map<std::string, std::map<std::string, std::string>>;
IniFile parse_ini(std::string_view text, std::string_view name);

struct Login {
  std::string username;
  base::Secret password;
};
// The netrc entries by host; "" is the default. Pure; what cannot be read ends it.
std::map<std::string, Login> parse_netrc(std::string_view text);

struct IndexSettings {
  std::vector<base::Url> indexes;  // the first is the main one; each path ends in "/"
  // Value of Authorization by origin, from user information in an index URL.
  std::map<std::string, base::Secret> by_origin;
  std::map<std::string, Login> netrc;
  std::vector<std::string> warnings;  // settings of pip that are not followed here
};

// Reads them in pip's order: files of the system, the user and the virtual environment, PIP_CONFIG_FILE, then PIP_…
// variables. Where none says it, pip itself is asked for its built-in address. Throws config where pip is told to use
// no index, or cannot be asked.
IndexSettings read_pip_settings(const Environment& environment);

// "3.11.4", of the python3 on PATH. Throws config where there is none.
std::string host_python();

// The value of Authorization for Basic.
base::Secret basic(std::string_view username, std::string_view password);

}  // namespace airlock::ecosystem::pypi
