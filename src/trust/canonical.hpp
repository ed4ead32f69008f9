// OLPC canonical JSON: what TUF signs (docs/formats/trust.md, Metaformat). Never stored, never hashed as a file.
#pragma once

#include <string>

#include "base/digest.hpp"
#include "base/json.hpp"

namespace airlock::trust {

// Members sorted by UTF-8 bytes, no white space, only `"` and `\` escaped, integers only. Throws malformed on
// a float.
std::string canonical_json(const base::Json& value);
base::Digest canonical_sha256(const base::Json& value);

}  // namespace airlock::trust
