#include "workflow/key_restore.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "bundle/draft_proof.hpp"
#include "bundle/head.hpp"
#include "workflow/base_state.hpp"
#include "workflow/channel_state.hpp"
#include "workflow/keys.hpp"
#include "workflow/pending_root.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

constexpr std::size_t k_private_key_limit = 64 * 1024;  // bytes
constexpr std::string_view k_probe = "airlock tries the command that reaches this key; this text is no metadata\n";

struct RootChain {
  std::vector<std::string> files;  // oldest first
  trust::Root newest;
  std::string first_fingerprint, newest_fingerprint;
};

RootChain chain_in(const bundle::Head& head) {
  const bundle::HeadContents contents = head.contents();
  RootChain chain;
  for (std::uint64_t version = 1;; ++version) {
    const auto found = contents.metadata.find(fmt::format("{}.root.json", version));
    if (found == contents.metadata.end()) {
      break;
    }
    if (version == 1) {
      const auto first = trust::check_pinnable(found->second, {});
      chain.newest = first.root;
      chain.first_fingerprint = chain.newest_fingerprint = first.fingerprint.hex();
    } else {
      const auto file = trust::parse_signed(found->second, found->first, trust::k_root_limit);
      chain.newest = trust::verify_next_root(file, chain.newest);
      chain.newest_fingerprint = trust::identity(file).hex();
    }
    chain.files.push_back(found->second);
  }
  if (chain.files.empty()) {
    throw Error(ErrorCode::malformed, fmt::format("{} holds no root", head.file().string()));
  }
  return chain;
}

std::string role_of_key(const trust::Root& root, const std::string& keyid) {
  for (const auto& [role, keys] : root.roles) {
    if (std::ranges::find(keys.keyids, keyid) != keys.keyids.end()) {
      return role;
    }
  }
  return "";
}

// What is signed: the hint beside it may be anybody's, and a serial that is too low would be used a second time.
bundle::Descriptor signed_descriptor(const bundle::Head& head, const RootChain& chain) {
  if (head.shipment().empty()) {
    return bundle::prove_draft(head, chain.files.back(), base::parse_rfc3339(head.hint().created)).descriptor;
  }
  return verify_under(head, chain.files.front()).descriptor();
}

// Of the channel that the bundle is of, this home knows nothing but that this serial was used.
void mark_channel(const Home& home, const std::string& channel, std::uint64_t serial) {
  const ChannelState state(home, channel);
  if (const auto last = state.last(); !last || last->hint().serial < serial) {
    state.set_restored(RestoredChannel{.serial = serial, .floor = {}});
  }
}

}  // namespace

KeyRestoreReport restore_keys(const Home& home, const KeyRestoreOptions& options) {
  std::error_code error;
  if (fs::exists(home.keys(), error)) {
    throw Error(ErrorCode::conflict, fmt::format("{} exists already", home.keys().string()))
        .with_hint("keys are restored into a home that has none; give another with --home");
  }
  const bundle::Head head = bundle::Head::read(options.bundle);
  const RootChain chain = base::with_context([&] { return "reading the roots of " + options.bundle.string(); },
                                             [&] { return chain_in(head); });
  if (!options.fingerprint.empty() && options.fingerprint != chain.first_fingerprint) {
    throw Error(ErrorCode::untrusted, fmt::format("the first root of that bundle has another fingerprint: {}",
                                                  base::group_digits(chain.first_fingerprint)))
        .with_hint("it is not a bundle of this producer, or the paper is of another root");
  }
  const bundle::Descriptor descriptor = base::with_context([&] { return "proving " + options.bundle.string(); },
                                                           [&] { return signed_descriptor(head, chain); });
  KeyRestoreReport report{.first_fingerprint = chain.first_fingerprint,
                          .newest_fingerprint = chain.newest_fingerprint,
                          .root_version = chain.newest.version,
                          .channel = descriptor.channel,
                          .serial = descriptor.serial,
                          .private_keys = {},
                          .missing = {}};
  base::make_directories(home.root, 0700);
  const base::TempDir staging(home.root, "keys-");
  const Home staged{.root = staging.path(), .config = staging.path()};
  base::make_directories(staged.keys(), 0700);
  for (std::size_t i = 0; i < chain.files.size(); ++i) {
    base::write_file_atomic(staged.keys() / fmt::format("{}.root.json", i + 1), chain.files[i]);
  }
  KeySettings settings;
  settings.name = options.name.empty() ? "airlock" : options.name;
  settings.cadence = std::string(to_string(options.cadence));
  for (const fs::path& file : options.private_keys) {
    const auto signer = trust::load_private_key(file, options.passphrase);
    const std::string& keyid = signer->public_key().keyid();
    const std::string role = role_of_key(chain.newest, keyid);
    if (role.empty()) {
      throw Error(ErrorCode::untrusted,
                  fmt::format("root version {} does not list the key in {}", chain.newest.version, file.string()))
          .with_hint("it was replaced or revoked since; leave it out, and put a new one in its place with "
                     "`airlock keys rotate`");
    }
    const std::string name = free_key_file_name(staged, settings, role);
    base::write_file_atomic(staged.keys() / name, base::read_file(file, k_private_key_limit), 0600);
    settings.places[keyid].file = name;
    report.private_keys.push_back(home.keys() / name);
  }
  write_key_settings(staged, settings);
  for (const auto& [role, keys] : chain.newest.roles) {
    if (reachable_keys(staged, {&chain.newest}, {role}).empty()) {
      report.missing.push_back(role);
    }
  }
  mark_channel(home, report.channel, report.serial);
  fs::rename(staged.keys(), home.keys(), error);
  if (error) {
    throw Error(ErrorCode::io, fmt::format("cannot put the keys into {}: {}", home.keys().string(), error.message()));
  }
  base::sync_directory(home.root);
  return report;
}

void require_reachable(const trust::PublicKey& key, const std::string& role, const trust::SignerCommand& command,
                       const ShowText& show) {
  static_cast<void>(trust::CommandSigner(key, role, command, show).sign(k_probe));
}

std::string set_signer_command(const Home& home, const std::string& keyid_prefix, const trust::SignerCommand& command,
                               const ShowText& show) {
  const trust::Root newest = parse_own_root(read_own_roots(home).back());
  const base::FileLock lock(home.keys() / "lock");
  const auto pending = read_pending_root(home);
  std::vector<const trust::Root*> roots = {&newest};
  if (pending) {
    roots.push_back(&pending->root);
  }
  std::string keyid;
  std::string role;
  for (const trust::Root* root : roots) {
    for (const auto& [id, key] : root->keys) {
      if (id.starts_with(base::to_lower(keyid_prefix)) && id != keyid) {
        if (!keyid.empty() || keyid_prefix.size() < 8) {
          throw Error(ErrorCode::usage, fmt::format("'{}' names several keys", base::printable(keyid_prefix, 80)))
              .with_hint("give more of its digits; `airlock keys show --json` lists them in full");
        }
        keyid = id;
        role = role_of_key(*root, id);
      }
    }
  }
  if (keyid.empty()) {
    throw Error(ErrorCode::usage, fmt::format("no key of root version {} begins with '{}'", newest.version,
                                              base::printable(keyid_prefix, 80)))
        .with_hint("`airlock keys show` lists them; a new one joins with `airlock keys add`");
  }
  KeySettings settings = read_key_settings(home);
  KeyPlace& place = settings.places[keyid];
  if (std::error_code ignored; !place.command && !place.file.empty() && fs::exists(home.keys() / place.file, ignored)) {
    throw Error(ErrorCode::conflict,
                fmt::format("the private key itself lies in {}", (home.keys() / place.file).string()))
        .with_hint("move that file to where the command reaches it, then run the same command again");
  }
  require_reachable(*find_key(roots, keyid), role, command, show);
  place = {.file = {}, .command = command};
  write_key_settings(home, settings);
  return keyid;
}

}  // namespace airlock::workflow
