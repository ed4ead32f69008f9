// `bundle approve`: an officer of the isolated site agrees that a bundle is taken in.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/key_access.hpp"
#include "cli/session.hpp"
#include "workflow/local_approvals.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;

struct SiteApproveFlags {
  std::string bundle, output, reason, ticket;
  std::vector<std::string> folders;
  bool yes = false, accept_expired = false;
  SignerFlags signer;
};

std::string folder_of(const std::string& file) {
  const auto folder = std::filesystem::path(file).parent_path();
  return folder.empty() ? "." : folder.string();
}

void approve(Session& session, const SiteApproveFlags& flags) {
  if (std::error_code ignored; !flags.output.empty() && std::filesystem::exists(flags.output, ignored)) {
    throw Error(ErrorCode::conflict, fmt::format("{} exists already", flags.output))
        .with_hint("name another file with -o");
  }
  const auto key = open_signer(session, flags.signer, "officer");  // a wrong file or passphrase is said at once
  const workflow::LocalApproveOptions options{.home = session.home,
                                              .bundle = flags.bundle,
                                              .folders = {flags.folders.begin(), flags.folders.end()},
                                              .output = flags.output,
                                              .reason = flags.reason,
                                              .ticket = flags.ticket,
                                              .accept_expired = flags.accept_expired,
                                              .built = session.built};
  const auto review = workflow::review_for_site(options, *session.clock);
  session.reporter->say(review.text);
  if (review.what.expired_since) {
    session.reporter->warning(fmt::format("this bundle expired on {}", base::to_rfc3339(*review.what.expired_since)));
  }
  if (!flags.yes && session.asks_before_signing()) {
    const auto answer =
        session.ask(fmt::format("Approve that bundle '{}' {} with the id {} is taken in? Type yes:",
                                review.verified.descriptor().channel, review.verified.descriptor().serial,
                                base::group_digits(review.verified.bundle_id())),
                    "--yes");
    if (base::to_lower(answer) != "yes") {
      throw Error(ErrorCode::interrupted, "not approved; nothing was signed");
    }
  }
  const auto report = workflow::approve_for_site(options, review, *key, *session.clock);
  const bool enough = report.approved.size() >= report.needed;
  session.answer(
      {{"approval", report.written.string()},
       {"channel", report.channel},
       {"serial", report.serial},
       {"bundle_id", report.bundle_id},
       {"keyid", report.keyid},
       {"name", report.name},
       {"approved", report.approved},
       {"missing", report.missing},
       {"needed", report.needed}},
      fmt::format(
          "{}\nbundle '{}' {}: {} of {} officers have approved it ({})\nnext: {}\n", report.written.string(),
          report.channel, report.serial, report.approved.size(), report.needed, base::join(report.approved, ", "),
          enough ? fmt::format("airlock import {}{}", flags.bundle,
                               flags.output.empty() ? "" : fmt::format(" --volumes {}", folder_of(flags.output)))
                 : fmt::format("{} runs airlock bundle approve {}", base::join(report.missing, " or "), flags.bundle)));
}

}  // namespace

void add_bundle_site_approve_command(CLI::App& bundle, Session& session) {
  auto* command = bundle.add_subcommand(
      "approve", "Agree, as an officer of this site, that a bundle is taken in (local_approvals in policy.yaml)");
  auto flags = std::make_shared<SiteApproveFlags>();
  command->add_option("BUNDLE", flags->bundle, "A bundle, its head, any volume of it, or a folder")->required();
  add_signer_flags(*command, flags->signer, "The officer's private key");
  command->add_option("--volumes", flags->folders, "Further folder with volumes or approvals; may be repeated")
      ->type_name("DIR");
  command->add_option("-o,--output", flags->output, "Where to; else among the approvals of the home")
      ->type_name("FILE");
  command->add_option("--reason", flags->reason, "Kept in what is signed")->type_name("TEXT");
  command->add_option("--ticket", flags->ticket, "Of your own records; kept in what is signed")->type_name("ID");
  command->add_flag("--accept-expired", flags->accept_expired,
                    "Agree although its timestamp or snapshot has expired (expired_approvals in policy.yaml)");
  command->add_flag("--yes", flags->yes, "Do not ask");
  command->footer("Examples:\n  airlock bundle approve /media/stick/ --key anna.pem --ticket CHG-4711\n"
                  "  airlock bundle approve /media/stick/ --key anna.pem --accept-expired --reason 'courier late'\n\n"
                  "The bundle is proven first, as an import would; what is signed names it by its id.");
  command->callback([&session, flags] { approve(session, *flags); });
}

}  // namespace airlock::cli
