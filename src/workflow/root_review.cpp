#include "workflow/root_review.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"

namespace airlock::workflow {

namespace {

constexpr std::size_t k_groups_line = 32;  // hex digits: eight groups

bool has_keyid(const trust::RoleKeys& role, const std::string& keyid) {
  return std::ranges::find(role.keyids, keyid) != role.keyids.end();
}

std::string scheme_in(const trust::Root& root, const std::string& keyid) {
  const auto key = root.keys.find(keyid);
  return key == root.keys.end() ? "unknown" : std::string(to_string(key->second.scheme()));
}

std::string on_paper(const std::string& hex) {
  std::string text;
  for (std::size_t i = 0; i < hex.size(); i += k_groups_line) {
    text += fmt::format("  {}\n", base::group_digits(std::string_view(hex).substr(i, k_groups_line)));
  }
  return text;
}

const trust::RoleKeys* role_in(const trust::Root* root, const std::string& name) {
  if (root == nullptr) {
    return nullptr;
  }
  const auto found = root->roles.find(name);
  return found == root->roles.end() ? nullptr : &found->second;
}

std::string role_review(const trust::Root& root, const trust::Root* before, const std::string& name) {
  const trust::RoleKeys& now = root.roles.at(name);
  const trust::RoleKeys* then = role_in(before, name);
  std::string text = fmt::format("{}: {} of {} must sign{}\n", name, now.threshold, now.keyids.size(),
                                 then != nullptr && then->threshold != now.threshold
                                     ? fmt::format(" (before: {} of {})", then->threshold, then->keyids.size())
                                     : "");
  for (const std::string& keyid : now.keyids) {
    const bool added = then != nullptr && !has_keyid(*then, keyid);
    text += fmt::format("  {} {} {}\n", added ? "+ new " : "      ", keyid, scheme_in(root, keyid));
  }
  for (const std::string& keyid : then == nullptr ? std::vector<std::string>() : then->keyids) {
    if (!has_keyid(now, keyid)) {
      text += fmt::format("  - gone {} {}\n", keyid, scheme_in(*before, keyid));
    }
  }
  return text;
}

}  // namespace

std::string review_of_root(const trust::SignedFile& file, const std::optional<trust::SignedFile>& before_file,
                           const std::vector<std::string>& notes) {
  const auto parsed = before_file ? std::optional(trust::parse_root(*before_file)) : std::nullopt;
  const trust::Root* const before = parsed ? &*parsed : nullptr;
  const trust::Root root = trust::parse_root(file);
  std::string text = fmt::format("root version {}{}{}\n", root.version,
                                 root.channel.empty() ? "" : fmt::format(" of channel {}", root.channel),
                                 before == nullptr ? "" : fmt::format(", to follow version {}", before->version));
  text += fmt::format("valid until {}{}\n", base::to_rfc3339(root.expires),
                      before == nullptr ? "" : fmt::format(" (before: {})", base::to_rfc3339(before->expires)));
  text += fmt::format("fingerprint, the SHA-256 of the bytes to sign:\n{}", on_paper(trust::identity(file).hex()));
  if (before_file) {
    text += fmt::format("fingerprint of version {}, with which this is compared:\n{}", before->version,
                        on_paper(trust::identity(*before_file).hex()));
  }
  for (const auto& [name, role] : root.roles) {
    text += role_review(root, before, name);
  }
  if (before != nullptr && changes_of_root(root, *before).empty()) {
    text += "no key and no threshold changes\n";
  }
  if (!notes.empty()) {
    text += "said by who made it (not part of what is signed):\n";
    for (const std::string& note : notes) {
      text += fmt::format("  {}\n", base::printable(note));
    }
  }
  return text;
}

std::vector<std::string> changes_of_root(const trust::Root& root, const trust::Root& before) {
  std::vector<std::string> lines;
  for (const auto& [name, now] : root.roles) {
    const trust::RoleKeys* then = role_in(&before, name);
    if (then == nullptr) {
      continue;
    }
    if (then->threshold != now.threshold) {
      lines.push_back(fmt::format("{}: threshold {} -> {}", name, then->threshold, now.threshold));
    }
    for (const std::string& keyid : now.keyids) {
      if (!has_keyid(*then, keyid)) {
        lines.push_back(fmt::format("{}: + {} {}", name, keyid, scheme_in(root, keyid)));
      }
    }
    for (const std::string& keyid : then->keyids) {
      if (!has_keyid(now, keyid)) {
        lines.push_back(fmt::format("{}: - {} {}", name, keyid, scheme_in(before, keyid)));
      }
    }
  }
  return lines;
}

}  // namespace airlock::workflow
