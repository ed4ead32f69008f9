// Opening private keys, the same on each command that signs.
#pragma once

#include <filesystem>
#include <memory>

#include "cli/session.hpp"
#include "trust/key.hpp"
#include "workflow/keys.hpp"

namespace airlock::cli {

// The signing set of this home.
std::unique_ptr<workflow::KeyRing> open_keys(Session& session, const PassphraseFlags& passphrase);
// One key file, anywhere.
std::unique_ptr<trust::Signer> open_key(Session& session, const std::filesystem::path& file,
                                        const PassphraseFlags& passphrase);

}  // namespace airlock::cli
