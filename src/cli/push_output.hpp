// What pushing prints.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "workflow/push.hpp"

namespace airlock::cli {

base::Json push_json(const std::vector<workflow::PushResult>& results);
std::string push_text(const std::vector<workflow::PushResult>& results);
int push_exit_code(const std::vector<workflow::PushResult>& results);  // 1 when anything failed

}  // namespace airlock::cli
