// Statements of a site's officers, which lie on the medium like everything else: refused, or read as they are written.
#include "base/error.hpp"
#include "bundle/local_approval.hpp"
#include "fuzz_target.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace airlock;
  try {
    const auto approval = bundle::parse_local_approval(fuzz::as_text(data, size), "approval");
    fuzz::require(bundle::parse_local_approval(to_text(approval), "again") == approval, "read as it is written");
  } catch (const base::Error&) {
  }
  return 0;
}
