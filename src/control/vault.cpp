#include "control/vault.hpp"

#include <sys/stat.h>

#include <fmt/format.h>

#include "base/cipher.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"

namespace airlock::control {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::string_view k_version = "v1:";

void require_private(const std::filesystem::path& file) {
  struct stat about = {};
  if (::stat(file.c_str(), &about) == 0 && (about.st_mode & 077) != 0) {
    throw Error(ErrorCode::config, fmt::format("others can read the key file {}", file.string()))
        .with_hint(fmt::format("chmod 600 {}", file.string()));
  }
}

}  // namespace

Vault::Vault(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) {
    const std::string fresh = base::random_bytes(base::k_seal_key_size);
    base::write_file_atomic(
        file, base::to_hex({reinterpret_cast<const std::uint8_t*>(fresh.data()), fresh.size()}) + "\n", 0600);
  }
  require_private(file);
  const auto key = base::from_hex(base::trim(base::read_file(file, 4096)));
  if (!key || key->size() != base::k_seal_key_size) {
    throw Error(ErrorCode::config, fmt::format("{} holds no key of 64 hex characters", file.string()))
        .with_hint("restore it from a backup; without it the secrets of stack settings have to be set anew");
  }
  m_key = base::Secret(*key);
}

std::string Vault::close(const base::Secret& secret, std::string_view owner) const {
  return std::string(k_version) + base::base64_encode(base::seal(m_key.reveal(), secret.reveal(), owner));
}

base::Secret Vault::open(std::string_view ciphertext, std::string_view owner) const {
  if (ciphertext.starts_with(k_version)) {
    if (const auto sealed = base::base64_decode(ciphertext.substr(k_version.size()))) {
      if (auto plain = base::unseal(m_key.reveal(), *sealed, owner)) {
        return base::Secret(std::move(*plain));
      }
    }
  }
  throw Error(ErrorCode::malformed, "a ciphertext was not made by this server for this stack")
      .with_hint("give the value again, as {\"secret\": …}");
}

std::string Vault::key_id() const {
  return base::sha256("airlock key id " + m_key.reveal()).hex().substr(0, 16);
}

}  // namespace airlock::control
