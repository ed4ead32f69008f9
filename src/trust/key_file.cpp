// Private keys as files: PKCS#8 in PEM (RFC 5958, RFC 8018; docs/decisions/0003-crypto-module.md).
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "trust/key_pair.hpp"

namespace airlock::trust {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

constexpr int k_iterations = 600'000;  // of PBKDF2; OpenSSL's own default is 2,048
constexpr int k_salt_size = 16;        // bytes
constexpr std::size_t k_file_limit = 64 * 1024;
constexpr std::size_t k_passphrase_limit = 1024;
constexpr std::string_view k_plain_label = "PRIVATE KEY";
constexpr std::string_view k_encrypted_label = "ENCRYPTED PRIVATE KEY";

std::string file_in_quotes(const fs::path& path) {
  return "'" + base::printable(path.string()) + "'";
}

int checked_size(const base::Secret& passphrase) {
  const auto size = passphrase.reveal().size();
  if (size == 0 || size > k_passphrase_limit) {
    throw Error(ErrorCode::usage, size == 0 ? "the passphrase is empty" : "the passphrase is longer than 1024 bytes");
  }
  return static_cast<int>(size);
}

// The PEM text in memory that OpenSSL overwrites when it is freed.
Bio to_pem(EVP_PKEY* key, const std::optional<base::Secret>& passphrase) {
  const Pkcs8Info info(EVP_PKEY2PKCS8(key));
  Bio out(BIO_new(BIO_s_secmem()));
  bool good = info && out;
  if (good && passphrase) {
    const int size = checked_size(*passphrase);
    const X509Sig encrypted(PKCS8_encrypt(NID_hmacWithSHA256, EVP_aes_256_cbc(), passphrase->reveal().c_str(), size,
                                          nullptr, k_salt_size, k_iterations, info.get()));
    good = encrypted && PEM_write_bio_PKCS8(out.get(), encrypted.get()) == 1;
  } else if (good) {
    good = PEM_write_bio_PKCS8_PRIV_KEY_INFO(out.get(), info.get()) == 1;
  }
  if (!good) {
    throw openssl_error(ErrorCode::internal, "the private key cannot be written");
  }
  return out;
}

// One decoded PEM block; its bytes are overwritten at the end.
class PemBlock {
 public:
  PemBlock(const base::Secret& text, const fs::path& path) {
    const Bio in(BIO_new_mem_buf(text.reveal().data(), static_cast<int>(text.reveal().size())));
    char* header = nullptr;
    const bool good = in && PEM_read_bio(in.get(), &m_label, &header, &m_data, &m_size) == 1;
    const bool has_header = header != nullptr && *header != '\0';
    OPENSSL_free(header);
    ERR_clear_error();
    if (!good) {
      throw Error(ErrorCode::malformed, file_in_quotes(path) + " is not a private key in PEM form");
    }
    // The older encryption inside PEM itself (a header) derives the key by one round of MD5.
    if (has_header || (label() != k_plain_label && label() != k_encrypted_label)) {
      release();
      throw Error(ErrorCode::unsupported, file_in_quotes(path) + " is not a PKCS#8 private key")
          .with_hint("convert it with: openssl pkcs8 -topk8 -v2 aes-256-cbc -iter 600000 -in OLD -out NEW");
    }
  }
  PemBlock(const PemBlock&) = delete;
  PemBlock& operator=(const PemBlock&) = delete;
  ~PemBlock() { release(); }

  std::string_view label() const { return m_label; }
  const unsigned char* data() const { return m_data; }
  long size() const { return m_size; }

 private:
  void release() {
    OPENSSL_free(m_label);
    OPENSSL_clear_free(m_data, static_cast<std::size_t>(m_size));
    m_label = nullptr;
    m_data = nullptr;
  }

  char* m_label = nullptr;
  unsigned char* m_data = nullptr;
  long m_size = 0;
};

base::Secret read_private(const fs::path& path) {
  const base::Fd fd = base::open_for_reading(path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) {
    throw base::system_error(errno, "cannot examine " + file_in_quotes(path));
  }
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    throw Error(ErrorCode::untrusted,
                "private key " + file_in_quotes(path) + " can be used by other users of this machine")
        .with_hint("if nobody has copied it, run: chmod 600 " + base::printable(path.string()));
  }
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size > k_file_limit) {
    throw Error(ErrorCode::malformed, file_in_quotes(path) + " is too long for a private key");
  }
  std::string text(size, '\0');
  base::pread_exact(fd.get(), std::as_writable_bytes(std::span(text)), 0, path.string());
  return base::Secret(std::move(text));
}

Pkcs8Info decrypt(const PemBlock& block, const fs::path& path, const std::optional<base::Secret>& passphrase) {
  if (!passphrase) {
    throw Error(ErrorCode::auth, "private key " + file_in_quotes(path) + " is encrypted and no passphrase was given");
  }
  const int size = checked_size(*passphrase);
  const unsigned char* cursor = block.data();
  const X509Sig encrypted(d2i_X509_SIG(nullptr, &cursor, block.size()));
  if (!encrypted) {
    throw openssl_error(ErrorCode::malformed, "private key " + file_in_quotes(path) + " cannot be read");
  }
  Pkcs8Info info(PKCS8_decrypt(encrypted.get(), passphrase->reveal().c_str(), size));
  if (!info) {
    ERR_clear_error();  // a wrong key shows as bad padding or, one time in 256, as bad ASN.1
    throw Error(ErrorCode::auth,
                "the passphrase of private key " + file_in_quotes(path) + " is wrong, or the file is damaged");
  }
  return info;
}

}  // namespace

void save_private_key(const Signer& signer, const fs::path& path, const std::optional<base::Secret>& passphrase) {
  const auto* const pair = dynamic_cast<const KeyPair*>(&signer);
  if (pair == nullptr) {
    throw Error(ErrorCode::usage, "this signer's private key is not held here and cannot be saved");
  }
  const Bio pem = to_pem(pair->private_key(), passphrase);
  char* text = nullptr;
  const long size = BIO_get_mem_data(pem.get(), &text);

  const base::Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
  if (!fd) {
    if (errno == EEXIST) {
      throw Error(ErrorCode::conflict, file_in_quotes(path) + " exists; a private key is never written over");
    }
    throw base::system_error(errno, "cannot create " + file_in_quotes(path));
  }
  try {
    base::write_all(fd.get(), base::as_bytes({text, static_cast<std::size_t>(size)}), path.string());
    base::sync_file(fd.get(), path.string());
    base::sync_directory(path.has_parent_path() ? path.parent_path() : fs::path("."));
  } catch (const Error&) {
    ::unlink(path.c_str());  // ours: O_EXCL made it
    throw;
  }
}

std::unique_ptr<Signer> load_private_key(const fs::path& path, const std::optional<base::Secret>& passphrase) {
  const base::Secret text = read_private(path);
  const PemBlock block(text, path);
  Pkcs8Info info;
  if (block.label() == k_encrypted_label) {
    info = decrypt(block, path, passphrase);
  } else {
    const unsigned char* cursor = block.data();
    info.reset(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &cursor, block.size()));
  }
  EvpPkey key(info ? EVP_PKCS82PKEY(info.get()) : nullptr);
  if (!key) {
    throw openssl_error(ErrorCode::malformed, "private key " + file_in_quotes(path) + " cannot be read");
  }
  return base::with_context([&] { return "loading private key " + file_in_quotes(path); },
                            [&] { return std::make_unique<KeyPair>(std::move(key)); });
}

bool private_key_is_encrypted(const fs::path& path) {
  const base::Secret text = read_private(path);
  return PemBlock(text, path).label() == k_encrypted_label;
}

bool holds_private_key(const fs::path& path) {
  const base::Fd fd = base::open_for_reading(path);
  std::string text(std::min<std::uint64_t>(base::file_size(fd.get(), path.string()), k_file_limit), '\0');
  base::pread_exact(fd.get(), std::as_writable_bytes(std::span(text)), 0, path.string());
  const base::Secret content(std::move(text));
  // Also of the older kinds, "EC PRIVATE KEY", which airlock itself does not open.
  return content.reveal().find("PRIVATE KEY-----") != std::string::npos;
}

}  // namespace airlock::trust
