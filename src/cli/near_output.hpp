// The part of `airlock status` that tells of keys and of bundles that are made here.
#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "workflow/near_status.hpp"

namespace airlock::cli {

// Members "keys", "pending_root" (each null where there is none) and "made".
base::Json near_json(const workflow::NearStatus& near, base::Time now);
// "" for a home that makes nothing.
std::string near_text(const workflow::NearStatus& near, base::Time now);

}  // namespace airlock::cli
