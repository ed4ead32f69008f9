#include "cli/keys_output.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/table.hpp"
#include "trust/key.hpp"

namespace airlock::cli {

namespace {

constexpr std::size_t k_paper_line = 32;  // hex digits: eight groups

base::Json to_json(const std::vector<std::filesystem::path>& files) {
  base::Json list = base::Json::array();
  for (const auto& file : files) {
    list.push_back(file.string());
  }
  return list;
}

std::string counters(const workflow::RootProgress& progress) {
  const auto& count = progress.approvals;
  if (progress.first) {
    return fmt::format("{} of {} signatures", count.new_signers, count.new_threshold);
  }
  return fmt::format("old {} of {}, new {} of {}", count.old_signers, count.old_threshold, count.new_signers,
                     count.new_threshold);
}

std::string_view vouches(const workflow::RootSigner& signer, bool first) {
  return first                            ? ""
         : signer.of_old && signer.of_new ? " (old and new root)"
         : signer.of_old                  ? " (old root)"
                                          : " (new root)";
}

std::string where(const workflow::KeyInfo& key) {
  if (!key.command.empty()) {
    return "command: " + base::printable(base::join(key.command, " "), 60);
  }
  return key.file.empty() ? "not here" : key.file.string() + (key.encrypted ? "" : " (not encrypted)");
}

// "35547d31112d anna"; the key alone where its holder is not known.
std::string key_and_name(const std::string& keyid, const KeyNames& names) {
  const auto name = names.find(keyid);
  const std::string shown = keyid.substr(0, workflow::k_keyid_shown);
  return name == names.end() ? shown : fmt::format("{} {}", shown, base::printable(name->second, 60));
}

bool wants_renewal(const workflow::KeysReport& report, base::Time now) {
  return report.expires - now < trust::lifetime("root", trust::Cadence::monthly) / 2;
}

}  // namespace

std::int64_t days_until(base::Time time, base::Time now) {
  return std::chrono::floor<std::chrono::days>(time - now).count();
}

std::string days_text(base::Time time, base::Time now) {
  const auto days = days_until(time, now);
  return time <= now ? fmt::format("expired {} days ago", -days - 1) : fmt::format("{} days left", days);
}

std::string paper_lines(const std::string& hex) {
  std::string text;
  for (std::size_t i = 0; i < hex.size(); i += k_paper_line) {
    text += fmt::format("  {}\n", base::group_digits(std::string_view(hex).substr(i, k_paper_line)));
  }
  return text;
}

base::Json progress_json(const workflow::RootProgress& progress) {
  base::Json signers = base::Json::array();
  for (const auto& signer : progress.signers) {
    signers.push_back(
        {{"keyid", signer.keyid}, {"old", signer.of_old}, {"new", signer.of_new}, {"signed", signer.signed_already}});
  }
  const auto& count = progress.approvals;
  base::Json json = {{"version", progress.version},
                     {"complete", progress.complete},
                     {"new", {{"signed", count.new_signers}, {"threshold", count.new_threshold}}},
                     {"signers", signers},
                     {"fingerprint", progress.fingerprint},
                     {"expires", base::to_rfc3339(progress.expires)},
                     {"root", progress.root.string()},
                     {"changes", progress.changes},
                     {"notes", progress.notes},
                     {"cadence", progress.cadence ? base::Json(*progress.cadence) : base::Json()},
                     {"made", to_json(progress.made)},
                     {"moved_aside", to_json(progress.moved_aside)},
                     {"added", progress.added}};
  if (!progress.first) {
    json["old"] = {{"signed", count.old_signers}, {"threshold", count.old_threshold}};
  }
  if (!progress.complete) {
    json["to_sign"] = progress.to_sign.string();
    json["review"] = progress.review.string();
  }
  return json;
}

std::string progress_text(const workflow::RootProgress& progress, const KeyNames& names) {
  std::string text = progress.complete ? fmt::format("root version {} is in force, valid until {}\n", progress.version,
                                                     base::to_rfc3339(progress.expires))
                                       : fmt::format("root version {} waits for signatures: {}\n", progress.version,
                                                     counters(progress));
  text += fmt::format("fingerprint:\n{}", paper_lines(progress.fingerprint));
  for (const auto& change : progress.changes) {
    text += fmt::format("  {}\n", change);
  }
  if (progress.cadence) {
    text += fmt::format("  made for {} transfers {}\n", *progress.cadence,
                        progress.complete ? "from now on" : "once it is in force");
  }
  for (const auto& file : progress.made) {
    text += fmt::format("new private key: {}{}\n", file.string(),
                        trust::private_key_is_encrypted(file) ? "" : ", not encrypted: whoever reads it can sign");
  }
  for (const auto& file : progress.moved_aside) {
    text += fmt::format("moved aside: {}\n", file.string());
  }
  if (progress.complete) {
    text += progress.first
                ? "next: carry root.json, and the fingerprint on paper, to each site: airlock trust init root.json\n"
                : "next: make a bundle; each site takes the new root from the first one that it imports\n";
    return text;
  }
  for (const auto& signer : progress.signers) {
    if (!signer.signed_already) {
      text += fmt::format("may still sign: {}{}\n", key_and_name(signer.keyid, names), vouches(signer, progress.first));
    }
  }
  text += fmt::format("next: carry the folder {} to those who hold root's keys; each runs\n"
                      "    airlock keys sign {} --key KEY.pem -o NAME.sig.json\n"
                      "  and here: airlock keys accept NAME.sig.json\n",
                      progress.root.parent_path().string(), progress.root.filename().string());
  return text;
}

base::Json keys_json(const workflow::KeysReport& report, base::Time now) {
  base::Json keys = base::Json::array();
  for (const auto& key : report.keys) {
    keys.push_back({{"role", key.role},
                    {"keyid", key.keyid},
                    {"scheme", key.scheme},
                    {"where", key.command.empty() ? key.file.empty() ? "elsewhere" : "here" : "command"},
                    {"file", key.file.string()},
                    {"command", key.command},
                    {"encrypted", key.encrypted}});
  }
  base::Json channels = base::Json::array();
  for (const auto& channel : report.channels) {
    base::Json expires = base::Json::object();
    for (const auto& [role, time] : channel.expires) {
      expires[role] = {{"expires", base::to_rfc3339(time)}, {"days_left", days_until(time, now)}};
    }
    channels.push_back({{"channel", channel.name}, {"serial", channel.serial}, {"roles", expires}});
  }
  return {{"name", report.name},
          {"fingerprint", report.fingerprint},
          {"root_version", report.root_version},
          {"expires", base::to_rfc3339(report.expires)},
          {"days_left", days_until(report.expires, now)},
          {"renew", wants_renewal(report, now)},
          {"cadence", report.cadence},
          {"thresholds", report.thresholds},
          {"keys", keys},
          {"one_home_approves", report.one_home_approves},
          {"pending", report.pending ? progress_json(*report.pending) : base::Json()},
          {"channels", channels}};
}

std::string keys_text(const workflow::KeysReport& report, base::Time now, const KeyNames& names) {
  Table table({"ROLE", "KEY", "SCHEME", "PRIVATE KEY"});
  for (const auto& key : report.keys) {
    table.add({key.role, key_and_name(key.keyid, names), key.scheme, where(key)});
  }
  std::string text =
      fmt::format("{}, root version {}, valid until {} ({}), made for {} transfers\nfingerprint {}\n", report.name,
                  report.root_version, base::to_rfc3339(report.expires), days_text(report.expires, now), report.cadence,
                  base::group_digits(report.fingerprint));
  std::vector<std::string> thresholds;
  for (const auto& [role, threshold] : report.thresholds) {
    thresholds.push_back(fmt::format("{} {}", role, threshold));
  }
  text += fmt::format("signatures needed: {}\n{}", base::join(thresholds, ", "), table.text());
  if (report.one_home_approves) {
    text += fmt::format("warning: {}\n", workflow::k_one_home_approves);
  }
  for (const auto& channel : report.channels) {
    std::vector<std::string> roles;
    for (const auto& [role, time] : channel.expires) {
      roles.push_back(fmt::format("{} {}", role, days_text(time, now)));
    }
    text += fmt::format("channel {}, bundle {}: {}\n", channel.name, channel.serial, base::join(roles, ", "));
  }
  if (report.pending) {
    text += "\n" + progress_text(*report.pending, names);
  } else if (wants_renewal(report, now)) {
    text += "the root is past half of its time: airlock keys renew\n";
  }
  return text;
}

}  // namespace airlock::cli
