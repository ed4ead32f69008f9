// A head from a medium, read, verified under its own root and inspected. Nothing but base::Error may come out of
// reading and verifying, and inspection throws nothing at all once a head was read.
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "base/error.hpp"
#include "base/tar.hpp"
#include "bundle/blob_map.hpp"
#include "bundle/inspection.hpp"
#include "bundle/verified_bundle.hpp"
#include "fuzz_target.hpp"

namespace {

using namespace airlock;

const base::Time k_now = base::parse_rfc3339("2026-07-02T12:00:00Z");

// Inputs whose checksums are wrong end at the first header; with right ones they reach everything behind it.
std::string with_checksums(std::string tar) {
  for (std::size_t at = 0; at + base::k_tar_block <= tar.size();) {
    std::uint64_t size = 0;
    for (std::size_t i = at + 124; i < at + 135 && tar[i] >= '0' && tar[i] <= '7'; ++i) {
      size = size * 8 + static_cast<std::uint64_t>(tar[i] - '0');
    }
    tar.replace(at + 148, 8, "        ");
    unsigned sum = 0;
    for (std::size_t i = at; i < at + base::k_tar_block; ++i) {
      sum += static_cast<unsigned char>(tar[i]);
    }
    if (sum == 8 * ' ') {  // the end blocks
      tar.replace(at + 148, 8, 8, '\0');
      break;
    }
    for (std::size_t i = at + 154; i-- > at + 148;) {
      tar[i] = static_cast<char>('0' + (sum & 7));
      sum >>= 3;
    }
    tar[at + 154] = '\0';
    at += base::k_tar_block + size + base::tar_padding(size);
  }
  return tar;
}

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
  const base::Fd fd(memfd_create("head", MFD_CLOEXEC));
  base::write_all(fd.get(), base::as_bytes(bytes), "head");
  try {
    examine(bundle::Head::read("/proc/self/fd/" + std::to_string(fd.get())));
  } catch (const base::Error&) {
    return;
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(fuzz::as_text(data, size));
  run(bytes);
  run(with_checksums(bytes));
  return 0;
}
