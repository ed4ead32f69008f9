#include "support/test_certificate.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <stdexcept>

namespace airlock::test {

namespace {

template <auto Free>
struct With {
  template <typename Type>
  void operator()(Type* object) const {
    Free(object);
  }
};

void require(bool condition, const char* what) {
  if (!condition) {
    throw std::runtime_error(std::string("test certificate: ") + what);
  }
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, With<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "extension");
}

template <typename Write>
void write_pem(const std::filesystem::path& path, Write&& write) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "we"), &std::fclose);
  require(file && write(file.get()) == 1, "file");
}

}  // namespace

TestCertificate make_certificate(const std::filesystem::path& directory, const std::string& name,
                                 const std::vector<std::string>& names) {
  const std::unique_ptr<EVP_PKEY, With<EVP_PKEY_free>> key(EVP_EC_gen("P-256"));
  const std::unique_ptr<X509, With<X509_free>> certificate(X509_new());
  require(key && certificate, "key");
  std::uint64_t serial = 0;
  require(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "serial");
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1);
  X509_set_version(certificate.get(), X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 24 * 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* const subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate.get(), subject);
  std::string alternatives;
  for (const std::string& alternative : names) {
    alternatives += (alternatives.empty() ? "" : ",");
    alternatives += alternative.starts_with("IP:") ? alternative : "DNS:" + alternative;
  }
  add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate.get(), NID_subject_alt_name, alternatives);
  require(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0, "signature");

  TestCertificate paths{directory / (name + ".crt"), directory / (name + ".key")};
  write_pem(paths.certificate, [&](FILE* file) { return PEM_write_X509(file, certificate.get()); });
  write_pem(paths.key,
            [&](FILE* file) { return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  return paths;
}

}  // namespace airlock::test
