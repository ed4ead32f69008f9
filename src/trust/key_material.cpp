#include "trust/key_material.hpp"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"
#include "trust/fips.hpp"

namespace airlock::trust {

namespace {

using base::Error;
using base::ErrorCode;

using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, OpensslDeleter<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, OpensslDeleter<OSSL_PARAM_free>>;

constexpr std::size_t k_point_size = 32;        // bytes of an Ed25519 point
constexpr std::size_t k_p256_point_size = 65;   // bytes, uncompressed
constexpr std::size_t k_pem_limit = 16 * 1024;  // characters; an RSA key of 8,192 bits takes about 1,500

// The y coordinates of the points whose order divides 8, in hex as RFC 8032 writes them. Against such a "key"
// one constant signature verifies for many messages or all, and EVP does not look. Other encodings of the
// same points are non-canonical and are refused as such.
constexpr std::array<std::string_view, 5> k_small_order_points = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

// y >= p = 2^255 - 19, little-endian: such an encoding names a point that has another name already.
bool is_beyond_the_field(std::string_view y) {
  const bool high =
      static_cast<unsigned char>(y.back()) == 0x7F &&
      std::all_of(y.begin() + 1, y.end() - 1, [](char byte) { return static_cast<unsigned char>(byte) == 0xFF; });
  return high && static_cast<unsigned char>(y.front()) >= 0xED;
}

// The bytes of a PEM block that stands alone. PEM_read_bio_PUBKEY would skip whatever stands around it, and
// what is skipped is signed but unread.
std::string decode_lone_pem(std::string_view pem) {
  constexpr std::string_view begin = "-----BEGIN PUBLIC KEY-----";
  constexpr std::string_view end = "-----END PUBLIC KEY-----";
  if (pem.size() > k_pem_limit) {
    throw Error(ErrorCode::malformed, "the public key is longer than any that is accepted");
  }
  const auto end_at = pem.find(end);
  if (end_at == std::string_view::npos || pem.find(begin) == std::string_view::npos) {
    throw Error(ErrorCode::malformed, "the public key is not a PEM block of type PUBLIC KEY");
  }
  if (!pem.starts_with(begin) || pem.substr(end_at + end.size()).find_first_not_of("\r\n") != std::string_view::npos) {
    throw Error(ErrorCode::untrusted, "the public key has text before or after its PEM block");
  }
  std::string digits;
  for (const char c : pem.substr(begin.size(), end_at - begin.size())) {
    if (c == '-' || c == '_') {  // base64_decode knows the URL-safe alphabet too; PEM does not
      throw Error(ErrorCode::malformed, "the public key's PEM block is not base64");
    }
    if (c != '\n' && c != '\r') {
      digits += c;
    }
  }
  auto der = base::base64_decode(digits);
  if (!der || der->empty()) {
    throw Error(ErrorCode::malformed, "the public key's PEM block is not base64");
  }
  return std::move(*der);
}

// The algorithm is read from the structure itself: once it is a key, OpenSSL calls a curve given by explicit
// parameters equal to the named one, and verifies with a P-384 key as happily as with a P-256 one.
void check_algorithm(X509_PUBKEY* info, Scheme scheme) {
  ASN1_OBJECT* algorithm = nullptr;
  X509_ALGOR* identifier = nullptr;
  if (X509_PUBKEY_get0_param(&algorithm, nullptr, nullptr, &identifier, info) != 1) {
    throw openssl_error(ErrorCode::malformed, "the public key cannot be read");
  }
  const int nid = OBJ_obj2nid(algorithm);
  if (scheme == Scheme::rsa_pss_sha256) {
    if (nid != NID_rsaEncryption) {
      throw Error(ErrorCode::malformed, "the public key is not an RSA key");
    }
    return;
  }
  if (nid != NID_X9_62_id_ecPublicKey) {
    throw Error(ErrorCode::malformed, "the public key is not an elliptic curve key");
  }
  int type = V_ASN1_UNDEF;
  const void* value = nullptr;
  X509_ALGOR_get0(nullptr, &type, &value, identifier);
  if (type != V_ASN1_OBJECT) {
    throw Error(ErrorCode::untrusted, "the public key brings curve parameters of its own instead of a curve's name");
  }
  if (OBJ_obj2nid(static_cast<const ASN1_OBJECT*>(value)) != NID_X9_62_prime256v1) {
    throw Error(ErrorCode::untrusted, "the public key is on a curve other than P-256");
  }
}

void check_ec_point(EVP_PKEY* key) {
  const EvpPkeyCtx context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  if (!context || EVP_PKEY_public_check(context.get()) != 1) {
    throw openssl_error(ErrorCode::untrusted, "the public key is not a usable point of its curve");
  }
}

// Size and exponent by hand: OpenSSL's own check of a public RSA key tests primality, which costs seconds at
// the sizes that a hostile file would choose. With an exponent of 1 anybody can sign.
void check_rsa(EVP_PKEY* key) {
  const int bits = EVP_PKEY_get_bits(key);
  if (bits < k_rsa_bits_ever || bits > k_rsa_bits_largest) {
    throw Error(ErrorCode::untrusted, "the RSA key has " + std::to_string(bits) + " bits; accepted are " +
                                          std::to_string(k_rsa_bits_ever) + " to " +
                                          std::to_string(k_rsa_bits_largest));
  }
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &raw) != 1) {
    throw openssl_error(ErrorCode::malformed, "the RSA key has no exponent");
  }
  const BigNumber exponent(raw);
  constexpr unsigned long k_smallest_exponent = 65'537;
  constexpr int k_exponent_bits = 64;
  const bool small = BN_num_bits(exponent.get()) <= 17 && BN_get_word(exponent.get()) < k_smallest_exponent;
  if (small || BN_is_odd(exponent.get()) == 0 || BN_num_bits(exponent.get()) > k_exponent_bits) {
    throw Error(ErrorCode::untrusted, "the RSA key has an exponent other than odd, 65537 or more, of at most 64 bits");
  }
}

X509PubKey decode_public_info(std::string_view pem) {
  const std::string der = decode_lone_pem(pem);
  const unsigned char* cursor = as_unsigned(der);
  X509PubKey info(d2i_X509_PUBKEY(nullptr, &cursor, static_cast<long>(der.size())));
  if (!info || cursor != as_unsigned(der) + der.size()) {
    throw openssl_error(ErrorCode::malformed, "the public key cannot be read");
  }
  return info;
}

EvpPkey checked_key(const X509_PUBKEY* info, Scheme scheme) {
  EvpPkey key(X509_PUBKEY_get(info));
  if (!key) {
    throw openssl_error(ErrorCode::malformed, "the public key cannot be read");
  }
  if (scheme == Scheme::rsa_pss_sha256) {
    check_rsa(key.get());
  } else {
    check_ec_point(key.get());
  }
  return key;
}

// The same modulus and exponent without the restriction to PSS.
EvpPkey as_plain_rsa(EVP_PKEY* key) {
  BIGNUM* n_raw = nullptr;
  BIGNUM* e_raw = nullptr;
  const bool read = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n_raw) == 1 &&
                    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e_raw) == 1;
  const BigNumber n(n_raw);
  const BigNumber e(e_raw);
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  const bool built = read && builder && OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
                     OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1;
  const Params parameters(built ? OSSL_PARAM_BLD_to_param(builder.get()) : nullptr);
  const EvpPkeyCtx context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* plain = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &plain, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    throw openssl_error(ErrorCode::malformed, "the public key cannot be read");
  }
  return EvpPkey(plain);
}

}  // namespace

EvpPkey load_ed25519_point(std::string_view raw) {
  if (raw.size() != k_point_size) {
    throw Error(ErrorCode::malformed, "an Ed25519 key has 32 bytes, this one has " + std::to_string(raw.size()));
  }
  std::string y(raw);
  y.back() = static_cast<char>(static_cast<unsigned char>(y.back()) & 0x7F);  // the sign of x says nothing here
  if (is_beyond_the_field(y)) {
    throw Error(ErrorCode::untrusted, "the Ed25519 key is not in its canonical form");
  }
  for (const auto hex : k_small_order_points) {
    if (base::from_hex(hex) == y) {
      throw Error(ErrorCode::untrusted, "the Ed25519 key is a point of small order, for which anybody can sign");
    }
  }
  EvpPkey key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, as_unsigned(raw), raw.size()));
  if (!key) {
    throw openssl_error(ErrorCode::malformed, "the Ed25519 key cannot be read");
  }
  return key;
}

EvpPkey load_public_pem(std::string_view pem, Scheme scheme) {
  const X509PubKey info = decode_public_info(pem);
  check_algorithm(info.get(), scheme);
  return checked_key(info.get(), scheme);
}

NamedKey load_any_public_pem(std::string_view pem) {
  const X509PubKey info = decode_public_info(pem);
  ASN1_OBJECT* algorithm = nullptr;
  const unsigned char* bits = nullptr;
  int size = 0;
  if (X509_PUBKEY_get0_param(&algorithm, &bits, &size, nullptr, info.get()) != 1) {
    throw openssl_error(ErrorCode::malformed, "the public key cannot be read");
  }
  switch (OBJ_obj2nid(algorithm)) {
  case NID_ED25519:
    refuse_unapproved(Scheme::ed25519);
    return {load_ed25519_point({reinterpret_cast<const char*>(bits), static_cast<std::size_t>(size)}), Scheme::ed25519};
  case NID_X9_62_id_ecPublicKey:
    check_algorithm(info.get(), Scheme::ecdsa_p256);
    return {checked_key(info.get(), Scheme::ecdsa_p256), Scheme::ecdsa_p256};
  case NID_rsaEncryption:
    return {checked_key(info.get(), Scheme::rsa_pss_sha256), Scheme::rsa_pss_sha256};
  case NID_rsassaPss:
    return {as_plain_rsa(checked_key(info.get(), Scheme::rsa_pss_sha256).get()), Scheme::rsa_pss_sha256};
  default:
    throw Error(ErrorCode::unsupported, "the public key is neither Ed25519 nor ECDSA on P-256 nor RSA");
  }
}

EvpPkey load_p256_point(std::string_view raw) {
  if (raw.size() != k_p256_point_size || raw.front() != '\x04') {
    throw Error(ErrorCode::malformed, "the public key is not an uncompressed P-256 point");
  }
  std::string group = SN_X9_62_prime256v1;
  std::string point(raw);
  const std::array<OSSL_PARAM, 3> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size()),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
      OSSL_PARAM_construct_end()};
  const EvpPkeyCtx context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* built = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &built, EVP_PKEY_PUBLIC_KEY, const_cast<OSSL_PARAM*>(parameters.data())) != 1) {
    throw openssl_error(ErrorCode::malformed, "the public key cannot be read");
  }
  EvpPkey key(built);
  check_ec_point(key.get());
  return key;
}

void refuse_unapproved(Scheme scheme) {
  if (scheme == Scheme::ed25519 && fips_in_force()) {
    throw Error(ErrorCode::unsupported, "an Ed25519 key is not used in FIPS mode")
        .with_hint("keys for it are ECDSA on P-256 (--fips), or RSA of an older token");
  }
}

std::string public_value(EVP_PKEY* key, Scheme scheme) {
  if (scheme == Scheme::ed25519) {
    std::array<std::uint8_t, k_point_size> raw{};
    std::size_t size = raw.size();
    if (EVP_PKEY_get_raw_public_key(key, raw.data(), &size) != 1 || size != raw.size()) {
      throw openssl_error(ErrorCode::internal, "the public key cannot be taken out");
    }
    return base::to_hex(raw);
  }
  // Exactly as OpenSSL prints it: another line break would be another keyid.
  const Bio out(BIO_new(BIO_s_mem()));
  if (!out || PEM_write_bio_PUBKEY(out.get(), key) != 1) {
    throw openssl_error(ErrorCode::internal, "the public key cannot be written");
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

PublicKey public_key_of(EVP_PKEY* key, Scheme scheme) {
  const std::string_view keytype = scheme == Scheme::ed25519      ? "ed25519"
                                   : scheme == Scheme::ecdsa_p256 ? "ecdsa"
                                                                  : "rsa";
  return PublicKey::from_json(
      {{"keytype", keytype}, {"scheme", to_string(scheme)}, {"keyval", {{"public", public_value(key, scheme)}}}});
}

std::optional<Scheme> scheme_of(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "ED25519") == 1) {
    return Scheme::ed25519;
  }
  if (EVP_PKEY_is_a(key, "EC") == 1) {
    return Scheme::ecdsa_p256;
  }
  if (EVP_PKEY_is_a(key, "RSA") == 1) {
    return Scheme::rsa_pss_sha256;
  }
  return std::nullopt;
}

}  // namespace airlock::trust
