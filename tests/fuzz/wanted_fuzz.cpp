// What a client missed, whatever it asked for: no ecosystem throws, and what is noted of it is a wish of one entry that
// says the same when it is read again.
#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/ecosystem.hpp"
#include "fuzz_target.hpp"
#include "model/request.hpp"

using namespace airlock;

namespace {

void check_request(const model::Request& request) {
  static const auto sections = ecosystem::all_sections();
  try {
    const std::string text = "name: site-a\n" + model::manifest_text(std::vector<model::Request>{request}, sections);
    const model::Manifest manifest = model::parse_manifest(text, "wants", sections);
    fuzz::require(manifest.name == "site-a" && manifest.entries.size() == 1 && manifest.upstreams.empty(),
                  "a wish is one entry");
    const model::Entry& entry = manifest.entries.front();
    fuzz::require(entry.section() == request.section, "a wish is for its own section");
    for (const auto& [field, values] : request.values) {
      if (const auto read = entry.values().find(field); read != entry.values().end()) {
        fuzz::require(read->second == values, "a wish says what was asked for");
      }
    }
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::manifest, "what cannot be wished for is a mistake in a manifest");
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view name = fuzz::as_text(data, size);
  for (const ecosystem::Ecosystem* const each : ecosystem::all_ecosystems()) {
    if (!each->wanted) {
      continue;
    }
    const ecosystem::Wanted wanted = each->wanted(name);
    if (wanted.request && base::is_valid_utf8(name)) {
      check_request(*wanted.request);
    }
  }
  return 0;
}
