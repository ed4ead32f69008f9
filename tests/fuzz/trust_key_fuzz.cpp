// Public keys of roots and signatures by them: PEM, DER, points.
#include "base/error.hpp"
#include "base/text.hpp"
#include "fuzz_target.hpp"
#include "trust/key.hpp"

using namespace airlock;

namespace {

void try_key(const base::Json& object, std::string_view signature) {
  for (const auto forms : {trust::KeyForms::own, trust::KeyForms::foreign}) {
    try {
      const auto key = trust::PublicKey::from_json(object, forms);
      fuzz::require(key.json() == object, "the key object is kept as it stands");
      fuzz::require(key.keyid().size() == 64, "a keyid is a digest");
      fuzz::require(key.scheme() != trust::Scheme::rsa_pss_sha256 || key.bits() >= trust::k_rsa_bits_ever,
                    "no short RSA key");
      fuzz::require(key.same_key(key), "a key is itself");
      fuzz::require(!key.verify("a message that nobody signed", signature), "nobody signed this");
    } catch (const base::Error& error) {
      fuzz::require(error.code() != base::ErrorCode::internal, "every refusal is about the key");
    }
  }
}

}  // namespace

// The first byte says what follows: a key object, or the value of one of a scheme, and behind a NUL a signature.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view text = fuzz::as_text(data + 1, size - 1);
  const std::size_t end = std::min(text.find('\0'), text.size());
  const std::string value(text.substr(0, end));
  const std::string_view signature = text.substr(std::min(end + 1, text.size()));
  if (!base::is_valid_utf8(value)) {
    return 0;  // strings of a JSON value are UTF-8 by the time a key is read
  }
  switch (data[0] % 4) {
  case 0:
    try {
      try_key(base::parse_json(value, "key"), signature);
    } catch (const base::Error&) {
    }
    break;
  case 1:
    try_key({{"keytype", "ecdsa"}, {"scheme", "ecdsa-sha2-nistp256"}, {"keyval", {{"public", value}}}}, signature);
    break;
  case 2:
    try_key({{"keytype", "rsa"}, {"scheme", "rsassa-pss-sha256"}, {"keyval", {{"public", value}}}}, signature);
    break;
  default:
    try_key({{"keytype", "ed25519"}, {"scheme", "ed25519"}, {"keyval", {{"public", value}}}}, signature);
  }
  return 0;
}
