// Receipts and need lists, which come back on a medium.
#include "base/bytes.hpp"
#include "base/error.hpp"
#include "bundle/layout.hpp"
#include "fuzz_target.hpp"
#include "workflow/receipt.hpp"

using namespace airlock;

namespace {

constexpr std::size_t k_limit = 64 << 20;

std::string print(const workflow::Receipt& receipt) {
  base::StringSink sink(k_limit);
  workflow::write_receipt(receipt, sink);
  return sink.take();
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto receipt = workflow::parse_receipt(fuzz::as_text(data, size), "receipt");
    const std::string printed = print(receipt);
    const auto again = workflow::parse_receipt(printed, "receipt");
    fuzz::require(print(again) == printed, "a receipt prints and parses to itself");
    for (const auto& channel : receipt.channels) {
      fuzz::require(bundle::is_channel_name(channel.channel), "a channel has a name");
    }
    fuzz::require(again.blobs == receipt.blobs && again.is_need() == receipt.is_need(), "nothing is lost");
  } catch (const base::Error& error) {
    fuzz::require(error.code() != base::ErrorCode::internal && error.code() != base::ErrorCode::io,
                  "every refusal is about the text");
  }
  return 0;
}
