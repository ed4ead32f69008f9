// go.mod and go.work files (Go modules reference, go.mod files, and Workspaces). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ecosystem/go/module_path.hpp"

namespace airlock::ecosystem::go {

struct Replacement {
  std::string old_path;
  std::string old_version;  // empty: every version
  std::string new_path;     // a module, or, with `new_version` empty, a folder ("../lib", "/src/lib")
  std::string new_version;
};

struct RetractedRange {
  std::string low, high;  // both inclusive
};

struct GoMod {
  std::string module;                // as declared; may be empty in a dependency's
  std::string go_version;            // "1.21"; empty where it says none, which means 1.16
  std::string toolchain;             // "go1.22.1"; only the main module's counts
  std::vector<Module> requirements;  // in order; versions as written
  std::vector<Module> exclusions;    // only the main module's count, as do replacements
  std::vector<Replacement> replacements;
  std::vector<RetractedRange> retractions;
  std::vector<std::string> uses;  // of a go.work: folders

  // From 1.17 on a file lists all modules that its packages need, so that those behind them need not be read.
  bool is_pruned() const;
};

enum class GoModFor {
  main,        // everything must be understood
  dependency,  // unknown directives are passed over, and only what a dependency may say is read
  work         // a go.work
};

// Throws malformed at file and line; limit beyond 16 MiB, which is what the client reads, and 100,000 requirements.
GoMod parse_go_mod(std::string_view text, const std::string& name, GoModFor use);

bool is_retracted(const GoMod& latest, std::string_view version);

}  // namespace airlock::ecosystem::go
