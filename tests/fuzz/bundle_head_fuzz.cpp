// A head from a medium, read, verified under its own root and inspected. Nothing but base::Error may come out of
// reading and verifying, and inspection throws nothing at all once a head was read.
#include <string>

#include "base/error.hpp"
#include "bundle/blob_map.hpp"
#include "bundle/inspection.hpp"
#include "bundle/verified_bundle.hpp"
#include "fuzz_target.hpp"
#include "memory_file.hpp"
#include "tar_checksums.hpp"

namespace {

using namespace airlock;

const base::Time k_now = base::parse_rfc3339("2026-07-02T12:00:00Z");

void examine(const bundle::Head& head) {
  const bundle::Inspection inspection = bundle::inspect(head, k_now);
  fuzz::require(!bundle::render_text(inspection, nullptr, bundle::Detail::artifacts).empty(),
                "there is something to show");
  fuzz::require(bundle::render_html(inspection, nullptr).find("<script") == std::string::npos, "a page runs nothing");
  bundle::VerifyOptions options{
      .pinned_root = head.metadata("1.root.json").value_or(""), .now = k_now, .policy = {}, .expiry = {}};
  bundle::EmptyStateStore state;
  const bundle::VerifiedBundle bundle = bundle::verify_head(head, state, options);
  std::size_t rows = 0;
  bundle.for_each_row([&](const model::FileRow&) { ++rows; });
  std::size_t signed_rows = 0;
  for (const auto& [ecosystem, count] : bundle.descriptor().rows) {
    signed_rows += count;
  }
  fuzz::require(rows == signed_rows, "every row was counted");
}

void run(const std::string& bytes) {
  const fuzz::MemoryFile file(bytes);
  try {
    examine(bundle::Head::read(file.path()));
  } catch (const base::Error&) {
    return;
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(fuzz::as_text(data, size));
  run(bytes);
  run(fuzz::with_checksums(bytes));
  return 0;
}
