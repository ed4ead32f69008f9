// What `verify`, `import` and its --salvage print.
#pragma once

#include <string>

#include "base/json.hpp"
#include "workflow/import.hpp"
#include "workflow/salvage.hpp"
#include "workflow/verify.hpp"

namespace airlock::cli {

base::Json verify_json(const workflow::VerifyReport& report);
std::string verify_text(const workflow::VerifyReport& report);

base::Json import_json(const workflow::ImportReport& report);
std::string import_text(const workflow::ImportReport& report);

base::Json salvage_json(const workflow::SalvageReport& report);
std::string salvage_text(const workflow::SalvageReport& report);

base::Json out_of_service_json(const store::OutOfService& out);

// "17:abcd ef01 …": what `audit verify --head` takes, for paper.
std::string audit_mark_text(std::uint64_t number, std::string_view head);

base::Json changes_json(const workflow::ArtifactChanges& changes);
// "+ name 1.2", "~ name 1.2 -> 1.3", "- name 1.2", a line each; at most `limit` of each, then how many more.
std::string changes_text(const workflow::ArtifactChanges& changes, std::size_t limit);

}  // namespace airlock::cli
