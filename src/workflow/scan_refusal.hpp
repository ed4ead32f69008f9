// How a refusal of the site's scanner is told and kept, at import, at create and in a check.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "workflow/scanner.hpp"

namespace airlock::workflow {

// A line each, the first ten: digest, path, package and what the scanner said.
std::string refusals_text(const std::vector<ScanRefusal>& refused);
// For the audit log, the first hundred: digest, path, artifact, the report's first bytes.
base::Json refusals_json(const std::vector<ScanRefusal>& refused);

}  // namespace airlock::workflow
