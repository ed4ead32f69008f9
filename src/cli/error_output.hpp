// How a failure is shown: text for a person, one JSON object for a script (docs/operations/exit-codes.md).
#pragma once

#include <string>

#include "base/error.hpp"
#include "base/json.hpp"

namespace airlock::cli {

enum class Color { off, on };

// error, while, cause, position and hint, a line each, ending with a line break.
std::string error_text(const base::Error& error, Color color);
// {"format":1,"error":{"code","message","context":[],"hint","position":{file,line,column}}}
base::Json error_json(const base::Error& error);

base::Json finding_json(const base::Finding& finding);  // {"severity","code","subject","message"}

}  // namespace airlock::cli
