// The daemon's two streams in one: however the bytes are cut, the same comes out. And names of images.
#include <algorithm>
#include <string>

#include "agent/docker_api.hpp"
#include "base/error.hpp"
#include "fuzz_target.hpp"

using namespace airlock;

namespace {

std::string in_pieces(std::string_view bytes, std::size_t piece) {
  std::string output;
  agent::DockerFrames frames([&output](std::string_view text) { output += text; });
  while (!bytes.empty()) {
    frames.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  return output;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::as_text(data, size);
  const std::string whole = in_pieces(bytes, std::max<std::size_t>(size, 1));
  fuzz::require(whole.size() <= size, "a frame only takes away");
  fuzz::require(in_pieces(bytes, 1) == whole && in_pieces(bytes, 7) == whole, "cuts change nothing");
  static const base::Url mirror = base::Url::parse("http://mirror.site.example:8480/");
  try {
    static_cast<void>(agent::image_on_mirror(bytes, mirror));
  } catch (const base::Error&) {
  }
  return 0;
}
