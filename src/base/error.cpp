#include "base/error.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace airlock::base {

namespace {

// In the order of the enumeration, so that a code is its own index.
const std::vector<ErrorCodeInfo>& table() {
  static const std::vector<ErrorCodeInfo> codes = {
      {ErrorCode::internal, "internal", 1,
       "airlock met a state that its own code rules out. Nothing that was begun was made visible; please "
       "report it "
       "with the whole message and the command that was run."},
      {ErrorCode::io, "io", 1,
       "The operating system could not read or write a file, directory or process that the message names. "
       "Check that "
       "it exists, its permissions and the state of the medium, then run the command again."},
      {ErrorCode::network, "network", 1,
       "A server could not be reached, or the connection broke and the retries did not help. Check the "
       "address, the "
       "proxy, name resolution and the firewall; finished work is kept, so run the same command again."},
      {ErrorCode::auth, "auth", 1,
       "A server refused the credentials, or wants some and none were given. Check the token or password for "
       "the host "
       "in the message and the rights that it carries."},
      {ErrorCode::upstream, "upstream", 1,
       "A server answered, but with an error of its own or with something that its protocol does not allow. "
       "Try later; "
       "if it stays, ask whoever runs that server."},
      {ErrorCode::not_found, "not-found", 1,
       "What the message names does not exist at the place where it was looked for. Check the spelling, the "
       "version and "
       "the place."},
      {ErrorCode::malformed, "malformed", 1,
       "A document, archive or answer does not follow its own format, so nothing in it was used. Get it "
       "again; if it is "
       "the same, the one who made it has to correct it."},
      {ErrorCode::limit, "limit", 1,
       "Something is larger, longer or deeper than airlock accepts, and was refused before it could exhaust "
       "memory or "
       "disk. If it is legitimate, raise the limit that the message names, or split the input."},
      {ErrorCode::unsupported, "unsupported", 1,
       "What was asked for is understood, but this version, build or ecosystem cannot do it. A newer airlock "
       "may; the "
       "message says what is missing."},
      {ErrorCode::scan_failed, "scan-failed", 1,
       "The site's scanner did not come to a verdict: it could not be started, ended with something other than 0 and "
       "1, "
       "or took too long. That never counts as clean. Mend the scanner (`scan` in policy.yaml) and run the same "
       "command "
       "again; what was scanned is not scanned again."},
      {ErrorCode::usage, "usage", 2,
       "The command line does not make sense: an unknown command or flag, a missing argument, or a value of "
       "the wrong "
       "form. `airlock COMMAND --help` shows what is expected."},
      {ErrorCode::config, "config", 2,
       "A setting in the configuration file or the environment is unknown or has a value that cannot be "
       "used. "
       "`airlock config show` prints each setting and where it came from."},
      {ErrorCode::manifest, "manifest", 2,
       "The manifest has a mistake at the line and column in the message. Correct it there and run the "
       "command again."},
      {ErrorCode::lock, "lock", 2,
       "The lock does not fit the manifest, or is damaged. Run `airlock bundle lock` again, and look at the "
       "difference "
       "before you accept it."},
      {ErrorCode::conflict, "conflict", 2,
       "Two things that were asked for exclude each other, or what is already there differs from what was to "
       "be "
       "written. The message names both; decide which one is right."},
      {ErrorCode::untrusted, "untrusted", 3,
       "The input is not signed by enough of the keys that this site accepts, or it would put other bytes in the place "
       "of what another channel brought under a fixed name; nothing in it was used. Do not work around it: ask "
       "security whether the keys changed, and compare them over a second channel, or which of two producers is "
       "right."},
      {ErrorCode::tampered, "tampered", 3,
       "Bytes differ from what was signed, or a bundle has a shape that airlock never writes. Keep the "
       "medium as it is, "
       "tell security, and have the bundle copied afresh from its producer."},
      {ErrorCode::equivocation, "equivocation", 3,
       "Two different contents were signed under one version of one name. An honest producer never does "
       "that: keep both "
       "and call security, because a signing key may be in foreign hands."},
      {ErrorCode::revoked, "revoked", 3,
       "The producer has withdrawn this key, bundle or artifact. Do not use it; ask the producer for the "
       "replacement."},
      {ErrorCode::foreign, "foreign", 3,
       "The input is properly signed, but for another channel, site or producer than the one it was given "
       "to. Check that "
       "the right medium was brought, and the policy for the channel."},
      {ErrorCode::policy, "policy", 3,
       "The input is genuine, but more or larger than this site's policy.yaml takes. Nothing was written. Ask the "
       "producer whether it is meant so; `airlock trust policy` shows every limit and where it stands."},
      {ErrorCode::scan_refused, "scan-refused", 3,
       "The site's scanner refused a file, so nothing of the bundle became visible. Tell security, with the digest and "
       "the report; `--withhold DIGEST --reason TEXT` takes the rest of an import without it."},
      {ErrorCode::volume_missing, "volume-missing", 4,
       "A volume of the bundle is absent or damaged. The message names it; copy that one volume again and "
       "run the same "
       "command, what is already done is kept."},
      {ErrorCode::truncated, "truncated", 4,
       "A file ends before it should, as after an unfinished copy or an early removal of the medium. Copy "
       "that file again "
       "and run the same command."},
      {ErrorCode::base_missing, "base-missing", 4,
       "This bundle is a delta, and the store lacks something that it builds on. Carry the list of what is "
       "missing back, "
       "or import the earlier bundle or a full one first."},
      {ErrorCode::approval_missing, "approval-missing", 4,
       "Fewer people have approved the bundle than the threshold asks for, or it was not sealed yet: let another "
       "approver run `airlock bundle sign`, then `airlock bundle seal`. Or the policy of this site asks for officers "
       "of its "
       "own: let another one run `airlock bundle approve`, then run the same command again."},
      {ErrorCode::no_space, "no-space", 4,
       "The target has not enough room, or a quota is used up. Free or add space and run the same command "
       "again; "
       "`airlock store sweep` also works on a full disk."},
      {ErrorCode::busy, "busy", 4,
       "Another airlock process holds the lock or the database that the message names. Wait until it has "
       "ended, then run "
       "the same command again."},
      {ErrorCode::rollback, "rollback", 5,
       "The input is older than what this site has already accepted. Bring the newer bundle; if going back "
       "is intended, "
       "the operator does so with `airlock store rollback`, not with an old medium. A bundle that is newer by its "
       "serial, and older by the version of its timestamp or snapshot, or far behind a serial that the producer never "
       "used: somebody else may have had a key. Ask the producer before anything else."},
      {ErrorCode::expired, "expired", 5,
       "The signatures are genuine, but their time is over. Ask the producer for a freshly signed bundle; "
       "what was "
       "imported earlier is still served."},
      {ErrorCode::clock, "clock", 5,
       "This machine's clock contradicts what it has seen before, or what was signed. Set the clock right; "
       "it is needed "
       "to judge whether signatures are current. Where it was once far ahead and is right now, an administrator runs "
       "`airlock trust reset-clock --reason TEXT`. Where it is right and a bundle says that it was made later, the "
       "clock "
       "of the builder was ahead: have the state made again."},
      {ErrorCode::interrupted, "interrupted", 130,
       "The command was stopped by a signal and ended in order. Run it again: finished work is kept."},
  };
  return codes;
}

}  // namespace

const ErrorCodeInfo& error_code_info(ErrorCode code) {
  return table().at(static_cast<std::size_t>(code));
}

std::optional<ErrorCodeInfo> find_error_code(std::string_view name) {
  const auto found = std::ranges::find(table(), name, &ErrorCodeInfo::name);
  if (found == table().end()) {
    return std::nullopt;
  }
  return *found;
}

const std::vector<ErrorCodeInfo>& all_error_codes() {
  return table();
}

std::string SourcePosition::to_string() const {
  std::string text = file;
  for (const int part : {line, column}) {
    if (part <= 0) {
      break;
    }
    if (!text.empty()) {
      text += ':';
    }
    text += std::to_string(part);
  }
  return text;
}

Error system_error(int errno_value, std::string message) {
  const bool full = errno_value == ENOSPC || errno_value == EDQUOT;
  message += ": ";
  message += std::system_category().message(errno_value);
  return Error(full ? ErrorCode::no_space : ErrorCode::io, std::move(message));
}

}  // namespace airlock::base
