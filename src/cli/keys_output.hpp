// What the commands below `keys` answer.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/json.hpp"
#include "workflow/keys.hpp"
#include "workflow/pending_root.hpp"

namespace airlock::cli {

base::Json progress_json(const workflow::RootProgress& progress);
// By keyid, of people whose public keys are known here (workflow/named_keys.hpp).
using KeyNames = std::map<std::string, std::string>;
std::string progress_text(const workflow::RootProgress& progress, const KeyNames& names = {});

base::Json keys_json(const workflow::KeysReport& report, base::Time now);
std::string keys_text(const workflow::KeysReport& report, base::Time now, const KeyNames& names = {});

std::int64_t days_until(base::Time time, base::Time now);  // whole days, rounded down: below 0 when it is over
std::string days_text(base::Time time, base::Time now);    // "20 days left", "expired 3 days ago"

// Hex digits on lines of eight groups, for paper.
std::string paper_lines(const std::string& hex);

}  // namespace airlock::cli
