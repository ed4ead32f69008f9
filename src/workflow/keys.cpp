#include "workflow/keys.hpp"

#include <algorithm>
#include <charconv>
#include <future>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "trust/metadata.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

constexpr std::string_view k_root_suffix = ".root.json";
constexpr std::string_view k_settings = "keys.json";
constexpr std::size_t k_settings_limit = 64 * 1024;  // bytes
constexpr std::uint64_t k_most_keys = 9;             // of one role, made at once

Error no_keys(const Home& home) {
  return Error(ErrorCode::config, fmt::format("there are no signing keys in {}", home.keys().string()))
      .with_hint("make them once with `airlock keys init`, and hand root.json to the isolated side");
}

// The version in "7.root.json"; 0 for every other name.
std::uint64_t root_version_in(const std::string& name) {
  if (!name.ends_with(k_root_suffix)) {
    return 0;
  }
  const char* end = name.data() + name.size() - k_root_suffix.size();
  std::uint64_t version = 0;
  const auto [rest, error] = std::from_chars(name.data(), end, version);
  return error == std::errc() && rest == end ? version : 0;
}

std::vector<fs::path> root_files(const Home& home) {
  std::map<std::uint64_t, fs::path> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(home.keys(), ignored)) {
    if (const std::uint64_t version = root_version_in(entry.path().filename().string()); version > 0) {
      files.emplace(version, entry.path());
    }
  }
  std::vector<fs::path> sorted;
  for (auto& [version, path] : files) {
    sorted.push_back(std::move(path));
  }
  return sorted;
}

// "snapshot.pem", "snapshot-2.pem", …: the private keys of a role that are here.
std::vector<fs::path> key_files(const fs::path& folder, std::string_view role) {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name == fmt::format("{}.pem", role) || (name.starts_with(fmt::format("{}-", role)) && name.ends_with(".pem"))) {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  return files;
}

std::string key_file_name(std::string_view role, std::uint64_t number) {
  return number == 1 ? fmt::format("{}.pem", role) : fmt::format("{}-{}.pem", role, number);
}

trust::Root parse_own_root(const std::string& bytes) {
  return trust::parse_root(trust::parse_signed(bytes, "this home's root", trust::k_root_limit));
}

struct Settings {
  std::string name;
  std::string cadence = "monthly";
  std::map<std::string, std::string>
      files;  // of private keys: keyid -> file name, since a file tells it only when opened
};

Settings read_settings(const Home& home) {
  const fs::path path = home.keys() / k_settings;
  const auto text = base::read_file_if_exists(path, k_settings_limit);
  if (!text) {
    return {};
  }
  const base::Json json = base::parse_json(*text, path.string());
  Settings settings{.name = base::string_member_or(json, "name", "", path.string()),
                    .cadence = base::string_member_or(json, "cadence", "monthly", path.string()),
                    .files = {}};
  if (const auto keys = json.find("keys"); keys != json.end() && keys->is_object()) {
    for (const auto& [keyid, file] : keys->items()) {
      settings.files[keyid] = base::string_member(*keys, keyid, path.string());
    }
  }
  return settings;
}

std::string to_text(const Settings& settings) {
  const base::Json json = {
      {"format", 1}, {"name", settings.name}, {"cadence", settings.cadence}, {"keys", settings.files}};
  return json.dump(2) + "\n";
}

// Root's private keys lie elsewhere only when all of their names are free there.
void check_root_key_folder(const KeysInitOptions& options) {
  for (std::uint64_t i = 1; i <= options.threshold; ++i) {
    const fs::path path = options.root_key_folder / key_file_name("root", i);
    if (std::error_code ignored; fs::exists(path, ignored)) {
      throw Error(ErrorCode::conflict, fmt::format("{} exists already", path.string()))
          .with_hint("name another folder for the root's private key, or move that file away");
    }
  }
}

}  // namespace

KeysInitReport init_keys(const Home& home, const KeysInitOptions& options, const base::Clock& clock) {
  if (options.threshold == 0 || options.threshold > k_most_keys) {
    throw Error(ErrorCode::usage, fmt::format("a threshold is a number from 1 to {}", k_most_keys));
  }
  base::make_directories(home.root, 0700);
  if (has_keys(home)) {
    throw Error(ErrorCode::conflict, fmt::format("{} holds a signing set already", home.keys().string()))
        .with_hint("`airlock keys show` prints it; to begin anew on purpose, use another --home, because every site "
                   "that pinned the old root would refuse what new keys sign");
  }
  const bool elsewhere = !options.root_key_folder.empty();
  if (elsewhere) {
    check_root_key_folder(options);
  }
  // Everything is made beside its place and named in one step, so that there is a whole set or none.
  const base::TempDir staging(home.root, "keys-");
  KeysInitReport report;
  report.encrypted = options.passphrase.has_value();
  trust::RootPlan plan;
  plan.created = base::build_time(clock);
  plan.cadence = options.cadence;
  Settings settings{.name = options.name.empty() ? "airlock" : options.name,
                    .cadence = std::string(to_string(options.cadence)),
                    .files = {}};
  std::map<std::string, std::vector<std::unique_ptr<trust::Signer>>> signers;
  for (const std::string role : {"root", "snapshot", "targets", "timestamp"}) {
    const bool approves = role == "root" || role == "snapshot";
    trust::RoleHolders& holders = plan.roles[role];
    holders.threshold = approves ? options.threshold : 1;
    for (std::uint64_t i = 1; i <= holders.threshold; ++i) {
      auto signer = trust::generate_key(options.scheme);
      holders.keys.push_back(signer->public_key());
      const std::string name = key_file_name(role, i);
      const bool moved = role == "root" && elsewhere;
      if (!moved) {
        trust::save_private_key(*signer, staging.path() / name, options.passphrase);
        settings.files[signer->public_key().keyid()] = name;
      }
      report.private_keys.push_back((moved ? options.root_key_folder : home.keys()) / name);
      signers[role].push_back(std::move(signer));
    }
  }
  const trust::Root root = trust::make_first_root(plan);
  std::vector<const trust::Signer*> root_signers;
  for (const auto& signer : signers["root"]) {
    root_signers.push_back(signer.get());
  }
  const std::string bytes = trust::sign_role(to_signed_part(root), root_signers);
  report.fingerprint = trust::identity(trust::parse_signed(bytes, "the new root", trust::k_root_limit)).hex();
  report.root = home.keys() / "1.root.json";
  report.expires = base::to_rfc3339(root.expires);
  base::write_file_atomic(staging.path() / "1.root.json", bytes);
  base::write_file_atomic(staging.path() / k_settings, to_text(settings));
  if (elsewhere) {
    base::make_directories(options.root_key_folder, 0700);
    for (std::uint64_t i = 0; i < options.threshold; ++i) {
      trust::save_private_key(*signers["root"][i], options.root_key_folder / key_file_name("root", i + 1),
                              options.passphrase);
    }
  }
  // An empty folder may be in the place: rename replaces that, and nothing else.
  std::error_code error;
  fs::rename(staging.path(), home.keys(), error);
  if (error) {
    throw Error(ErrorCode::io, fmt::format("cannot put the keys into {}: {}", home.keys().string(), error.message()));
  }
  base::sync_directory(home.root);
  return report;
}

bool has_keys(const Home& home) {
  return !root_files(home).empty();
}

bool has_private_keys(const Home& home) {
  std::error_code ignored;
  return std::ranges::any_of(fs::directory_iterator(home.keys(), ignored),
                             [](const fs::directory_entry& entry) { return entry.path().extension() == ".pem"; });
}

bool keys_are_encrypted(const Home& home) {
  for (const std::string_view role : {"snapshot", "targets", "timestamp"}) {
    const auto files = key_files(home.keys(), role);
    if (std::ranges::any_of(files, trust::private_key_is_encrypted)) {
      return true;
    }
  }
  return false;
}

std::vector<std::string> read_own_roots(const Home& home) {
  std::vector<std::string> roots;
  for (const auto& path : root_files(home)) {
    roots.push_back(base::read_file(path, trust::k_root_limit));
  }
  if (roots.empty()) {
    throw no_keys(home);
  }
  return roots;
}

KeysReport show_keys(const Home& home) {
  const std::string bytes = read_own_roots(home).back();
  const trust::Root root = parse_own_root(bytes);
  const Settings settings = read_settings(home);
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
      const auto file = settings.files.find(keyid);
      KeyInfo info{.role = role, .keyid = keyid, .scheme = {}, .file = {}, .encrypted = false};
      info.scheme = key == root.keys.end() ? "" : std::string(to_string(key->second.scheme()));
      if (std::error_code ignored; file != settings.files.end() && fs::exists(home.keys() / file->second, ignored)) {
        info.file = home.keys() / file->second;
        info.encrypted = trust::private_key_is_encrypted(info.file);
      }
      report.keys.push_back(std::move(info));
    }
  }
  return report;
}

KeyRing::KeyRing(const Home& home, const std::optional<base::Secret>& passphrase)
    : m_roots(read_own_roots(home)), m_cadence(read_settings(home).cadence) {
  const trust::Root root = parse_own_root(m_roots.back());
  struct Opening {
    std::string role;
    fs::path path;
    std::future<std::unique_ptr<trust::Signer>> signer;
  };
  // Deriving a key from a passphrase takes a good part of a second, on purpose; so all at the same time.
  std::vector<Opening> openings;
  for (const std::string role : {"snapshot", "targets", "timestamp"}) {
    for (const auto& path : key_files(home.keys(), role)) {
      openings.push_back({role, path, std::async(std::launch::async, [path, &passphrase] {
                            return trust::load_private_key(path, passphrase);
                          })});
    }
  }
  for (Opening& opening : openings) {
    auto signer = base::with_context([&] { return "opening the key " + opening.path.string(); },
                                     [&] { return opening.signer.get(); });
    const auto keys = root.roles.find(opening.role);
    const bool listed = keys != root.roles.end() && std::ranges::any_of(keys->second.keyids, [&](const auto& keyid) {
                          const auto key = root.keys.find(keyid);
                          return key != root.keys.end() && key->second.same_key(signer->public_key());
                        });
    if (!listed) {
      throw Error(ErrorCode::untrusted, fmt::format("{} is no {} key of this home's root version {}",
                                                    opening.path.string(), opening.role, root.version))
          .with_hint("move the file away, or put back the one that belongs there");
    }
    m_signers[opening.role].push_back(std::move(signer));
  }
}

bundle::SigningSet KeyRing::signing_set() const {
  bundle::SigningSet set;
  set.roots = m_roots;
  set.cadence = m_cadence;
  for (const auto& [role, signers] : m_signers) {
    for (const auto& signer : signers) {
      set.signers[role].push_back(signer.get());
    }
  }
  return set;
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
