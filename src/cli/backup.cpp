// `airlock backup` and `airlock restore`.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/fingerprint.hpp"
#include "cli/session.hpp"
#include "cli/take_output.hpp"
#include "control/control_db.hpp"
#include "mirror/mirror_db.hpp"
#include "workflow/backup.hpp"
#include "workflow/restore.hpp"
#include "workflow/status.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;

struct BackupFlags {
  std::string file;
  RemarkFlags remark;
  bool keys = false, without_keys = false, blobs = false;
};

std::string backup_text(const workflow::BackupReport& report, const BackupFlags& flags) {
  std::string text = fmt::format("{}: {}, {}; {}\n  sha256  {}\n", flags.file, base::counted(report.files, "file"),
                                 base::counted(report.blobs, "blob"), base::format_bytes(report.bytes),
                                 base::group_digits(report.sha256.hex()));
  if (report.secrets > 0) {
    text +=
        fmt::format("  SECRET  it holds {} private keys and tokens: whoever has this file has them\n", report.secrets);
    if (report.unencrypted_keys > 0) {
      text += fmt::format("  SECRET  {} signing keys in it have no passphrase: whoever has this file can sign\n",
                          report.unencrypted_keys);
    }
  } else if (report.secrets_left_out > 0) {
    text +=
        fmt::format("  keys    {} private keys and tokens are not in it; keep a second backup, made with --keys, in "
                    "a safe\n",
                    report.secrets_left_out);
  }
  return text;
}

void backup(Session& session, const BackupFlags& flags) {
  if (flags.keys && flags.without_keys) {
    throw Error(ErrorCode::usage, "--keys and --without-keys contradict each other");
  }
  using Options = workflow::BackupOptions;
  const auto report =
      workflow::write_backup({.home = session.home,
                              .file = flags.file,
                              .secrets = flags.keys ? Options::Secrets::include : Options::Secrets::leave_out,
                              .blobs = flags.blobs ? Options::Blobs::include : Options::Blobs::leave_out,
                              .remark = flags.remark.remark()},
                             *session.clock, *session.reporter);
  for (const auto& name : report.left_out) {
    session.reporter->warning(
        fmt::format("left out, because a backup cannot hold the name: {}", base::printable(name)));
  }
  if (!report.not_audited.empty()) {
    session.reporter->warning(fmt::format("the audit log was not told of this backup: {}", report.not_audited));
  }
  session.answer({{"backup", flags.file},
                  {"files", report.files},
                  {"secrets", report.secrets},
                  {"unencrypted_keys", report.unencrypted_keys},
                  {"secrets_left_out", report.secrets_left_out},
                  {"blobs", report.blobs},
                  {"bytes", report.bytes},
                  {"sha256", report.sha256.hex()},
                  {"left_out", report.left_out},
                  {"audited", report.not_audited.empty()}},
                 backup_text(report, flags));
}

struct RestoreFlags {
  std::string file, secrets_from, sha256;
  RemarkFlags remark;
  std::vector<std::string> receipts, floors;
  bool replace = false, yes = false;
};

base::Json commands_json(const std::vector<workflow::BroughtCommand>& commands) {
  base::Json list = base::Json::array();
  for (const auto& command : commands) {
    list.push_back(
        {{"file", command.file}, {"what", command.what}, {"command", command.argv}, {"in_force", command.in_force}});
  }
  return list;
}

std::string command_text(const workflow::BroughtCommand& command) {
  return base::printable(fmt::format("{}, {}: {}", command.file, command.what, base::join(command.argv, " ")), 600);
}

// Who exchanges a backup exchanges what this host runs. The digest from paper says that nobody did; else somebody has
// to say that these commands are right, unless the home has them already.
void confirm_commands(Session& session, const RestoreFlags& flags,
                      const std::vector<workflow::BroughtCommand>& commands, const base::Digest& seen) {
  session.reporter->say(fmt::format("sha256 of {}{}:\n  {}", flags.file,
                                    flags.sha256.empty() ? ", to compare with your paper" : ", as you gave it",
                                    base::group_digits(seen.hex())));
  bool is_new = false;
  for (const auto& command : commands) {
    session.reporter->warning("the backup brings a command that this host will run: " + command_text(command));
    is_new = is_new || !command.in_force;
  }
  if (!is_new || flags.yes || !flags.sha256.empty()) {
    return;
  }
  const auto answer = session.ask("Restore it with these commands? [y/N]", "--sha256 HEX from paper, or --yes once you "
                                                                           "have read them");
  if (answer != "y" && answer != "Y" && answer != "yes") {
    throw Error(ErrorCode::interrupted, "nothing was restored");
  }
}

base::Json restore_json(const workflow::RestoreReport& report) {
  base::Json near_channels = base::Json::array();
  for (const auto& channel : report.near_channels) {
    near_channels.push_back({{"channel", channel.channel},
                             {"serial", channel.serial},
                             {"floor", channel.floor ? base::Json(*channel.floor) : base::Json()}});
  }
  base::Json far_channels = base::Json::array();
  for (const auto& channel : report.far_channels) {
    far_channels.push_back({{"channel", channel.key.channel},
                            {"producer", channel.key.producer},
                            {"serial", channel.serial},
                            {"floor", channel.floor},
                            {"served", channel.served},
                            {"root_version", channel.root_version},
                            {"known_root", channel.known_root},
                            {"unproven", channel.unproven},
                            {"lacking", channel.lacking},
                            {"lacking_bytes", channel.lacking_bytes},
                            {"need", channel.need.string()}});
  }
  base::Json overridden = base::Json::array();
  for (const auto& one : report.overridden) {
    overridden.push_back({{"item", one.item}, {"channel", one.channel.channel}, {"user", one.overridden->user}});
  }
  return {{"finished_earlier", report.finished_earlier},
          {"sha256", report.finished_earlier ? "" : report.sha256.hex()},
          {"keys_sha256", report.secrets_sha256 ? base::Json(report.secrets_sha256->hex()) : base::Json()},
          {"commands", commands_json(report.commands)},
          {"overridden", std::move(overridden)},
          {"backup_time", base::to_rfc3339(report.backup)},
          {"files", report.files},
          {"secrets", report.secrets},
          {"keys_missing", report.keys_missing},
          {"secrets_key_missing", report.secrets_key_missing},
          {"put_aside", report.put_aside},
          {"kept", report.kept},
          {"written_channels", std::move(near_channels)},
          {"taken_channels", std::move(far_channels)},
          {"roots", report.roots},
          {"floors_given", report.floors_given},
          {"blocked", report.blocked},
          {"withheld", report.withheld},
          {"out_of_service", report.out_of_service},
          {"audit", {{"number", report.audit_number}, {"head", report.audit_head}}}};
}

std::string far_text(const workflow::RestoreReport& report) {
  std::string text;
  bool lacking = false;
  for (const auto& channel : report.far_channels) {
    text += fmt::format("  channel '{}' is at serial {}{}\n", channel.key.channel, channel.serial,
                        channel.floor > channel.serial
                            ? fmt::format("; {} was here before, and nothing older comes in", channel.floor)
                            : "");
    if (channel.served > 0 && channel.served != channel.serial) {
      text += fmt::format("    it serves serial {}\n", channel.served);
    }
    if (channel.root_version > 0 && channel.root_version < channel.known_root) {
      text += fmt::format("    CHECK   {}\n", workflow::older_root_text(channel.root_version, channel.known_root));
    }
    if (channel.unproven > 0) {
      text += fmt::format("    {} of it not served, because the signed head is not here: the bundle brings it\n",
                          channel.unproven == 1 ? "one generation" : fmt::format("{} generations", channel.unproven));
    }
    if (channel.lacking > 0) {
      lacking = true;
      text += fmt::format("    {} blobs ({}) of what is served are not here; the same bundle brings them, or one made "
                          "for {}\n",
                          channel.lacking, base::format_bytes(channel.lacking_bytes), channel.need.string());
    }
  }
  for (const auto& root : report.roots) {
    text += fmt::format("  pinned root {}; compare it with your paper\n", base::group_digits(root));
  }
  if (!report.far_channels.empty() && !report.floors_given) {
    text += "  FLOORS  no receipt was given: bundles between this backup and the loss can come in again unnoticed.\n"
            "          airlock trust floor --receipt FILE, or the line that the last import printed\n";
  }
  for (const auto& item : report.blocked) {
    text += fmt::format("  blocked {}, as the receipt says; `airlock unblock` lifts it\n", base::printable(item));
  }
  for (const auto& digest : report.withheld) {
    text += fmt::format("  withheld {}, as the receipt says; `airlock import --release` ends it\n", digest);
  }
  for (const auto& channel : report.out_of_service) {
    text += fmt::format("  channel '{}' is out of service, as the receipt says; `airlock store activate` ends it\n",
                        channel);
  }
  if (!report.audit_head.empty()) {
    text += fmt::format("  audit   {}\n", audit_mark_text(report.audit_number, report.audit_head));
  }
  if (!report.far_channels.empty() && !lacking) {
    text += "next: airlock store check, which reads every blob; then airlock serve\n";
  }
  return text;
}

std::string restore_text(const Session& session, const workflow::RestoreReport& report) {
  std::string text;
  if (report.finished_earlier) {
    return fmt::format("{} is restored; that was the run which had been interrupted\n", session.home.root.string());
  }
  text = fmt::format("{} is as it was at {}\n  sha256  {}\n", session.home.root.string(),
                     base::to_rfc3339(report.backup), base::group_digits(report.sha256.hex()));
  for (const auto& command : report.commands) {
    text += fmt::format("  RUNS    {}\n", command_text(command));
  }
  for (const auto& one : report.overridden) {
    text += fmt::format("  serves  {}, which the producer of '{}' revoked, since {} by {}\n", base::printable(one.item),
                        one.channel.channel, base::to_rfc3339(one.overridden->since),
                        base::printable(one.overridden->user));
  }
  if (!report.put_aside.empty()) {
    text += fmt::format("  before  what was there lies in {}\n", (session.home.root / report.put_aside).string());
  }
  for (const auto& file : report.kept) {
    text += fmt::format("  kept    {}, which differs from the backup's\n", file);
  }
  if (report.keys_missing) {
    text += fmt::format("  keys    no private keys are here: put them into {}, or restore with --keys-from\n",
                        session.home.keys().string());
  }
  if (report.secrets_key_missing) {
    text += fmt::format("  keys    {} is not here: `airlock serve` wants it for the secrets of deployments\n",
                        (session.home.root / "control" / "secrets.key").string());
  }
  for (const auto& channel : report.near_channels) {
    text += fmt::format("  channel '{}' was written up to serial {} here; {}\n", channel.channel, channel.serial,
                        !channel.floor                     ? "the next create wants the newest bundle with --continue"
                        : *channel.floor <= channel.serial ? "nothing was written since, as you say"
                                                           : fmt::format("the next create wants bundle {} with "
                                                                         "--continue",
                                                                         *channel.floor));
  }
  return text + far_text(report);
}

void restore(Session& session, const RestoreFlags& flags) {
  workflow::RestoreOptions options;
  options.home = session.home;
  options.file = flags.file;
  options.present =
      flags.replace ? workflow::RestoreOptions::Present::put_aside : workflow::RestoreOptions::Present::refuse;
  options.receipts = {flags.receipts.begin(), flags.receipts.end()};
  for (const auto& floor : flags.floors) {
    options.floors.push_back(workflow::parse_floor(floor));
  }
  if (!flags.secrets_from.empty()) {
    options.secrets_from = flags.secrets_from;
  }
  if (!flags.sha256.empty()) {
    options.sha256 = base::Digest::parse_sha256_hex(parse_fingerprint(flags.sha256, "a SHA-256"));
  }
  options.confirm = [&](const std::vector<workflow::BroughtCommand>& commands, const base::Digest& seen) {
    confirm_commands(session, flags, commands, seen);
  };
  options.remark = flags.remark.remark();
  options.check_database = [](std::string_view member, const std::filesystem::path& file) {
    if (member == "mirror.db") {
      mirror::require_mirror_db(file);
    } else {
      control::require_control_db(file);
    }
  };
  const auto report = workflow::restore_home(options, *session.clock, *session.reporter);
  session.answer(restore_json(report), restore_text(session, report));
}

}  // namespace

void add_backup_commands(CLI::App& app, Session& session) {
  auto* backup_command =
      app.add_subcommand("backup", "Copy this home into one file, while servers and agents go on working");
  auto flags = std::make_shared<BackupFlags>();
  backup_command->add_option("FILE", flags->file, "Where to; a file that is there already is not replaced")->required();
  backup_command->add_flag("--with-blobs", flags->blobs, "The content too; nothing can be imported or swept meanwhile");
  backup_command->add_flag("--keys", flags->keys,
                           "Private keys and tokens too: whoever has the file has them. For a safe, not for every day");
  backup_command->add_flag("--without-keys", flags->without_keys, "Without them; this is the default");
  add_remark_flags(*backup_command, flags->remark);
  backup_command->footer("Examples:\n  airlock backup /backup/site-a-monday.tar\n"
                         "  airlock backup /media/safe/near.tar --keys\n\nWithout --with-blobs the bundles bring the "
                         "content again after a restore.");
  backup_command->callback([&session, flags] { backup(session, *flags); });

  auto* restore_command = app.add_subcommand("restore", "Make a home out of a backup; floors are checked again");
  auto wanted = std::make_shared<RestoreFlags>();
  restore_command->add_option("FILE", wanted->file, "What `airlock backup` wrote")->required();
  restore_command
      ->add_option("--sha256", wanted->sha256, "From paper, as `airlock backup` printed it: another file is refused")
      ->type_name("HEX");
  restore_command->add_flag("--yes", wanted->yes, "Do not ask about commands that the backup brings");
  restore_command
      ->add_option("--receipt", wanted->receipts,
                   "The last receipt that is known: nothing older comes in again; may be repeated")
      ->type_name("FILE");
  restore_command
      ->add_option("--floor", wanted->floors, "The same from paper, as the last import printed it; may be repeated")
      ->type_name("CHANNEL:SERIAL");
  restore_command->add_option("--keys-from", wanted->secrets_from, "A second backup, of which only keys are taken")
      ->type_name("FILE");
  restore_command->add_flag("--replace", wanted->replace,
                            "Put aside what is in the home, in a folder of it; nothing is deleted, blobs stay");
  add_remark_flags(*restore_command, wanted->remark);
  restore_command->footer("Examples:\n  airlock restore site-a-monday.tar --sha256 HEX --receipt site-a-17.json\n"
                          "  airlock restore site-a-monday.tar --replace --floor site-a:17,root=1\n\n"
                          "Run the same command again after any interruption.");
  restore_command->callback([&session, wanted] { restore(session, *wanted); });
}

}  // namespace airlock::cli
