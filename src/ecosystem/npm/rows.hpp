// The rows that a version becomes (docs/ecosystems/npm.md, Rows).
#pragma once

#include <string>
#include <vector>

#include "ecosystem/ecosystem.hpp"
#include "ecosystem/npm/closure.hpp"

namespace airlock::ecosystem::npm {

// A version's rows: its tarball (a `known` row where the grade is that), its object and its notes.
std::vector<ResolvedFile> version_rows(RegistryClient& client, const Member& member, Grade grade,
                                       const ClosureOptions& options);
// A dist-tag that points at a version: the same blob as the version's object.
ResolvedFile tag_row(RegistryClient& client, const Member& member, const std::string& tag);

}  // namespace airlock::ecosystem::npm
