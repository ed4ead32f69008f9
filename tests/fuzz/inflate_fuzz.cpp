// Compressed streams of upstreams and clients.
#include "base/archive.hpp"
#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/inflate.hpp"
#include "fuzz_target.hpp"

using namespace airlock;

namespace {

constexpr std::size_t k_limit = 1 << 20;

template <typename Unpack>
std::string unpacked(Unpack&& unpack) {
  try {
    return unpack();
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::malformed || error.code() == base::ErrorCode::limit,
                  "every refusal is about the stream");
    return "";
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  fuzz::require(unpacked([&] { return base::inflate_raw(text, k_limit, "input"); }).size() <= k_limit, "bounded");
  const std::string member = unpacked([&] { return base::gunzip(text, k_limit, "input"); });
  fuzz::require(member.size() <= k_limit, "bounded");
  const std::string stream = unpacked([&] {
    base::StringSink sink(k_limit);
    base::gunzip(text, sink, "input");
    return sink.take();
  });
  fuzz::require(member.empty() || stream.empty() || member == stream, "two readers of gzip read the same");
  return 0;
}
