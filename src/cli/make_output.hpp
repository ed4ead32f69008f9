// What `bundle lock`, `create`, `compare`, `sign` and `seal` print.
#pragma once

#include <string>

#include "base/json.hpp"
#include "workflow/approve.hpp"
#include "workflow/compare.hpp"
#include "workflow/create.hpp"
#include "workflow/lock_manifests.hpp"

namespace airlock::cli {

base::Json lock_json(const workflow::LockReport& report);
std::string lock_text(const workflow::LockReport& report);

base::Json create_json(const workflow::CreateReport& report);
std::string create_text(const workflow::CreateReport& report);

base::Json compare_json(const workflow::CompareReport& report);
std::string compare_text(const workflow::CompareReport& report);

base::Json approve_json(const workflow::ApproveReport& report);
std::string approve_text(const workflow::ApproveReport& report);

}  // namespace airlock::cli
