// The JSON of a version: what a bundle carries of it, and what clients are given (docs/ecosystems/npm.md). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace airlock::ecosystem::npm {

// What stays as it is for ever: upstream's object without what only its publisher needs (readme, who published it with
// which tool) and without what a registry changes later; `dist.tarball` is the file's name alone. Two registries that
// hold the same package give the same text.
std::string carried_version(const base::Json& upstream, std::string_view tarball);

// What a registry may change at any time, or computes: {"deprecated", "signatures", "attestations", "time"}; nullopt
// when there is none of it.
std::optional<std::string> carried_notes(const base::Json& upstream, std::string_view time);

// A carried version with its notes (null: none) as a registry at `base` ("http://host/npm") would give it. Both are
// what a bundle brought, and may be anything: throws malformed for a version that is no object.
base::Json served_version(base::Json version, const base::Json& notes, std::string_view base);
// The members that the abbreviated form has (npm registry, package-metadata).
base::Json abbreviated_version(const base::Json& served);

}  // namespace airlock::ecosystem::npm
