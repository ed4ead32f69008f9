// `airlock tls`: a certificate for a mirror whose site has no authority of its own.
#include <chrono>
#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/session.hpp"
#include "http/self_signed.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;

constexpr int k_default_days = 800;
constexpr int k_most_days = 825;  // clients refuse more

struct TlsFlags {
  std::vector<std::string> names;
  std::string output;
  int days = k_default_days;
};

void make(Session& session, const TlsFlags& flags) {
  if (flags.days < 1 || flags.days > k_most_days) {
    throw Error(ErrorCode::usage, fmt::format("a certificate is for 1 to {} days: clients refuse more", k_most_days));
  }
  const std::filesystem::path folder =
      flags.output.empty() ? session.home.root / "tls" / "site" : std::filesystem::absolute(flags.output);
  const base::Time now = session.clock->now();
  const auto files =
      http::write_self_signed(folder, {.names = flags.names, .now = now, .lifetime = std::chrono::days(flags.days)});
  const std::string expires = base::to_rfc3339(now + std::chrono::days(flags.days));
  const std::string name = flags.names.front().find(':') == std::string::npos
                               ? flags.names.front()
                               : fmt::format("[{}]", flags.names.front());
  session.answer(
      {{"certificate", files.certificate.string()},
       {"key", files.key.string()},
       {"ca", files.authority.string()},
       {"ca_sha256", files.fingerprint},
       {"names", flags.names},
       {"expires", expires}},
      fmt::format("certificate  {}\nkey          {}  (not encrypted; readable by its owner only)\n"
                  "authority    {}\n             SHA-256 {}\nfor          {}, until {}\n\n"
                  "serve with it:   airlock serve --listen 0.0.0.0:8480 --tls-cert {} --tls-key {} --tls-ca {}\n"
                  "clients trust it: copy {} to /usr/local/share/ca-certificates/airlock.crt and run "
                  "update-ca-certificates,\n"
                  "                 or airlock client write --url https://{}:8480 --ca {}\n",
                  files.certificate.string(), files.key.string(), files.authority.string(),
                  base::group_digits(files.fingerprint), base::join(flags.names, ", "), expires,
                  files.certificate.string(), files.key.string(), files.authority.string(), files.authority.string(),
                  name, files.authority.string()));
}

}  // namespace

void add_tls_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("tls", "Make an authority and a certificate for the mirror, once");
  auto flags = std::make_shared<TlsFlags>();
  command->add_option("NAME", flags->names, "Host names and addresses by which clients reach the mirror")->required();
  command->add_option("-o,--output", flags->output, "Folder for cert.pem, key.pem and ca.pem (tls/site/ in the home)")
      ->type_name("DIR");
  command->add_option("--days", flags->days, fmt::format("How long it is valid ({})", k_default_days))->type_name("N");
  command->footer("Example:\n  airlock tls mirror.site.example 10.0.0.5 -o /etc/airlock/tls\n\n"
                  "The authority signs this one certificate; its key is not kept. Files that are there stay, and the "
                  "command fails.");
  command->callback([&session, flags] { make(session, *flags); });
}

}  // namespace airlock::cli
