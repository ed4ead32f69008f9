#include "cli/key_access.hpp"

namespace airlock::cli {

std::unique_ptr<workflow::KeyRing> open_keys(Session& session, const PassphraseFlags& passphrase) {
  return std::make_unique<workflow::KeyRing>(
      session.home, passphrase.read(session, workflow::keys_are_encrypted(session.home)), show_on(session));
}

std::unique_ptr<trust::Signer> open_key(Session& session, const std::filesystem::path& file,
                                        const PassphraseFlags& passphrase) {
  return trust::load_private_key(file, passphrase.read(session, trust::private_key_is_encrypted(file)));
}

}  // namespace airlock::cli
