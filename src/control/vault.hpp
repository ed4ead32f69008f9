// Secrets of settings and deployments at rest: AES-256-GCM under a key in a file of its own, so that neither the
// database nor its backup alone gives one away.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/secret.hpp"

namespace airlock::control {

class Vault {
 public:
  // The key of `file`, 64 hex characters, mode 0600; made where there is none. Throws config when it is readable by
  // others or is no key.
  explicit Vault(const std::filesystem::path& file);

  // "v1:…", bound to `owner` (a stack): nobody can open it by putting it into another stack's settings.
  std::string close(const base::Secret& secret, std::string_view owner) const;
  // Throws malformed when it was not made here for this owner.
  base::Secret open(std::string_view ciphertext, std::string_view owner) const;
  std::string key_id() const;  // tells keys apart, gives nothing of them away

 private:
  base::Secret m_key;
};

}  // namespace airlock::control
