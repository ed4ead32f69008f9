// How a failure is shown: text for a person, one JSON object for a script (docs/operations/exit-codes.md).
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"

namespace airlock::cli {

enum class Color { off, on };

// Messages quote names and answers from outside; none of them may move the cursor. Line breaks that a message has on
// purpose stay, with `indent` behind them.
std::string shown(std::string_view text, std::string_view indent = {});

// error, while, cause, position and hint, a line each, ending with a line break.
std::string error_text(const base::Error& error, Color color);
// {"format":1,"error":{"code","message","context":[],"hint","position":{file,line,column}}}
base::Json error_json(const base::Error& error);

base::Json finding_json(const base::Finding& finding);  // {"severity","code","subject","message"}

}  // namespace airlock::cli
