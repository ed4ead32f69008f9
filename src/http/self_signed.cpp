#include "http/self_signed.hpp"

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/cipher.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/ip_address.hpp"
#include "base/text.hpp"

namespace airlock::http {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::size_t k_file_limit = 64 * 1024;  // bytes
constexpr std::chrono::days k_renew_before{30};
constexpr std::chrono::hours k_backdate{1};  // clients' clocks may be a little behind

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Memory = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;
using Number = std::unique_ptr<BIGNUM, Freer<BN_free>>;

void require(bool good, std::string_view what) {
  if (!good) {
    throw Error(ErrorCode::internal, fmt::format("OpenSSL could not make a certificate ({})", what));
  }
}

// The names go into OpenSSL's own little language, in which a comma would begin another one.
void check_name(const std::string& name) {
  const bool plain = !name.empty() && name.size() <= 253 && std::all_of(name.begin(), name.end(), [](char c) {
    return base::is_alphanumeric(c) || c == '.' || c == '-';
  });
  if (!plain && !base::IpAddress::parse(name)) {
    throw Error(ErrorCode::usage, fmt::format("'{}' is neither a host name nor an address", base::printable(name, 80)));
  }
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::vector<std::string> parts;
  for (const auto& name : names) {
    parts.push_back((base::IpAddress::parse(name) ? "IP:" : "DNS:") + name);
  }
  return base::join(parts, ",");
}

void add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1, value);
}

// RFC 5280, 4.1.2.2: positive, at most 20 octets, and not to be guessed.
void set_serial(X509* certificate) {
  const Number number(BN_new());
  require(number && BN_rand(number.get(), 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
              BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr,
          "serial number");
}

std::string text_of(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem_of(X509* certificate) {
  const Memory memory(BIO_new(BIO_s_mem()));
  require(memory && PEM_write_bio_X509(memory.get(), certificate) == 1, "PEM");
  return text_of(memory.get());
}

// Everything but the issuer, the extensions and the signature.
Certificate begin_certificate(const std::string& common_name, EVP_PKEY* key, const SelfSignedRequest& request) {
  Certificate certificate(X509_new());
  require(certificate && X509_set_version(certificate.get(), X509_VERSION_3) == 1, "version");
  set_serial(certificate.get());
  const auto begin = std::chrono::system_clock::to_time_t(request.now - k_backdate);
  const auto end = std::chrono::system_clock::to_time_t(request.now + request.lifetime);
  require(ASN1_TIME_set(X509_getm_notBefore(certificate.get()), begin) != nullptr &&
              ASN1_TIME_set(X509_getm_notAfter(certificate.get()), end) != nullptr &&
              X509_set_pubkey(certificate.get(), key) == 1,
          "lifetime");
  // RFC 5280, appendix A: a common name has at most 64 characters; the alternative names are what counts.
  const auto common = common_name.substr(0, 64);
  require(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(common.data()),
                                     static_cast<int>(common.size()), -1, 0) == 1,
          "name");
  return certificate;
}

void set_issuer(X509* certificate, X509* issuer) {
  require(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1, "issuer");
}

void sign(X509* certificate, EVP_PKEY* key) {
  require(X509_sign(certificate, key, EVP_sha256()) > 0, "signature");
}

Certificate read_certificate(const std::string& pem) {
  const Memory memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Certificate(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
}

std::string fingerprint_of(X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  require(X509_digest(certificate, EVP_sha256(), digest.data(), &size) == 1, "fingerprint");
  return base::to_hex(std::span(digest.data(), size));
}

bool serves(X509* certificate, const SelfSignedRequest& request) {
  std::time_t renew_at = std::chrono::system_clock::to_time_t(request.now + k_renew_before);
  if (X509_cmp_time(X509_get0_notAfter(certificate), &renew_at) <= 0) {
    return false;
  }
  return std::all_of(request.names.begin(), request.names.end(), [certificate](const std::string& name) {
    return base::IpAddress::parse(name) ? X509_check_ip_asc(certificate, name.c_str(), 0) == 1
                                        : X509_check_host(certificate, name.c_str(), name.size(), 0, nullptr) == 1;
  });
}

void write_set(SelfSignedFiles& files, const SelfSignedRequest& request) {
  auto set = make_self_signed(request);
  base::make_directories(files.key.parent_path(), 0700);
  // The chain last: without it the set is made again, so a run that ends in between leaves nothing that does
  // not fit.
  ::unlink(files.certificate.c_str());
  base::write_file_atomic(files.key, set.key, 0600);
  base::write_file_atomic(files.authority, set.authority, 0644);
  base::write_file_atomic(files.certificate, set.chain, 0644);
  base::cleanse(set.key.data(), set.key.size());
  files.made = true;
  files.fingerprint = fingerprint_of(read_certificate(set.authority).get());
}

SelfSignedFiles files_in(const std::filesystem::path& folder) {
  return {.certificate = folder / "cert.pem", .authority = folder / "ca.pem", .key = folder / "key.pem"};
}

}  // namespace

SelfSignedSet make_self_signed(const SelfSignedRequest& request) {
  if (request.names.empty()) {
    throw Error(ErrorCode::usage, "a certificate needs at least one name");
  }
  for (const auto& name : request.names) {
    check_name(name);
  }
  const Key authority_key(EVP_EC_gen("P-256"));
  const Key key(EVP_EC_gen("P-256"));
  require(authority_key != nullptr && key != nullptr, "key");

  const auto authority =
      begin_certificate(fmt::format("airlock {}", request.names.front()), authority_key.get(), request);
  set_issuer(authority.get(), authority.get());
  add_extension(authority.get(), authority.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(authority.get(), authority.get(), NID_key_usage, "critical,keyCertSign");
  add_extension(authority.get(), authority.get(), NID_subject_key_identifier, "hash");
  sign(authority.get(), authority_key.get());

  const auto certificate = begin_certificate(request.names.front(), key.get(), request);
  set_issuer(certificate.get(), authority.get());
  add_extension(certificate.get(), authority.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate.get(), authority.get(), NID_key_usage, "critical,digitalSignature");
  add_extension(certificate.get(), authority.get(), NID_ext_key_usage, "serverAuth");
  add_extension(certificate.get(), authority.get(), NID_subject_key_identifier, "hash");
  add_extension(certificate.get(), authority.get(), NID_authority_key_identifier, "keyid");
  add_extension(certificate.get(), authority.get(), NID_subject_alt_name, alternative_names(request.names));
  sign(certificate.get(), authority_key.get());

  const Memory key_text(BIO_new(BIO_s_mem()));
  require(key_text &&
              PEM_write_bio_PKCS8PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
          "PEM");
  return {.chain = pem_of(certificate.get()) + pem_of(authority.get()),
          .authority = pem_of(authority.get()),
          .key = text_of(key_text.get())};
}

SelfSignedFiles ensure_self_signed(const std::filesystem::path& folder, const SelfSignedRequest& request) {
  SelfSignedFiles files = files_in(folder);
  const auto chain = base::read_file_if_exists(files.certificate, k_file_limit);
  const auto authority = base::read_file_if_exists(files.authority, k_file_limit);
  std::error_code ignored;
  if (chain && authority && std::filesystem::exists(files.key, ignored)) {
    const auto certificate = read_certificate(*chain);
    const auto trusted = read_certificate(*authority);
    if (certificate && trusted && serves(certificate.get(), request)) {
      files.fingerprint = fingerprint_of(trusted.get());
      return files;
    }
  }
  write_set(files, request);
  return files;
}

SelfSignedFiles write_self_signed(const std::filesystem::path& folder, const SelfSignedRequest& request) {
  SelfSignedFiles files = files_in(folder);
  for (const auto* file : {&files.certificate, &files.authority, &files.key}) {
    std::error_code ignored;
    if (std::filesystem::exists(std::filesystem::symlink_status(*file, ignored))) {
      throw Error(ErrorCode::conflict, fmt::format("'{}' is there already; nothing was made", file->string()))
          .with_hint("clients trust what is there; move it away first, or choose another folder");
    }
  }
  write_set(files, request);
  return files;
}

}  // namespace airlock::http
