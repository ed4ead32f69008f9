// `bundle sign` and `seal`: what two people do before a bundle may cross.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "bundle/inspection.hpp"
#include "cli/fingerprint.hpp"
#include "cli/key_access.hpp"
#include "cli/make_output.hpp"
#include "cli/replaceable.hpp"
#include "cli/session.hpp"
#include "trust/root_chain.hpp"
#include "workflow/approve.hpp"
#include "workflow/newer_root.hpp"
#include "workflow/policy.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::string_view k_tbs_beginning = "{\"_type\":\"snapshot\"";  // canonical JSON of the role
constexpr std::size_t k_signature_limit = 8 * 1024;                      // bytes of a file with one raw signature

struct SignFlags {
  std::string bundle, root, fingerprint, against, output, signature, keyid;
  std::vector<std::string> folders;
  bool detached = false, tbs = false, yes = false;
  SignerFlags signer;
};

void check_flags(const SignFlags& flags) {
  const int ways = (flags.tbs ? 1 : 0) + (flags.signature.empty() ? 0 : 1) + (flags.signer.given() ? 1 : 0);
  if (ways > 1) {
    throw Error(ErrorCode::usage, "a key or a --signer-command, --signature and --tbs exclude each other");
  }
  if ((flags.detached || flags.tbs) && flags.output.empty()) {
    throw Error(ErrorCode::usage, fmt::format("{} needs -o FILE", flags.tbs ? "--tbs" : "--detached"));
  }
  if (!flags.keyid.empty() && flags.signature.empty()) {
    throw Error(ErrorCode::usage, "--keyid says whose --signature it is, and stands beside it only");
  }
}

workflow::ApproversRoot approvers_root(Session& session, const SignFlags& flags) {
  workflow::RootWish wish;
  if (!flags.root.empty()) {
    wish.file = flags.root;
  }
  if (!flags.fingerprint.empty()) {
    wish.fingerprint = parse_fingerprint(flags.fingerprint);
  }
  const bundle::Head head = bundle::Head::read(flags.bundle);
  if (auto root = workflow::find_approvers_root(head, session.home, wish)) {
    return std::move(*root);
  }
  const bundle::Inspection claimed = bundle::inspect(head, session.clock->now());
  if (!session.terminal) {
    throw Error(ErrorCode::untrusted, "no root is pinned here, and the bundle's own word for it does not count")
        .with_hint("give the producer's root with --root FILE, or with --fingerprint the one that is on your paper");
  }
  session.reporter->say(fmt::format("No root is pinned here. The bundle names one, version {}, with the fingerprint\n"
                                    "  {}\nCompare it with your paper.",
                                    claimed.root_version, base::group_digits(claimed.root_fingerprint)));
  // Two groups prove one fingerprint only: roots of a head that nobody vouches for yet cost its maker nothing.
  if (!ask_for_groups(session, claimed.root_fingerprint, "--fingerprint HEX")) {
    throw Error(ErrorCode::untrusted, "the fingerprint does not match, so nothing was signed")
        .with_hint("find out which of the two is right before you go on; where your paper is of an earlier root, give "
                   "all of its 64 digits with --fingerprint");
  }
  wish.fingerprint = claimed.root_fingerprint;
  return workflow::find_approvers_root(head, session.home, wish).value();
}

// The very bytes to sign, for a key that airlock cannot open; with the command of `openssl` for each kind of key that
// may still approve.
void write_tbs(Session& session, const workflow::Draft& draft, const SignFlags& flags) {
  const std::string bytes = workflow::tbs_of(draft);
  require_replaceable(flags.output, "file of bytes to sign", [](const std::filesystem::path& file) {
    return beginning_of(file, k_tbs_beginning.size()) == k_tbs_beginning;
  });
  base::write_file_atomic(flags.output, bytes);
  std::string text = fmt::format("{}: {} bytes to sign, sha256 {}\n", flags.output, bytes.size(),
                                 base::group_digits(draft.proof.bundle_id));
  base::Json commands = base::Json::object();
  for (const std::string& keyid : draft.proof.missing) {
    const auto key = draft.root().keys.find(keyid);
    if (key != draft.root().keys.end()) {
      const std::string scheme(trust::to_string(key->second.scheme()));
      const std::string_view with =
          key->second.scheme() == trust::Scheme::ed25519 ? "pkeyutl -sign -rawin -inkey KEY.pem -in {0} -out {0}.sig"
          : key->second.scheme() == trust::Scheme::ecdsa_p256 ? "dgst -sha256 -sign KEY.pem -out {0}.sig {0}"
                                                              : "dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt "
                                                                "rsa_pss_saltlen:digest -sign KEY.pem -out {0}.sig {0}";
      commands[scheme] = "openssl " + fmt::format(fmt::runtime(with), flags.output);
    }
  }
  for (const auto& [scheme, command] : commands.items()) {
    text += fmt::format("with a key of {}:\n  {}\n", scheme, command.get<std::string>());
  }
  text += fmt::format("next: airlock bundle sign {} --signature {}.sig\n", flags.bundle, flags.output);
  session.answer({{"tbs", flags.output},
                  {"payload_sha256", draft.proof.bundle_id},
                  {"channel", draft.proof.descriptor.channel},
                  {"serial", draft.proof.descriptor.serial},
                  {"commands", std::move(commands)}},
                 text);
}

// What is signed is shown first, and a person is asked.
void confirm(Session& session, const workflow::Draft& draft, const SignFlags& flags,
             const workflow::ApproversRoot& root) {
  std::optional<bundle::Head> before;
  if (!flags.against.empty()) {
    before = bundle::Head::read(flags.against);
  }
  session.reporter->say(workflow::review_text(draft, before, root.origin, session.home, session.clock->now()));
  if (flags.yes || !session.asks_before_signing()) {
    return;
  }
  const auto answer =
      session.ask(fmt::format("Approve bundle '{}' {} with the id {}? Type yes:", draft.proof.descriptor.channel,
                              draft.proof.descriptor.serial, base::group_digits(draft.proof.bundle_id)),
                  "--yes");
  if (base::to_lower(answer) != "yes") {
    throw Error(ErrorCode::interrupted, "not approved; nothing was signed");
  }
}

// The keys to sign with, opened before anything is shown or asked: a wrong file or passphrase is said at once.
struct OpenApprovers {
  std::unique_ptr<trust::Signer> key;
  std::unique_ptr<workflow::KeyRing> ring;
  bundle::SigningSet set;  // of the ring
  std::vector<const trust::Signer*> signers;
};

OpenApprovers open_approvers(Session& session, const SignFlags& flags) {
  OpenApprovers open;
  if (flags.signer.given()) {
    open.key = open_signer(session, flags.signer, "snapshot");
    open.signers = {open.key.get()};
    return open;
  }
  if (workflow::has_keys(session.home)) {
    open.ring = open_keys(session, flags.signer.passphrase);
    open.set = open.ring->signing_set();
  }
  const auto approvers = open.set.signers.find("snapshot");
  if (approvers == open.set.signers.end()) {
    throw Error(ErrorCode::config, "no approver's key (role snapshot) is in this home")
        .with_hint(
            "name its file with --key; a key that airlock cannot open signs by --signer-command, or by --tbs and "
            "--signature");
  }
  open.signers = approvers->second;
  return open;
}

void sign(Session& session, const SignFlags& flags) {
  check_flags(flags);
  const workflow::ApproversRoot root = approvers_root(session, flags);
  bundle::ApprovalPlaces places{.folders = {flags.folders.begin(), flags.folders.end()}, .files = {}};
  workflow::Draft draft =
      workflow::open_draft(flags.bundle, std::move(places), root.bytes, session.clock->now(), root.chain);
  trust::check_policy(draft.root(), workflow::load_policy(session.home).trust);
  for (const auto& warning :
       {workflow::pending_root_warning(session.home), workflow::future_warning(draft, session.clock->now())}) {
    if (warning) {
      session.reporter->warning(*warning);
    }
  }
  if (flags.tbs) {
    write_tbs(session, draft, flags);
    return;
  }
  using Form = workflow::ApprovalOutput::Form;
  const workflow::ApprovalOutput output{.form = flags.detached ? Form::this_alone : Form::with_all,
                                        .file = flags.output};
  workflow::ApproveReport report;
  if (!flags.signature.empty()) {
    report = workflow::add_raw_signature(session.home, draft, base::read_file(flags.signature, k_signature_limit),
                                         base::to_lower(flags.keyid), output, *session.clock, *session.reporter);
  } else {
    const OpenApprovers approvers = open_approvers(session, flags);
    confirm(session, draft, flags, root);
    report = workflow::sign_draft(session.home, draft, approvers.signers, output, *session.clock, *session.reporter);
  }
  session.answer(approve_json(report), approve_text(report));
}

void add_sign(CLI::App& bundle, Session& session) {
  auto* command = bundle.add_subcommand("sign", "Approve a draft with an approver's key; its head is enough");
  auto flags = std::make_shared<SignFlags>();
  command->add_option("BUNDLE", flags->bundle, "The draft, or its head")->required();
  add_signer_flags(*command, flags->signer, "The approver's private key, where it is not in the home");
  command->add_option("--root", flags->root, "The producer's root; else the pinned one, else this home's own")
      ->type_name("FILE");
  command->add_option("--fingerprint", flags->fingerprint, "Of the producer's root, from paper, where none is here")
      ->type_name("HEX");
  command->add_option("--against", flags->against, "Show first what changed since this one")->type_name("BUNDLE");
  command->add_option("--volumes", flags->folders, "Further folder with approvals; may be repeated")->type_name("DIR");
  command->add_flag("--yes", flags->yes, "Do not ask");
  command->add_flag("--detached", flags->detached, "Write this one approval into the file of -o, to be carried back");
  command->add_option("-o,--output", flags->output, "File of approvals, where the head is not to be changed")
      ->type_name("FILE");
  command->add_flag("--tbs", flags->tbs, "Sign nothing; write the very bytes that are to be signed to -o")
      ->group("Keys");
  command->add_option("--signature", flags->signature, "Add a raw signature that was made elsewhere over those bytes")
      ->type_name("FILE")
      ->group("Keys");
  command->add_option("--keyid", flags->keyid, "Whose it is, 8 digits or more; without it the keys are tried")
      ->type_name("ID")
      ->group("Keys");
  command->footer("Examples:\n"
                  "  airlock bundle sign site-a-7.airlock --key /media/mine/snapshot-2.pem\n"
                  "  airlock bundle sign site-a-7.head --root root.json --against site-a-6.head --key anna.pem \\\n"
                  "    --detached -o anna.approval\n"
                  "  airlock bundle sign site-a-7.head --tbs -o site-a-7.tbs\n\n"
                  "What is in it is shown first, computed from the bytes that are signed.");
  command->callback([&session, flags] { sign(session, *flags); });
}

struct SealFlags {
  std::string bundle, output;
  std::vector<std::string> approvals, folders;
  PassphraseFlags passphrase;
};

void add_seal(CLI::App& bundle, Session& session) {
  auto* command = bundle.add_subcommand("seal", "Close an approved bundle: the last signatures");
  auto flags = std::make_shared<SealFlags>();
  command->add_option("BUNDLE", flags->bundle, "The bundle, or its head")->required();
  command->add_option("APPROVAL", flags->approvals, "What approvers sent back: files of approvals, or signed heads");
  command->add_option("--volumes", flags->folders, "Further folder with volumes or approvals; may be repeated")
      ->type_name("DIR");
  command->add_option("-o,--output", flags->output, "File for approvals and seal, where the head is not to be changed")
      ->type_name("FILE");
  add_passphrase_flags(*command, flags->passphrase);
  command->footer("Examples:\n"
                  "  airlock bundle seal site-a-7.airlock\n"
                  "  airlock bundle seal site-a-7.airlock anna.approval bernd.approval");
  command->callback([&session, flags] {
    const workflow::SealOptions options{.bundle = flags->bundle,
                                        .approvals = {flags->approvals.begin(), flags->approvals.end()},
                                        .folders = {flags->folders.begin(), flags->folders.end()},
                                        .output = flags->output};
    std::unique_ptr<workflow::KeyRing> ring;
    const auto open_ring = [&]() -> const workflow::KeyRing& {
      ring = open_keys(session, flags->passphrase);
      return *ring;
    };
    const auto report = workflow::seal_bundle(session.home, options, open_ring, *session.clock, *session.reporter);
    session.answer(approve_json(report), approve_text(report));
  });
}

}  // namespace

void add_bundle_approve_commands(CLI::App& bundle, Session& session) {
  add_sign(bundle, session);
  add_seal(bundle, session);
}

}  // namespace airlock::cli
