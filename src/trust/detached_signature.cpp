#include "trust/detached_signature.hpp"

#include <openssl/ecdsa.h>
#include <openssl/err.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "trust/openssl.hpp"

namespace airlock::trust {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::string_view k_detached_type = "airlock-signature";
constexpr std::size_t k_number_size = 32;  // bytes of r and of s on P-256

using EcdsaSig = std::unique_ptr<ECDSA_SIG, OpensslDeleter<ECDSA_SIG_free>>;

// r || s, each of 32 bytes, as DER; empty when that cannot be.
std::string to_der(std::string_view numbers) {
  const EcdsaSig signature(ECDSA_SIG_new());
  BigNumber r(BN_bin2bn(as_unsigned(numbers), static_cast<int>(k_number_size), nullptr));
  BigNumber s(BN_bin2bn(as_unsigned(numbers.substr(k_number_size)), static_cast<int>(k_number_size), nullptr));
  if (!signature || !r || !s || ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1) {
    ERR_clear_error();
    return {};
  }
  static_cast<void>(r.release());  // they are the signature's now
  static_cast<void>(s.release());
  unsigned char* bytes = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &bytes);
  std::string der;
  if (size > 0) {
    der.assign(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  }
  OPENSSL_free(bytes);
  ERR_clear_error();
  return der;
}

}  // namespace

DetachedSignature sign_detached(const SignedFile& file, const Signer& signer) {
  return {.role = base::string_member(file.signed_part, "_type", "the file to sign"),
          .version = base::uint_member(file.signed_part, "version", "the file to sign"),
          .keyid = signer.public_key().keyid(),
          .scheme = signer.public_key().scheme(),
          .sig = signer.sign(file.canonical),
          .payload = identity(file)};
}

std::string to_text(const DetachedSignature& signature) {
  const base::Json json = {
      {"format", 1},
      {"type", k_detached_type},
      {"role", signature.role},
      {"version", signature.version},
      {"keyid", signature.keyid},
      {"scheme", to_string(signature.scheme)},
      {"sig", base::to_hex({reinterpret_cast<const std::uint8_t*>(signature.sig.data()), signature.sig.size()})},
      {"payload_sha256", signature.payload.hex()}};
  return json.dump(2) + "\n";
}

DetachedSignature parse_detached_signature(std::string_view text, std::string_view name) {
  const base::Json json =
      base::parse_json(text, name, {.bytes = k_detached_limit, .depth = 4}, base::Numbers::integers);
  if (base::string_member(json, "type", name) != k_detached_type || base::uint_member(json, "format", name) != 1) {
    throw Error(ErrorCode::malformed, std::string(name) + " is not a signature of format 1");
  }
  DetachedSignature signature;
  signature.role = base::string_member(json, "role", name);
  signature.version = base::uint_member(json, "version", name);
  signature.keyid = base::to_lower(base::string_member(json, "keyid", name));
  const std::string scheme = base::string_member(json, "scheme", name);
  const auto known = find_scheme(scheme);
  if (!known) {
    throw Error(ErrorCode::unsupported, "signature scheme '" + base::printable(scheme, 60) + "' is not known");
  }
  signature.scheme = *known;
  const auto sig = base::from_hex(base::string_member(json, "sig", name));
  const std::string payload = base::to_lower(base::string_member(json, "payload_sha256", name));
  if (!sig || sig->empty() || !base::Digest::is_sha256_hex(payload) || !base::Digest::is_sha256_hex(signature.keyid)) {
    throw Error(ErrorCode::malformed, std::string(name) + " holds something other than hex where hex belongs");
  }
  signature.sig = *sig;
  signature.payload = base::Digest::parse_sha256_hex(payload);
  return signature;
}

bool looks_like_detached_signature(std::string_view text) {
  return text.starts_with('{') && text.find(k_detached_type) != std::string_view::npos;
}

std::optional<std::string> as_signature(const PublicKey& key, std::string_view message, std::string_view raw) {
  if (key.verify(message, raw)) {
    return std::string(raw);
  }
  if (key.scheme() == Scheme::ecdsa_p256 && raw.size() == 2 * k_number_size) {
    std::string der = to_der(raw);
    if (key.verify(message, der)) {
      return der;
    }
  }
  return std::nullopt;
}

std::string_view signature_form(Scheme scheme) {
  switch (scheme) {
  case Scheme::ed25519:
    return "64 raw bytes";
  case Scheme::ecdsa_p256:
    return "DER, or r and s of 32 bytes each, over the SHA-256 of the content";
  case Scheme::rsa_pss_sha256:
    return "raw bytes with PSS padding, SHA-256 and a salt of 32 bytes";
  }
  return "";
}

}  // namespace airlock::trust
