#include "ecosystem/go/note.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/ed25519.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::ecosystem::go {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_largest_note = std::size_t{1024} * 1024;  // bytes
constexpr std::size_t k_most_signatures = 100;
constexpr char k_ed25519 = 1;  // algorithm
constexpr std::string_view k_dash = "\xe2\x80\x94 ";

std::uint32_t big_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char c : bytes.substr(0, 4)) {
    value = value << 8 | static_cast<unsigned char>(c);
  }
  return value;
}

[[noreturn]] void no_note() {
  throw Error(ErrorCode::malformed, "what the checksum database sent is no signed note");
}

}  // namespace

std::optional<VerifierKey> parse_verifier_key(std::string_view text) {
  const std::size_t first = text.find('+');
  const std::size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos || first == 0 || second != first + 9) {
    return std::nullopt;
  }
  VerifierKey key;
  key.name = text.substr(0, first);
  const std::string_view hex = text.substr(first + 1, 8);
  const auto [end, failure] = std::from_chars(hex.data(), hex.data() + hex.size(), key.hash, 16);
  const auto bytes = base::base64_decode(text.substr(second + 1));
  if (failure != std::errc() || end != hex.data() + hex.size() || !bytes || bytes->size() != 33 ||
      bytes->front() != k_ed25519) {
    return std::nullopt;
  }
  const base::Digest sum = base::sha256(fmt::format("{}\n{}", key.name, *bytes));
  if (big_endian({reinterpret_cast<const char*>(sum.bytes().data()), 4}) != key.hash) {
    return std::nullopt;
  }
  key.ed25519 = bytes->substr(1);
  return key;
}

std::string verified_text(std::string_view note, const VerifierKey& key) {
  if (note.size() > k_largest_note || !note.ends_with('\n') || !base::is_valid_utf8(note)) {
    no_note();
  }
  const std::size_t split = note.rfind("\n\n");
  if (split == std::string_view::npos) {
    no_note();
  }
  const std::string_view text = note.substr(0, split + 1);
  std::string_view signatures = note.substr(split + 2);
  for (std::size_t count = 0; !signatures.empty(); ++count) {
    const std::string_view line = signatures.substr(0, signatures.find('\n'));
    signatures.remove_prefix(line.size() + 1);
    if (count == k_most_signatures || !line.starts_with(k_dash)) {
      no_note();
    }
    const std::string_view signer = line.substr(k_dash.size());
    const std::size_t space = signer.find(' ');
    const auto bytes = space == std::string_view::npos ? std::nullopt : base::base64_decode(signer.substr(space + 1));
    if (!bytes || bytes->size() < 5) {
      no_note();
    }
    if (signer.substr(0, space) != key.name || big_endian(*bytes) != key.hash) {
      continue;
    }
    if (!base::verify_ed25519(key.ed25519, text, std::string_view(*bytes).substr(4))) {
      throw Error(ErrorCode::untrusted, fmt::format("the signature of '{}' does not belong to the text", key.name));
    }
    return std::string(text);
  }
  throw Error(ErrorCode::untrusted, fmt::format("the note is not signed by '{}'", key.name));
}

}  // namespace airlock::ecosystem::go
