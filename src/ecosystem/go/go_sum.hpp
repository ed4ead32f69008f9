// go.sum: what a project accepts for each module (Go modules reference, go.sum files). Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "ecosystem/go/module_path.hpp"

namespace airlock::ecosystem::go {

struct ModuleSums {
  std::string zip;  // "h1:…" over the files of the zip; empty where it is not known
  std::string mod;  // "h1:…" over go.mod
};

class GoSum {
 public:
  // Adds the lines of a go.sum, or of a record of a checksum database. Hashes of other kinds than h1 are passed over.
  // Throws malformed at file and line; conflict where a module would get two hashes; limit beyond a million lines.
  void add(std::string_view text, const std::string& name);

  const ModuleSums* find(const Module& module) const;  // null where nothing is known
  const std::map<Module, ModuleSums>& all() const { return m_sums; }

 private:
  std::map<Module, ModuleSums> m_sums;
};

// The h1 of a go.mod file: a dirhash over that one file.
std::string hash_of_go_mod(std::string_view content);

}  // namespace airlock::ecosystem::go
