// What every command is given, and the two ways in which it answers: text for a person, one JSON object for a script.
#pragma once

#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/reporter.hpp"
#include "base/secret.hpp"
#include "cli/config.hpp"
#include "workflow/home.hpp"
#include "workflow/remark.hpp"

namespace CLI {
class App;
}

namespace airlock::cli {

struct Session {
  workflow::Home home;  // set before a command runs
  Config config;        // airlock.yaml and the environment; set before a command runs
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool color = false;     // on stderr
  bool terminal = false;  // stdin and stderr are a terminal: questions may be asked
  std::unique_ptr<base::Reporter> reporter;
  std::unique_ptr<base::Clock> clock;
  std::optional<base::Time> built;  // of this program: what is older is no time for `clock`
  // What a command had done when it failed: stands beside the error, and before it on stdout.
  struct Done {
    base::Json json = base::Json::object();
    std::string text;
  } done;
  int exit_code = 0;  // of a command that did its work and found something (findings, stale, …)
  bool answered = false;
  bool lines =
      false;  // with --json: an object a line, as often as there is something to tell; an error is the last one
  std::FILE* out = stdout;  // borrowed; results only
  std::FILE* err = stderr;  // borrowed; everything else

  // Ends a command: `json` gets "format": 1 added and is printed with --json, else `text` to stdout.
  void answer(base::Json answer_json, const std::string& text);
  // Whether to ask somebody before something is signed: not in a script, which has decided. A person who would not see
  // the question, because stderr goes to a file or a pager, is refused (usage): reading is not agreeing.
  bool asks_before_signing() const;
  // Asks on the terminal; throws usage, naming the flag to give instead, where there is none.
  std::string ask(std::string_view question, std::string_view flag_instead);
  base::Secret ask_secret(std::string_view question, std::string_view flag_instead);
};

// Where a passphrase comes from, the same on each command that opens keys.
struct PassphraseFlags {
  std::string file;     // --passphrase-file
  int descriptor = -1;  // --passphrase-fd
  // File, descriptor, systemd credential "airlock-passphrase", or the terminal; nullopt when `encrypted` is false.
  // From here on the process leaves no core dump and cannot be traced (protect_secrets).
  std::optional<base::Secret> read(Session& session, bool encrypted) const;
};
void add_passphrase_flags(CLI::App& command, PassphraseFlags& flags);
// --since: a day ("2026-07-01") or a moment; nullopt for "". Throws usage.
std::optional<base::Time> parse_since(const std::string& text);
// Why, and under which ticket: the same on each command that changes a home.
struct RemarkFlags {
  std::string reason, ticket;
  workflow::Remark remark() const { return {reason, ticket}; }
};
void add_remark_flags(CLI::App& command, RemarkFlags& flags);
// What a command that signs writes to stderr, line by line, to the person who runs this one.
std::function<void(std::string_view)> show_on(Session& session);
// RLIMIT_CORE = 0 and PR_SET_DUMPABLE = 0: before a private key or a password is in memory.
void protect_secrets();

// Each of these adds its commands below `app`; a command's callback does the work through `session`. Every command
// has a one-line description and, as footer, at least one example.
void add_init_command(CLI::App& app, Session& session);
void add_keys_commands(CLI::App& app, Session& session);
void add_bundle_make_commands(CLI::App& bundle, Session& session);     // lock, create, compare
void add_bundle_approve_commands(CLI::App& bundle, Session& session);  // sign, seal
void add_bundle_ship_commands(CLI::App& bundle, Session& session);     // ship
void add_bundle_revoke_command(CLI::App& bundle, Session& session);
void add_bundle_site_approve_command(CLI::App& bundle, Session& session);
void add_bundle_look_commands(CLI::App& bundle, Session& session);  // inspect, diff, extract, explain
void add_bundle_take_commands(CLI::App& app, CLI::App& bundle,
                              Session& session);  // verify, import, and their short forms
void add_trust_commands(CLI::App& app, Session& session);
void add_store_commands(CLI::App& app, Session& session);   // store …, status, audit, wants
void add_backup_commands(CLI::App& app, Session& session);  // backup, restore
void add_block_commands(CLI::App& app, Session& session);   // block, unblock
void add_push_command(CLI::App& app, Session& session);
void add_serve_command(CLI::App& app, Session& session);
void add_pool_commands(CLI::App& app, Session& session);
void add_deploy_commands(CLI::App& app, Session& session);
void add_client_commands(CLI::App& app, Session& session);
void add_tls_command(CLI::App& app, Session& session);
void add_agent_commands(CLI::App& app, Session& session);
void add_reference_commands(CLI::App& app, Session& session);  // explain CODE, ecosystem list, version, config show

}  // namespace airlock::cli
