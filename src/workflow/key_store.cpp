#include "workflow/key_store.hpp"

#include <algorithm>
#include <charconv>
#include <future>
#include <set>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/json.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

constexpr std::string_view k_root_suffix = ".root.json";
constexpr std::string_view k_key_settings = "keys.json";
constexpr std::size_t k_key_settings_limit = 256 * 1024;  // bytes

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

trust::SignerCommand command_from(const base::Json& json, const std::string& name) {
  trust::SignerCommand command;
  for (const auto& argument : base::member(json, "command", name)) {
    if (!argument.is_string()) {
      throw Error(ErrorCode::malformed, fmt::format("{}: a command is a list of strings", name));
    }
    command.argv.push_back(argument.get<std::string>());
  }
  if (json.contains("timeout")) {
    command.timeout = std::chrono::seconds(base::uint_member(json, "timeout", name));
  }
  return command;
}

base::Json to_json(const KeyPlace& place) {
  if (!place.command) {
    return place.file;
  }
  return {{"command", place.command->argv}, {"timeout", place.command->timeout.count()}};
}

// Files named like the role: "snapshot.pem", "snapshot-2.pem", …
std::vector<fs::path> files_named_like(const fs::path& folder, std::string_view role) {
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

bool lists(const trust::Root& root, const std::string& role, const trust::PublicKey& key) {
  const auto keys = root.roles.find(role);
  return keys != root.roles.end() && std::ranges::any_of(keys->second.keyids, [&](const auto& keyid) {
           const auto listed = root.keys.find(keyid);
           return listed != root.keys.end() && listed->second.same_key(key);
         });
}

// The role in which one of the roots lists a key; empty: none does.
std::string role_of(const std::vector<const trust::Root*>& roots, const trust::PublicKey& key) {
  for (const trust::Root* root : roots) {
    for (const auto& [role, keys] : root->roles) {
      if (lists(*root, role, key)) {
        return role;
      }
    }
  }
  return "";
}

bool lists_keyid(const std::vector<const trust::Root*>& roots, const std::string& role, const std::string& keyid) {
  return std::ranges::any_of(roots, [&](const trust::Root* root) {
    const auto keys = root->roles.find(role);
    return keys != root->roles.end() && std::ranges::find(keys->second.keyids, keyid) != keys->second.keyids.end();
  });
}

}  // namespace

KeySettings read_key_settings(const Home& home) {
  const fs::path path = home.keys() / k_key_settings;
  const auto text = base::read_file_if_exists(path, k_key_settings_limit);
  if (!text) {
    return {};
  }
  const std::string name = path.string();
  const base::Json json = base::parse_json(*text, name);
  KeySettings settings{.name = base::string_member_or(json, "name", "", name),
                       .cadence = base::string_member_or(json, "cadence", "monthly", name),
                       .scheme = trust::find_scheme(base::string_member_or(json, "scheme", "", name)),
                       .places = {}};
  if (const auto keys = json.find("keys"); keys != json.end() && keys->is_object()) {
    for (const auto& [keyid, place] : keys->items()) {
      if (place.is_object()) {
        settings.places[keyid].command = command_from(place, name);
      } else {
        settings.places[keyid].file = base::string_member(*keys, keyid, name);
      }
    }
  }
  return settings;
}

std::string to_text(const KeySettings& settings) {
  base::Json keys = base::Json::object();
  for (const auto& [keyid, place] : settings.places) {
    keys[keyid] = to_json(place);
  }
  base::Json json = {{"format", 1}, {"name", settings.name}, {"cadence", settings.cadence}, {"keys", keys}};
  if (settings.scheme) {
    json["scheme"] = to_string(*settings.scheme);
  }
  return json.dump(2) + "\n";
}

void write_key_settings(const Home& home, const KeySettings& settings) {
  base::write_file_atomic(home.keys() / k_key_settings, to_text(settings));
}

std::vector<fs::path> own_root_files(const Home& home) {
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

trust::SignedFile parse_own_root_file(const std::string& bytes) {
  return trust::parse_signed(bytes, "this home's root", trust::k_root_limit);
}

trust::Root parse_own_root(const std::string& bytes) {
  return trust::parse_root(parse_own_root_file(bytes));
}

std::string key_file_name(std::string_view role, std::uint64_t number) {
  return number == 1 ? fmt::format("{}.pem", role) : fmt::format("{}-{}.pem", role, number);
}

std::string free_key_file_name(const Home& home, const KeySettings& settings, std::string_view role) {
  for (std::uint64_t number = 1;; ++number) {
    const std::string name = key_file_name(role, number);
    std::error_code ignored;
    if (!fs::exists(home.keys() / name, ignored) &&
        std::ranges::none_of(settings.places, [&](const auto& entry) { return entry.second.file == name; })) {
      return name;
    }
  }
}

std::vector<ReachableKey> reachable_keys(const Home& home, const std::vector<const trust::Root*>& roots,
                                         const std::vector<std::string>& roles) {
  const KeySettings settings = read_key_settings(home);
  std::set<std::string> named;  // files that keys.json speaks of
  for (const auto& [keyid, place] : settings.places) {
    named.insert(place.file);
  }
  std::vector<ReachableKey> keys;
  for (const std::string& role : roles) {
    for (const auto& [keyid, place] : settings.places) {
      if (!lists_keyid(roots, role, keyid)) {
        continue;
      }
      std::error_code ignored;
      if (place.command) {
        keys.push_back({.role = role, .keyid = keyid, .file = {}, .command = place.command});
      } else if (const fs::path file = home.keys() / place.file; fs::exists(file, ignored)) {
        keys.push_back({.role = role, .keyid = keyid, .file = file, .command = {}});
      }
    }
    for (const fs::path& file : files_named_like(home.keys(), role)) {
      if (!named.contains(file.filename().string())) {
        keys.push_back({.role = role, .keyid = {}, .file = file, .command = {}});
      }
    }
  }
  return keys;
}

bool any_is_encrypted(const std::vector<ReachableKey>& keys) {
  return std::ranges::any_of(
      keys, [](const ReachableKey& key) { return !key.command && trust::private_key_is_encrypted(key.file); });
}

std::vector<OpenKey> open_keys(const std::vector<ReachableKey>& keys, const std::vector<const trust::Root*>& roots,
                               const std::optional<base::Secret>& passphrase, const ShowText& show,
                               const std::vector<trust::Root>& earlier) {
  std::vector<std::future<std::unique_ptr<trust::Signer>>> files(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!keys[i].command) {
      files[i] = std::async(std::launch::async,
                            [path = keys[i].file, &passphrase] { return trust::load_private_key(path, passphrase); });
    }
  }
  std::vector<OpenKey> opened;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const ReachableKey& key = keys[i];
    if (key.command) {
      opened.push_back({.role = key.role,
                        .signer = std::make_unique<trust::CommandSigner>(*find_key(roots, key.keyid), key.role,
                                                                         *key.command, show)});
      continue;
    }
    auto signer =
        base::with_context([&] { return "opening the key " + key.file.string(); }, [&] { return files[i].get(); });
    const auto lists_it = [&](const trust::Root* root) { return lists(*root, key.role, signer->public_key()); };
    if (key.keyid.empty() && std::ranges::none_of(roots, lists_it) &&
        std::ranges::any_of(earlier, [&](const trust::Root& root) { return lists_it(&root); })) {
      continue;
    }
    const bool expected = key.keyid.empty() || key.keyid == signer->public_key().keyid();
    if (!expected || std::ranges::none_of(roots, lists_it)) {
      if (const auto other = role_of(roots, signer->public_key()); !other.empty() && key.keyid.empty()) {
        throw Error(ErrorCode::config, fmt::format("{} holds the key of role {}, and is named like one of role {}",
                                                   key.file.string(), other, key.role))
            .with_hint(fmt::format("the name of such a file begins with its role: call it {}-….pem", other));
      }
      throw Error(ErrorCode::untrusted, fmt::format("{} is no {} key of this home's root version {}", key.file.string(),
                                                    key.role, roots.back()->version))
          .with_hint(fmt::format("move the file away, or put back the one that belongs there; files whose names begin "
                                 "with {} are taken for keys of that role",
                                 key.role));
    }
    opened.push_back({.role = key.role, .signer = std::move(signer)});
  }
  return opened;
}

const trust::PublicKey* find_key(const std::vector<const trust::Root*>& roots, const std::string& keyid) {
  for (const trust::Root* root : roots) {
    if (const auto key = root->keys.find(keyid); key != root->keys.end()) {
      return &key->second;
    }
  }
  return nullptr;
}

}  // namespace airlock::workflow
