#include "workflow/key_pair_files.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "trust/metadata.hpp"

namespace airlock::workflow {

KeyPairReport make_key_pair(const KeyPairOptions& options) {
  using base::Error;
  using base::ErrorCode;
  if (!trust::is_top_level_role(options.role)) {
    throw Error(ErrorCode::usage, fmt::format("there is no role '{}'", base::printable(options.role, 60)))
        .with_hint("it is root, snapshot (those who approve), targets or timestamp");
  }
  KeyPairReport report;
  report.private_key = options.private_key;
  report.public_key = std::filesystem::path(options.private_key).replace_extension(".pub.json");
  std::error_code ignored;
  if (report.public_key == report.private_key || std::filesystem::exists(report.public_key, ignored)) {
    throw Error(ErrorCode::conflict, fmt::format("{} exists already", report.public_key.string()))
        .with_hint("name another file for the private key, with the extension .pem");
  }
  const auto signer = trust::generate_key(options.scheme);
  report.keyid = signer->public_key().keyid();
  trust::save_private_key(*signer, report.private_key, options.passphrase);
  base::write_file_atomic(report.public_key,
                          trust::to_text({.role = options.role, .name = options.name, .key = signer->public_key()}));
  return report;
}

trust::PublicKeyFile read_public_key(const std::filesystem::path& file) {
  return trust::parse_public_key_file(base::read_file(file, trust::k_public_key_limit), file.string());
}

}  // namespace airlock::workflow
