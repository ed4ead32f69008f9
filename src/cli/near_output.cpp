#include "cli/near_output.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/keys_output.hpp"
#include "cli/table.hpp"

namespace airlock::cli {

namespace {

// By role: how many keys it has, and of how many the private half can be used from here.
struct KeyCount {
  std::uint64_t threshold = 0;
  std::size_t keys = 0, here = 0;
};

std::map<std::string, KeyCount> count_keys(const workflow::KeysReport& keys) {
  std::map<std::string, KeyCount> roles;
  for (const auto& [role, threshold] : keys.thresholds) {
    roles[role].threshold = threshold;
  }
  for (const auto& key : keys.keys) {
    auto& count = roles[key.role];
    ++count.keys;
    if (!key.file.empty() || !key.command.empty()) {
      ++count.here;
    }
  }
  return roles;
}

base::Json keys_in_force_json(const workflow::KeysReport& keys, base::Time now) {
  base::Json roles = base::Json::object();
  for (const auto& [role, count] : count_keys(keys)) {
    roles[role] = {{"threshold", count.threshold}, {"keys", count.keys}, {"here", count.here}};
  }
  return {{"name", keys.name},
          {"fingerprint", keys.fingerprint},
          {"root_version", keys.root_version},
          {"expires", base::to_rfc3339(keys.expires)},
          {"days", days_until(keys.expires, now)},
          {"roles", std::move(roles)}};
}

base::Json made_json(const workflow::MadeChannel& channel, base::Time now) {
  base::Json expires = base::Json::object();
  for (const auto& [role, time] : channel.expiries) {
    expires[role] = {{"at", base::to_rfc3339(time)}, {"days", days_until(time, now)}};
  }
  base::Json drafts = base::Json::array();
  for (const auto& draft : channel.drafts) {
    drafts.push_back({{"serial", draft.serial},
                      {"approvals", draft.approvals},
                      {"threshold", draft.threshold},
                      {"missing", draft.missing},
                      {"expires", base::to_rfc3339(draft.expires)},
                      {"bundle", draft.bundle.string()}});
  }
  base::Json interrupted = base::Json::array();
  for (const auto& run : channel.interrupted) {
    interrupted.push_back({{"command", to_string(run.what)}, {"serial", run.serial}, {"bundle", run.head.string()}});
  }
  return {{"channel", channel.name},
          {"serial", channel.serial},
          {"sealed", channel.sealed},
          {"expires", std::move(expires)},
          {"drafts", std::move(drafts)},
          {"interrupted", std::move(interrupted)},
          {"waits_for_newest", channel.waits_for_newest}};
}

std::string number_or_none(std::uint64_t number) {
  return number == 0 ? "none" : fmt::format("{}", number);
}

}  // namespace

base::Json near_json(const workflow::NearStatus& near, base::Time now) {
  base::Json made = base::Json::array();
  for (const auto& channel : near.channels) {
    made.push_back(made_json(channel, now));
  }
  return {{"keys", near.keys ? keys_in_force_json(*near.keys, now) : base::Json()},
          {"pending_root", near.pending ? progress_json(*near.pending) : base::Json()},
          {"made", std::move(made)}};
}

std::string near_text(const workflow::NearStatus& near, base::Time now) {
  std::string text;
  if (near.keys) {
    text +=
        fmt::format("keys     {}, root version {}, valid until {} ({})\n", base::printable(near.keys->name, 60),
                    near.keys->root_version, base::to_rfc3339(near.keys->expires), days_text(near.keys->expires, now));
    Table table({"role", "signatures needed", "keys", "private keys here"});
    for (const auto& [role, count] : count_keys(*near.keys)) {
      table.add(
          {role, fmt::format("{}", count.threshold), fmt::format("{}", count.keys), fmt::format("{}", count.here)});
    }
    text += "\n" + table.text();
  }
  Table table({"makes", "newest", "sealed", "drafts", "first to expire"});
  for (const auto& channel : near.channels) {
    const auto soonest = std::ranges::min_element(channel.expiries, {}, [](const auto& entry) { return entry.second; });
    table.add({channel.name, number_or_none(channel.serial), number_or_none(channel.sealed),
               fmt::format("{}", channel.drafts.size()),
               soonest == channel.expiries.end()
                   ? "-"
                   : fmt::format("{}: {}", soonest->first, days_text(soonest->second, now))});
  }
  if (!table.empty()) {
    text += "\n" + table.text();
  } else if (near.keys) {
    text += "\nno bundle was made yet; next: airlock bundle create -m MANIFEST\n";
  }
  return text;
}

}  // namespace airlock::cli
