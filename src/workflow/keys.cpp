#include "workflow/keys.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "trust/metadata.hpp"
#include "workflow/channel_state.hpp"
#include "workflow/key_staging.hpp"
#include "workflow/key_store.hpp"
#include "workflow/made_channels.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

constexpr std::uint64_t k_most_keys = 9;  // of one role, made at once

Error no_keys(const Home& home) {
  return Error(ErrorCode::config, fmt::format("there are no signing keys in {}", home.keys().string()))
      .with_hint(
          "is this the home that makes the bundles? Name that one with --home. A new producer begins with `airlock "
          "keys init`, whose root.json goes to the isolated side");
}

Error waits_for_first_root(const Home& home) {
  return Error(ErrorCode::config,
               fmt::format("the first root of {} waits for the signatures of root's holders", home.root.string()))
      .with_hint(
          "let each sign pending/1.root.json with `airlock keys sign`, and bring the signatures in with `airlock "
          "keys accept`");
}

std::vector<KeysReport::Channel> channels_written_by(const Home& home) {
  std::vector<KeysReport::Channel> channels;
  for (const auto& name : written_channels(home)) {
    if (const auto heads = ChannelState(home, name).statements(); !heads.empty()) {
      const auto& last = heads.front();
      channels.push_back({.name = name, .serial = last.hint().serial, .expires = expiries_of(last.contents())});
    }
  }
  return channels;
}

// Root's private keys lie elsewhere only when all of their names are free there.
void check_root_key_folder(const KeysInitOptions& options) {
  if (const auto given = options.holders.find("root"); given != options.holders.end() && !given->second.empty()) {
    throw Error(ErrorCode::usage, "root's keys were made by their holders, so none is to be put elsewhere")
        .with_hint("leave --split out");
  }
  for (std::uint64_t i = 1; i <= options.threshold; ++i) {
    const fs::path path = options.root_key_folder / key_file_name("root", i);
    if (std::error_code ignored; fs::exists(path, ignored)) {
      throw Error(ErrorCode::conflict, fmt::format("{} exists already", path.string()))
          .with_hint("name another folder for the root's private key, or move that file away");
    }
  }
}

// The keys of one role of the first root: those of people who made their own, or new ones.
struct FirstKeys {
  trust::RoleHolders holders;
  std::vector<std::unique_ptr<trust::Signer>> made;
};

FirstKeys first_keys(const std::string& role, const KeysInitOptions& options) {
  const bool approves = role == "root" || role == "snapshot";
  FirstKeys keys;
  keys.holders.threshold = approves ? options.threshold : 1;
  if (const auto given = options.holders.find(role); given != options.holders.end() && !given->second.empty()) {
    for (const trust::PublicKeyFile& file : given->second) {
      if (!file.role.empty() && file.role != role) {
        throw Error(ErrorCode::conflict, fmt::format("a key that was made for role '{}' is given for '{}'",
                                                     base::printable(file.role, 60), role))
            .with_hint("give each role keys of its own; `airlock keys new --role ROLE` makes one");
      }
      keys.holders.keys.push_back(file.key);
    }
    return keys;
  }
  for (std::uint64_t i = 1; i <= keys.holders.threshold; ++i) {
    keys.made.push_back(trust::generate_key(options.scheme));
    keys.holders.keys.push_back(keys.made.back()->public_key());
  }
  return keys;
}

void refuse_existing_keys(const Home& home) {
  if (has_keys(home)) {
    throw Error(ErrorCode::conflict, fmt::format("{} holds a signing set already", home.keys().string()))
        .with_hint("`airlock keys show` prints it; to begin anew on purpose, use another --home, because every site "
                   "that pinned the old root would refuse what new keys sign");
  }
  if (read_pending_root(home)) {
    throw waits_for_first_root(home);
  }
}

}  // namespace

KeysInitReport init_keys(const Home& home, const KeysInitOptions& options, const base::Clock& clock) {
  if (options.threshold == 0 || options.threshold > k_most_keys) {
    throw Error(ErrorCode::usage, fmt::format("a threshold is a number from 1 to {}", k_most_keys));
  }
  base::make_directories(home.root, 0700);
  refuse_existing_keys(home);
  remove_staged_keys(home, options.root_key_folder, options.passphrase);
  const bool elsewhere = !options.root_key_folder.empty();
  if (elsewhere) {
    check_root_key_folder(options);
  }
  // Everything is made beside its place and named in one step, so that there is a whole set or none.
  const KeyStaging staging(home);
  const Home staged = staging.home();
  base::make_directories(staged.keys(), 0700);
  KeysInitReport report;
  report.encrypted = options.passphrase.has_value();
  trust::RootPlan plan;
  plan.created = base::build_time(clock);
  plan.cadence = options.cadence;
  KeySettings settings{.name = options.name.empty() ? "airlock" : options.name,
                       .cadence = std::string(to_string(options.cadence)),
                       .scheme = options.scheme,
                       .places = {}};
  std::vector<std::unique_ptr<trust::Signer>> root_keys;
  for (const std::string role : {"root", "snapshot", "targets", "timestamp"}) {
    FirstKeys keys = first_keys(role, options);
    plan.roles[role] = std::move(keys.holders);
    const bool moved = role == "root" && elsewhere;
    for (std::size_t i = 0; i < keys.made.size(); ++i) {
      const std::string name = key_file_name(role, i + 1);
      if (!moved) {
        trust::save_private_key(*keys.made[i], staged.keys() / name, options.passphrase);
        settings.places[keys.made[i]->public_key().keyid()].file = name;
      }
      report.private_keys.push_back((moved ? options.root_key_folder : home.keys()) / name);
    }
    if (role == "root") {
      root_keys = std::move(keys.made);
    }
  }
  const trust::Root root = trust::make_first_root(plan);
  std::vector<const trust::Signer*> root_signers;
  for (const auto& signer : root_keys) {
    root_signers.push_back(signer.get());
  }
  const trust::SignedFile file =
      trust::parse_signed(trust::sign_role(to_signed_part(root), root_signers), "the new root", trust::k_root_limit);
  report.fingerprint = trust::identity(file).hex();
  report.expires = base::to_rfc3339(root.expires);
  write_key_settings(staged, settings);
  const bool complete = store_root(staged, file, {"the first root"}).complete;
  if (elsewhere) {
    base::make_directories(options.root_key_folder, 0700);
    for (std::size_t i = 0; i < root_keys.size(); ++i) {
      trust::save_private_key(*root_keys[i], options.root_key_folder / key_file_name("root", i + 1),
                              options.passphrase);
    }
  }
  // An empty folder may be in the place: rename replaces that, and nothing else.
  std::error_code error;
  fs::rename(staged.keys(), home.keys(), error);
  if (error) {
    throw Error(ErrorCode::io, fmt::format("cannot put the keys into {}: {}", home.keys().string(), error.message()));
  }
  base::sync_directory(home.root);
  if (complete) {
    report.root = home.keys() / "1.root.json";
  } else {
    report.pending = pending_root(home);
    report.root = report.pending->root;
  }
  return report;
}

bool has_keys(const Home& home) {
  return !own_root_files(home).empty();
}

bool has_private_keys(const Home& home) {
  std::error_code ignored;
  return std::ranges::any_of(fs::directory_iterator(home.keys(), ignored),
                             [](const fs::directory_entry& entry) { return entry.path().extension() == ".pem"; });
}

std::vector<std::string> read_own_roots(const Home& home) {
  std::vector<std::string> roots;
  for (const auto& path : own_root_files(home)) {
    roots.push_back(base::read_file(path, trust::k_root_limit));
  }
  if (roots.empty()) {
    throw read_pending_root(home) ? waits_for_first_root(home) : no_keys(home);
  }
  return roots;
}

bool one_home_approves(const Home& home) {
  const trust::Root root = parse_own_root(read_own_roots(home).back());
  const KeySettings settings = read_key_settings(home);
  const trust::RoleKeys& approvers = root.roles.at("snapshot");
  const auto here = std::ranges::count_if(approvers.keyids, [&](const std::string& keyid) {
    const auto place = settings.places.find(keyid);
    std::error_code ignored;
    return place != settings.places.end() && !place->second.command &&
           fs::exists(home.keys() / place->second.file, ignored);
  });
  return approvers.threshold > 1 && static_cast<std::uint64_t>(here) >= approvers.threshold;
}

KeysReport keys_in_force(const Home& home) {
  const std::string bytes = read_own_roots(home).back();
  const trust::Root root = parse_own_root(bytes);
  const KeySettings settings = read_key_settings(home);
  KeysReport report;
  report.name = settings.name;
  report.cadence = settings.cadence;
  report.fingerprint = trust::identity(trust::parse_signed(bytes, "this home's root", trust::k_root_limit)).hex();
  report.root_version = root.version;
  report.expires = root.expires;
  for (const auto& [role, keys] : root.roles) {
    report.thresholds[role] = keys.threshold;
    for (const auto& keyid : keys.keyids) {
      const auto key = root.keys.find(keyid);
      const auto place = settings.places.find(keyid);
      KeyInfo info{.role = role, .keyid = keyid, .scheme = {}, .file = {}, .command = {}, .encrypted = false};
      info.scheme = key == root.keys.end() ? "" : std::string(to_string(key->second.scheme()));
      if (std::error_code ignored; place == settings.places.end()) {
        // its holder has it
      } else if (place->second.command) {
        info.command = place->second.command->argv;
      } else if (const fs::path file = home.keys() / place->second.file; fs::exists(file, ignored)) {
        info.file = file;
        info.encrypted = trust::private_key_is_encrypted(info.file);
      }
      report.keys.push_back(std::move(info));
    }
  }
  report.one_home_approves = one_home_approves(home);
  report.pending = pending_root(home);
  return report;
}

KeysReport show_keys(const Home& home) {
  KeysReport report = keys_in_force(home);
  report.channels = channels_written_by(home);
  return report;
}

std::string export_root(const Home& home, const fs::path& path) {
  const std::string bytes = read_own_roots(home).back();
  if (const auto present = base::read_file_if_exists(path, trust::k_root_limit)) {
    if (*present != bytes) {
      throw Error(ErrorCode::conflict, fmt::format("{} exists and holds something else", path.string()))
          .with_hint("name another file, or remove that one");
    }
  } else {
    base::write_file_atomic(path, bytes);
  }
  return trust::identity(trust::parse_signed(bytes, "this home's root", trust::k_root_limit)).hex();
}

}  // namespace airlock::workflow
