// Whom this site trusts: pinning a root, showing what follows from it, handing out one's own.
#include <algorithm>
#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "cli/fingerprint.hpp"
#include "cli/session.hpp"
#include "cli/table.hpp"
#include "cli/take_output.hpp"
#include "cli/trust_floors.hpp"
#include "store/state_db.hpp"
#include "trust/metadata.hpp"
#include "workflow/keys.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/policy.hpp"
#include "workflow/remark.hpp"
#include "workflow/trust_removal.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;

[[noreturn]] void refuse_fingerprint(const std::string& actual) {
  throw Error(ErrorCode::untrusted, "the fingerprint does not match, so nothing was pinned")
      .with_hint(fmt::format("the file's own is {}; find out which of the two is right before you go on",
                             base::group_digits(actual)));
}

base::Json role_json(const trust::Root& root) {
  base::Json roles = base::Json::object();
  for (const auto& [name, role] : root.roles) {
    base::Json keys = base::Json::array();
    for (const auto& id : role.keyids) {
      const auto key = root.keys.find(id);
      keys.push_back({{"keyid", id}, {"scheme", key == root.keys.end() ? "" : to_string(key->second.scheme())}});
    }
    roles[name] = {{"threshold", role.threshold}, {"keys", std::move(keys)}};
  }
  return roles;
}

std::string role_text(const trust::Root& root) {
  std::string text;
  for (const auto& [name, role] : root.roles) {
    std::vector<std::string> keys;
    for (const auto& id : role.keyids) {
      keys.push_back(id.substr(0, 12));
    }
    text += fmt::format("  {:<10} {} of {}: {}\n", name, role.threshold, role.keyids.size(), base::join(keys, ", "));
  }
  return text;
}

struct TrustInitFlags {
  std::string root, fingerprint;
  FloorFlags floors;
  RemarkFlags remark;
};

// The root is pinned last: floors that are refused leave nothing behind, and the corrected command begins anew. Where
// a run ended between the two, or the root was pinned without floors, the same command sets them.
void init(Session& session, const TrustInitFlags& flags) {
  const auto policy = workflow::load_policy(session.home).trust;
  const auto root = workflow::read_root(flags.root);
  if (!workflow::find_pinned(session.home, root)) {
    workflow::check_for_pinning(root, policy);  // before anybody compares fingerprints
  }
  auto wishes = flags.floors.wishes();
  const auto fingerprint = root.root.fingerprint.hex();
  session.reporter->say(fmt::format("root version {}{}, valid until {}\n{}fingerprint:\n  {}", root.root.root.version,
                                    root.root.root.channel.empty() ? "" : " of channel " + root.root.root.channel,
                                    base::to_rfc3339(root.root.root.expires), role_text(root.root.root),
                                    base::group_digits(fingerprint)));
  const bool matches = flags.fingerprint.empty() ? ask_for_groups(session, fingerprint, "--fingerprint HEX")
                                                 : parse_fingerprint(flags.fingerprint) == fingerprint;
  if (!matches) {
    refuse_fingerprint(fingerprint);
  }
  for (auto& wish : wishes) {
    if (root.producer().starts_with(wish.producer)) {  // also where it names none
      wish.producer = root.producer();
    }
    if (wish.producer == root.producer()) {
      wish.pinned_root = root.root.root.version;
    }
  }
  store::StateDb state(session.home.root, store::StateDb::Access::change);
  const auto before = wishes.empty() ? std::nullopt : workflow::find_pinned(session.home, root);
  auto change = state.change();
  base::Json detail = {{"fingerprint", fingerprint}, {"version", root.root.root.version}};
  const auto raised = take_floors(session, state, wishes, flags.floors, detail);
  flags.remark.remark().add_to(detail);
  state.audit(session.clock->now(), before ? "floor" : "trust-init", workflow::audit_text(detail));
  const auto pinned = before ? *before : workflow::pin_root(session.home, root.bytes, policy);
  change.commit();
  session.answer({{"fingerprint", fingerprint},
                  {"version", root.root.root.version},
                  {"file", pinned.file.string()},
                  {"pinned_before", before.has_value()},
                  {"roles", role_json(root.root.root)},
                  {"floors", floor_changes_json(raised)}},
                 fmt::format("{} as {}\n{}next: airlock import BUNDLE\n", before ? "was pinned before" : "pinned",
                             pinned.file.string(), floor_changes_text(raised, state.channels())));
}

struct ChannelTrust {
  store::ChannelKey key;
  std::optional<std::uint64_t> serial;
  std::optional<store::Floor> floor;
  std::optional<store::FloorLowering> lowering;
  std::uint64_t timestamp_version = 0, snapshot_version = 0;  // accepted; 0: none
  trust::Root root;                                           // the newest that was accepted for it
};

std::vector<ChannelTrust> channels_of(const store::StateDb& state) {
  std::vector<ChannelTrust> channels;
  for (const auto& key : state.channels()) {
    ChannelTrust channel{.key = key,
                         .serial = state.last_serial(key),
                         .floor = state.floor(key),
                         .lowering = state.floor_lowering(key),
                         .root = {}};
    if (const auto timestamp = state.role(key, "timestamp")) {
      channel.timestamp_version =
          trust::parse_timestamp(trust::parse_signed(*timestamp, "timestamp.json", trust::k_timestamp_limit)).version;
    }
    if (const auto snapshot = state.role(key, "snapshot")) {
      channel.snapshot_version =
          trust::parse_snapshot(trust::parse_signed(*snapshot, "snapshot.json", trust::k_metadata_ceiling)).version;
    }
    auto bytes = state.role(key, "root");
    if (const auto roots = state.roots(key.producer); !roots.empty()) {
      bytes = roots.back();
    }
    if (bytes) {
      channel.root = trust::parse_root(trust::parse_signed(*bytes, "root.json", trust::k_root_limit));
    }
    channels.push_back(std::move(channel));
  }
  return channels;
}

// Null where nothing was imported and no root was pinned yet.
std::unique_ptr<const store::StateDb> open_state(const Session& session) {
  std::error_code ignored;
  if (!std::filesystem::exists(session.home.root / "airlock.db", ignored)) {
    return nullptr;
  }
  return std::make_unique<store::StateDb>(session.home.root, store::StateDb::Access::read);
}

void show_trust(Session& session) {
  const auto roots = workflow::read_pinned_roots(session.home);
  const auto state = open_state(session);
  const auto channels = state ? channels_of(*state) : std::vector<ChannelTrust>();
  base::Json list = base::Json::array();
  std::string text;
  for (const auto& pinned : roots) {
    const auto file = state ? workflow::root_in_force(pinned, *state) : pinned.root.file;
    const auto root = trust::parse_root(file);
    const auto fingerprint = trust::identity(file).hex();
    const auto first = pinned.root.root.version;
    base::Json channel_list = base::Json::array();
    text += fmt::format("{}\n  pinned: version {}, fingerprint {}\n  in force: version {}{}, valid until {}\n{}",
                        pinned.file.string(), first, base::group_digits(pinned.producer()), root.version,
                        root.version == first ? "" : ", fingerprint " + base::group_digits(fingerprint),
                        base::to_rfc3339(root.expires), role_text(root));
    for (const auto& channel : channels) {
      if (channel.key.producer != pinned.producer()) {
        continue;
      }
      channel_list.push_back(
          {{"channel", channel.key.channel},
           {"serial", channel.serial ? base::Json(*channel.serial) : base::Json()},
           {"floor", channel.floor ? base::Json(channel.floor->serial) : base::Json()},
           {"floors", channel.floor ? floor_json(*channel.floor) : base::Json()},
           {"floor_lowered", channel.lowering ? base::Json{{"time", base::to_rfc3339(channel.lowering->time)},
                                                           {"reason", channel.lowering->reason}}
                                              : base::Json()},
           {"timestamp_version", channel.timestamp_version},
           {"snapshot_version", channel.snapshot_version},
           {"root_version", channel.root.version},
           {"root_expires", base::to_rfc3339(channel.root.expires)},
           {"roles", role_json(channel.root)}});
      text += fmt::format("  channel '{}': newest bundle {}, root version {}, snapshot {}, timestamp {}{}\n",
                          channel.key.channel, channel.serial ? fmt::format("{}", *channel.serial) : "none",
                          channel.root.version, channel.snapshot_version, channel.timestamp_version,
                          channel.floor ? fmt::format(", floor {},root={},snapshot={}", channel.floor->serial,
                                                      channel.floor->root_version, channel.floor->snapshot_version)
                                        : "");
      if (channel.lowering) {
        text += fmt::format("    the floor was lowered at {}: {}\n", base::to_rfc3339(channel.lowering->time),
                            base::printable(channel.lowering->reason, 200));
      }
    }
    list.push_back({{"file", pinned.file.string()},
                    {"fingerprint", pinned.producer()},
                    {"pinned_version", first},
                    {"version", root.version},
                    {"fingerprint_in_force", fingerprint},
                    {"expires", base::to_rfc3339(root.expires)},
                    {"roles", role_json(root)},
                    {"channels", std::move(channel_list)}});
  }
  if (roots.empty()) {
    text = fmt::format("no root is pinned in {}\nnext: airlock trust init root.json\n",
                       session.home.pinned_roots().string());
  }
  const auto last = state ? state->last_audit_entry() : std::nullopt;
  if (last) {
    text += fmt::format("audit log: {}\n", audit_mark_text(last->number, last->digest));
  }
  session.answer({{"roots", std::move(list)},
                  {"folder", session.home.pinned_roots().string()},
                  {"audit", {{"number", last ? last->number : 0}, {"head", last ? last->digest : ""}}}},
                 text);
}

void show_policy(Session& session) {
  const auto policy = workflow::load_site_policy(session.home);
  Table table({"policy", "value", "from"});
  base::Json list = base::Json::array();
  for (const auto& value : policy.values) {
    table.add({value.key, base::printable(value.value, 200), value.origin});
    list.push_back({{"key", value.key}, {"value", value.value}, {"origin", value.origin}});
  }
  session.answer({{"file", policy.file.string()}, {"present", policy.present}, {"values", std::move(list)}},
                 fmt::format("{}{}\n\n{}", policy.file.string(),
                             policy.present ? "" : " (there is no such file: the defaults hold)", table.text()));
}

void reset_clock(Session& session, const workflow::Remark& remark) {
  if (base::trim(remark.reason).empty()) {
    throw Error(ErrorCode::usage, "resetting the clock's mark needs a reason")
        .with_hint("add --reason TEXT; the audit log keeps it");
  }
  { const store::StateDb exists(session.home.root, store::StateDb::Access::read); }
  store::StateDb state(session.home.root, store::StateDb::Access::change);
  const auto now = session.clock->now();
  const auto before = state.last_wall();
  auto change = state.change();
  state.reset_last_wall(now);
  base::Json detail = {{"before", before ? base::to_rfc3339(*before) : ""}};
  remark.add_to(detail);
  state.audit(now, "reset-clock", workflow::audit_text(detail));
  change.commit();
  session.answer({{"last_wall", base::to_rfc3339(now)}},
                 fmt::format("the clock's mark is {} now; what bundles were made at still counts as passed\n",
                             base::to_rfc3339(now)));
}

struct RemoveFlags {
  std::string producer;
  bool yes = false;
  RemarkFlags remark;
};

void remove(Session& session, const RemoveFlags& flags) {
  if (!flags.yes && session.terminal) {
    const auto answer = session.ask("Nothing of that producer is served from then on. Type yes:", "--yes");
    if (base::to_lower(answer) != "yes") {
      throw Error(ErrorCode::interrupted, "nothing was changed");
    }
  }
  const auto removed =
      workflow::remove_trust(session.home, base::to_lower(flags.producer), *session.clock, flags.remark.remark());
  session.answer(
      {{"fingerprint", removed.producer},
       {"version", removed.version},
       {"file", removed.file.string()},
       {"out_of_service", removed.channels}},
      fmt::format("{} is gone; no bundle under that root is taken in any more\n{}next: airlock trust init root.json, "
                  "with the root of whoever takes its place\n",
                  removed.file.string(),
                  removed.channels.empty() ? ""
                                           : fmt::format("out of service: {}\n", base::join(removed.channels, ", "))));
}

void export_own(Session& session, const std::string& path) {
  const auto fingerprint = workflow::export_root(session.home, path);
  session.answer({{"fingerprint", fingerprint}, {"root", path}},
                 fmt::format("{}\nfingerprint, to hand over on paper:\n  {}\n", path, base::group_digits(fingerprint)));
}

}  // namespace

void add_trust_commands(CLI::App& app, Session& session) {
  auto* trust = app.add_subcommand("trust", "The roots that this site trusts");

  auto* init_command = trust->add_subcommand("init", "Pin a producer's root after comparing its fingerprint");
  auto flags = std::make_shared<TrustInitFlags>();
  init_command->add_option("ROOT", flags->root, "root.json, as the producer handed it over")->required();
  init_command
      ->add_option("--fingerprint", flags->fingerprint,
                   "All of it, from paper; without it two groups of it are asked for")
      ->type_name("HEX");
  add_floor_flags(*init_command, flags->floors);
  add_remark_flags(*init_command, flags->remark);
  init_command->footer(
      "Example:\n  airlock trust init root.json\n\nThe fingerprint must have come another way than the file. A pinned "
      "root is never\nreplaced; newer ones arrive with bundles, signed by the old and the new keys.\nAfter a loss of "
      "this home, --floor or "
      "--receipt keeps what was here before from being\nreplaced by something older.");
  init_command->callback([&session, flags] { init(session, *flags); });

  auto* show_command =
      trust->add_subcommand("show", "Pinned roots, the keys in force, thresholds, expiry, newest bundles");
  show_command->footer("Example:\n  airlock trust show --json");
  show_command->callback([&session] { show_trust(session); });

  auto* policy_command = trust->add_subcommand("policy", "This site's policy: each value and where it came from");
  policy_command->footer("Example:\n  airlock trust policy\n\nIt is policy.yaml in the configuration folder, which no "
                         "root and no bundle can weaken.");
  policy_command->callback([&session] { show_policy(session); });

  auto* export_command = trust->add_subcommand("export", "Write this home's own public root, to hand over");
  auto path = std::make_shared<std::string>();
  export_command->add_option("-o,--output", *path, "Where to")->type_name("FILE")->required();
  export_command->footer("Example:\n  airlock trust export -o root.json");
  export_command->callback([&session, path] { export_own(session, *path); });

  auto* remove_command =
      trust->add_subcommand("remove", "Trust a producer no more: its channels go out of service, its root away");
  auto remove_flags = std::make_shared<RemoveFlags>();
  remove_command->add_option("PRODUCER", remove_flags->producer, "The pinned root's fingerprint, 8 digits or more")
      ->required();
  remove_command->add_flag("--yes", remove_flags->yes, "Do not ask");
  add_remark_flags(*remove_command, remove_flags->remark);
  remove_command->footer(
      "Example:\n  airlock trust remove 3f9a01c2 --reason 'their root keys were stolen' --ticket CHG-12"
      "\n\nFor keys of root that are lost or stolen beyond the threshold. Single keys are replaced by "
      "a\nnewer root, which arrives with a bundle.");
  remove_command->callback([&session, remove_flags] { remove(session, *remove_flags); });

  auto* reset = trust->add_subcommand("reset-clock", "Forget a clock that was once far ahead; kept in the audit log");
  auto reset_remark = std::make_shared<RemarkFlags>();
  add_remark_flags(*reset, *reset_remark);
  reset->footer("Example:\n  airlock trust reset-clock --reason 'the battery of this host was changed' --ticket OPS-7");
  reset->callback([&session, reset_remark] { reset_clock(session, reset_remark->remark()); });

  add_floor_command(*trust, session);

  trust->footer("Example:\n  airlock trust init root.json");
}

}  // namespace airlock::cli
