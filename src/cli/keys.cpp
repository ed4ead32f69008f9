// `airlock keys`: making and showing the signing set of a home.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/new_keys.hpp"
#include "cli/session.hpp"
#include "cli/table.hpp"
#include "workflow/keys.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::size_t k_short_keyid = 12;  // hex digits

void init(Session& session, const NewKeysFlags& flags) {
  const auto report = make_keys(session, flags);
  base::Json files = base::Json::array();
  for (const auto& file : report.private_keys) {
    files.push_back(file.string());
  }
  session.answer({{"fingerprint", report.fingerprint},
                  {"root", report.root.string()},
                  {"expires", report.expires},
                  {"encrypted", report.encrypted},
                  {"private_keys", files}},
                 new_keys_text(report, flags) + "next: airlock trust export -o root.json, and hand it over\n");
}

void show(Session& session) {
  const auto report = workflow::show_keys(session.home);
  base::Json keys = base::Json::array();
  Table table({"ROLE", "KEY", "SCHEME", "PRIVATE KEY"});
  for (const auto& key : report.keys) {
    keys.push_back({{"role", key.role},
                    {"keyid", key.keyid},
                    {"scheme", key.scheme},
                    {"file", key.file.string()},
                    {"encrypted", key.encrypted}});
    table.add({key.role, key.keyid.substr(0, k_short_keyid), key.scheme,
               key.file.empty() ? "not here" : key.file.string() + (key.encrypted ? "" : " (not encrypted)")});
  }
  std::string text = fmt::format("{}, root version {}, valid until {}, made for {} transfers\nfingerprint {}\n",
                                 report.name, report.root_version, base::to_rfc3339(report.expires), report.cadence,
                                 base::group_digits(report.fingerprint));
  std::vector<std::string> thresholds;
  for (const auto& [role, threshold] : report.thresholds) {
    thresholds.push_back(fmt::format("{} {}", role, threshold));
  }
  text += fmt::format("signatures needed: {}\n{}", base::join(thresholds, ", "), table.text());
  session.answer({{"name", report.name},
                  {"fingerprint", report.fingerprint},
                  {"root_version", report.root_version},
                  {"expires", base::to_rfc3339(report.expires)},
                  {"cadence", report.cadence},
                  {"thresholds", report.thresholds},
                  {"keys", keys}},
                 text);
}

}  // namespace

void add_keys_commands(CLI::App& app, Session& session) {
  auto* keys = app.add_subcommand("keys", "The keys that sign this host's bundles");
  keys->footer("Example:\n  airlock keys init --name \"Build host\" --cadence monthly");

  auto* make = keys->add_subcommand("init", "Make the trust root and a signing set in the home");
  auto flags = std::make_shared<NewKeysFlags>();
  add_new_keys_flags(*make, *flags);
  make->add_option("--name", flags->name, "Who signs, for people who look at the keys")->type_name("NAME");
  make->footer("Examples:\n"
               "  airlock keys init                                   one person, asked for a passphrase\n"
               "  airlock keys init --threshold 2 --split             two people approve; root's keys elsewhere\n"
               "  airlock keys init --no-passphrase --json            for a pipeline with a guarded disk");
  make->callback([&session, flags] { init(session, *flags); });

  auto* list = keys->add_subcommand("show", "Roles, keys, thresholds and expiry; which private keys are here");
  list->footer("Example:\n  airlock keys show");
  list->callback([&session] { show(session); });
}

}  // namespace airlock::cli
