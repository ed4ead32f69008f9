// Versions as Go modules have them: semantic versions with a leading "v" (Go modules reference, Versions).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace airlock::ecosystem::go {

// A complete version without build metadata but "+incompatible": "v1.2.3", "v1.2.3-rc.1", "v2.0.0+incompatible".
bool is_canonical(std::string_view version);
// As is_canonical(), and with parts left out: "v1", "v1.2". What may stand behind "@" as a prefix query.
bool is_version_prefix(std::string_view version);
bool is_prerelease(std::string_view version);      // of a canonical one
bool is_pseudo_version(std::string_view version);  // "v0.0.0-20240102030405-0123456789ab" in its three forms
bool is_incompatible(std::string_view version);

// Order of precedence (semver 2.0.0, 11) of canonical versions; build metadata has none. Negative, 0 or positive.
int compare_versions(std::string_view a, std::string_view b);

// Whether `version` begins as the query "v1" or "v1.2" asks: "v1.20.0" does not answer "v1.2".
bool answers_prefix(std::string_view version, std::string_view prefix);

}  // namespace airlock::ecosystem::go
