#include "workflow/root_key_choice.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "workflow/key_store.hpp"
#include "workflow/root_signature.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::size_t k_least_prefix = 8;  // hex digits of a keyid

}  // namespace

KeyOfRole find_key_of_role(const trust::Root& root, const std::string& prefix, const std::string& role) {
  if (prefix.size() < k_least_prefix) {
    throw Error(ErrorCode::usage, fmt::format("'{}' is too short for a key's id", base::printable(prefix, 80)))
        .with_hint(fmt::format("give at least {} of its hex digits; `airlock keys show` lists them", k_least_prefix));
  }
  std::vector<KeyOfRole> found;
  for (const auto& [name, keys] : root.roles) {
    for (const std::string& keyid : keys.keyids) {
      if ((role.empty() || role == name) && keyid.starts_with(base::to_lower(prefix))) {
        found.push_back({name, keyid});
      }
    }
  }
  if (found.size() != 1) {
    throw Error(ErrorCode::usage, fmt::format("'{}' names {} of the keys of root version {}{}",
                                              base::printable(prefix, 80), found.empty() ? "none" : "several",
                                              root.version, role.empty() ? "" : fmt::format(" in role '{}'", role)))
        .with_hint("`airlock keys show --json` lists them in full");
  }
  return found.front();
}

std::string replaced_keyid(const Home& home, const trust::Root& root, const RootChange& change) {
  if (!change.keyid.empty()) {
    return find_key_of_role(root, change.keyid, change.role).keyid;
  }
  const std::vector<std::string>& keyids = root.roles.at(change.role).keyids;
  if (keyids.size() == 1) {
    return keyids.front();
  }
  std::vector<std::string> here;
  for (const ReachableKey& key : reachable_keys(home, {&root}, {change.role})) {
    if (!key.keyid.empty()) {
      here.push_back(key.keyid);
    }
  }
  if (here.size() == 1 && !change.key) {
    return here.front();
  }
  throw Error(ErrorCode::usage,
              fmt::format("role '{}' has {} keys: {}", change.role, keyids.size(), shown_keyids(keyids)))
      .with_hint("say with --replace KEYID which of them the new one takes the place of");
}

}  // namespace airlock::workflow
