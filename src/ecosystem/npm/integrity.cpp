#include "ecosystem/npm/integrity.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::ecosystem::npm {

using base::Digest;
using base::HashAlgorithm;

namespace {

constexpr std::size_t k_text_limit = 4096;

}  // namespace

std::vector<Digest> parse_integrity(std::string_view text) {
  if (text.size() > k_text_limit) {
    throw base::Error(base::ErrorCode::limit, fmt::format("an integrity of {} characters", text.size()));
  }
  std::vector<Digest> digests;
  for (const std::string& word : base::split(text, ' ')) {
    const std::string value = word.substr(0, word.find('?'));
    for (const HashAlgorithm algorithm :
         {HashAlgorithm::sha1, HashAlgorithm::sha256, HashAlgorithm::sha384, HashAlgorithm::sha512}) {
      const std::string prefix = fmt::format("{}-", base::to_string(algorithm));
      if (!value.starts_with(prefix)) {
        continue;
      }
      const auto bytes = base::base64_decode(std::string_view(value).substr(prefix.size()));
      if (!bytes || bytes->size() != base::digest_size(algorithm)) {
        throw base::Error(base::ErrorCode::malformed, fmt::format("'{}' is no integrity", base::printable(value, 200)));
      }
      digests.emplace_back(algorithm, std::span(reinterpret_cast<const std::uint8_t*>(bytes->data()), bytes->size()));
    }
  }
  return digests;
}

std::optional<Digest> strongest(const std::vector<Digest>& digests) {
  const auto found = std::max_element(digests.begin(), digests.end(),
                                      [](const Digest& a, const Digest& b) { return a.algorithm() < b.algorithm(); });
  return found == digests.end() ? std::nullopt : std::optional(*found);
}

bool agree(const std::vector<Digest>& a, const std::vector<Digest>& b) {
  std::optional<HashAlgorithm> shared;  // the strongest so far
  bool same = true;
  for (const Digest& one : a) {
    for (const Digest& other : b) {
      if (one.algorithm() != other.algorithm() || (shared && one.algorithm() < *shared)) {
        continue;
      }
      same = one == other || (same && shared == one.algorithm());
      shared = one.algorithm();
    }
  }
  return same;
}

}  // namespace airlock::ecosystem::npm
