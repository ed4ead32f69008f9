#include "ecosystem/go/dirhash.hpp"

#include "base/text.hpp"

namespace airlock::ecosystem::go {

std::string dirhash(const std::map<std::string, base::Digest>& files) {
  base::Hasher hasher;
  for (const auto& [name, digest] : files) {
    hasher.update(digest.hex());
    hasher.update("  ");
    hasher.update(name);
    hasher.update("\n");
  }
  const base::Digest sum = hasher.finish();
  const auto bytes = sum.bytes();
  return "h1:" + base::base64_encode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

bool is_h1(std::string_view text) {
  // 32 bytes are 43 characters and one "=".
  if (!text.starts_with("h1:") || text.size() != 3 + 44 || !text.ends_with('=')) {
    return false;
  }
  const auto bytes = base::base64_decode(text.substr(3));
  return bytes && bytes->size() == 32;
}

}  // namespace airlock::ecosystem::go
