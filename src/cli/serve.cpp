// `airlock serve`: the mirror in the foreground, until it is told to stop.
#include <ifaddrs.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "cli/listen_address.hpp"
#include "cli/server_access.hpp"
#include "cli/session.hpp"
#include "http/self_signed.hpp"
#include "mirror/mirror.hpp"
#include "store/catalog.hpp"
#include "workflow/generations.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::chrono::milliseconds k_look_for_signals{200};
constexpr std::chrono::seconds k_look_for_catalog{5};

struct ServeFlags {
  std::string listen, tls_cert, tls_key, tls_ca, base_url;
  bool self_signed = false, mirror_only = false;
};

std::atomic<bool> g_reload = false;

void handle_hangup(int) {
  g_reload = true;
}

// Addresses of this host, loopback left out.
std::vector<std::string> own_addresses() {
  std::vector<std::string> addresses;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) {
    return addresses;
  }
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
  for (const auto* each = list; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || (each->ifa_addr->sa_family != AF_INET && each->ifa_addr->sa_family != AF_INET6)) {
      continue;
    }
    std::array<char, NI_MAXHOST> text{};
    const auto size = each->ifa_addr->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    if (::getnameinfo(each->ifa_addr, static_cast<socklen_t>(size), text.data(), text.size(), nullptr, 0,
                      NI_NUMERICHOST) == 0) {
      const std::string address(text.data());
      // A zone ("%eth0") marks an address that only neighbours on that link can use.
      if (address != "127.0.0.1" && address != "::1" && address.find('%') == std::string::npos) {
        addresses.push_back(address);
      }
    }
  }
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  return addresses;
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "localhost";
}

// Every name by which clients may reach the server.
std::vector<std::string> names_for(const ListenAddress& address, const std::string& base_url) {
  std::vector<std::string> names;
  if (!base_url.empty()) {
    names.push_back(base::Url::parse(base_url).host());
  }
  if (address.is_any()) {
    names.push_back(host_name());
    const auto own = own_addresses();
    names.insert(names.end(), own.begin(), own.end());
  } else {
    names.push_back(address.host);
  }
  for (const auto* local : {"localhost", "127.0.0.1"}) {
    names.emplace_back(local);
  }
  std::vector<std::string> once;
  for (const auto& name : names) {
    if (std::find(once.begin(), once.end(), name) == once.end()) {
      once.push_back(name);
    }
  }
  return once;
}

std::string reach_text(const ListenAddress& address) {
  if (address.is_loopback()) {
    return "only this host can reach it; --listen 0.0.0.0:8480 opens it to the network";
  }
  if (address.is_any()) {
    const auto own = own_addresses();
    return fmt::format("every host that reaches one of: {}",
                       own.empty() ? "(no address is set up yet)" : base::join(own, ", "));
  }
  return fmt::format("every host that reaches {}", address.host);
}

http::ServerOptions server_options(const Session& session, const ServeFlags& flags, const ListenAddress& address) {
  http::ServerOptions server;
  server.address = address.host;
  server.port = address.port;
  server.base_url = session.config.or_flag("base_url", flags.base_url);
  if (!server.base_url.empty()) {
    const auto url = base::Url::parse(server.base_url);
    if (url.path() != "/" || !url.query().empty() || !url.user_info().empty() || url.scheme() == "file") {
      throw Error(ErrorCode::config,
                  fmt::format("'{}' is no address of a mirror", base::printable(server.base_url, 200)))
          .with_hint(
              "give scheme, host and port only, such as https://mirror.site.example: clients ask below its root");
    }
    server.base_url = fmt::format("{}://{}", url.scheme(), url.host_port());
  }
  server.tls_certificate = session.config.or_flag("tls_cert", flags.tls_cert);
  server.tls_key = session.config.or_flag("tls_key", flags.tls_key);
  server.max_connections = static_cast<int>(session.config.number("max_connections"));
  server.max_connections_per_address = static_cast<int>(session.config.number("max_connections_per_address"));
  return server;
}

control::ControlOptions control_options(const Session& session) {
  control::ControlOptions options;
  options.lease = std::chrono::seconds(std::clamp<std::uint64_t>(session.config.number("agent_lease"), 1, 3600));
  options.lease_grace = options.lease / 3;
  options.offer = std::min(options.offer, options.lease);
  options.default_timeout = std::chrono::seconds(session.config.number("deployment_timeout"));
  options.source_limit = session.config.number("source_limit");
  options.logs.bytes = session.config.number("deployment_log_limit");
  return options;
}

// How commands on this home reach the server without being told.
std::string local_url(const mirror::MirrorOptions& options, const ListenAddress& address, std::uint16_t port,
                      bool self_signed) {
  const bool tls = !options.server.tls_certificate.empty();
  if (tls && !self_signed && !options.server.base_url.empty()) {
    return options.server.base_url;  // the name that is in the certificate
  }
  return fmt::format("{}://{}", tls ? "https" : "http", address.reachable_as(port));
}

// What is known not to be in force keeps a server from starting; a state that cannot be read does not.
void finish_what_was_begun(Session& session) {
  bool behind = false;
  try {
    behind = workflow::catalog_is_behind(session.home);
  } catch (const std::exception& error) {
    session.reporter->warning(fmt::format("whether all that was blocked is in force is not known: {}", error.what()));
  }
  if (behind) {
    base::with_context([] { return "publishing what an earlier run blocked, revoked or brought"; },
                       [&session] { return workflow::finish_catalog(session.home, *session.reporter); });
  }
}

// A run that was killed while this serves may have blocked something, and not have published that.
class CatalogWatch {
 public:
  explicit CatalogWatch(Session& session) : m_session(session) {}

  void look() {
    if (std::chrono::steady_clock::now() < m_next) {
      return;
    }
    m_next = std::chrono::steady_clock::now() + k_look_for_catalog;
    try {
      if (workflow::catalog_is_behind(m_session.home)) {
        workflow::finish_catalog(m_session.home, *m_session.reporter);
      }
      m_said.clear();
    } catch (const std::exception& error) {  // whatever it is, what is served goes on being served
      if (std::exchange(m_said, error.what()) != error.what()) {
        m_session.reporter->warning(fmt::format("what was changed last is not in force yet: {}", error.what()));
      }
    }
  }

 private:
  Session& m_session;
  std::chrono::steady_clock::time_point m_next = std::chrono::steady_clock::now() + k_look_for_catalog;
  std::string m_said;
};

void wait_until_stopped(Session& session, mirror::Mirror& mirror) {
  CatalogWatch catalog(session);
  while (!base::interrupt_requested()) {
    std::this_thread::sleep_for(k_look_for_signals);
    catalog.look();
    if (!g_reload.exchange(false)) {
      continue;
    }
    try {
      mirror.reload_certificate();
      session.reporter->say("the certificate was read again");
    } catch (const Error& error) {
      session.reporter->warning(fmt::format("the certificate in use stays: {}", error.message()));
    }
  }
}

void serve(Session& session, const ServeFlags& flags) {
  const auto address = parse_listen_address(session.config.or_flag("listen", flags.listen));
  mirror::MirrorOptions options;
  options.home = session.home.root;
  options.server = server_options(session, flags, address);
  options.clock = session.clock.get();
  options.fetches.keep = std::chrono::seconds(session.config.number("record_fetches"));
  const bool has_pair = !options.server.tls_certificate.empty() || !options.server.tls_key.empty();
  std::string fingerprint;
  if (flags.self_signed) {
    if (!flags.tls_cert.empty() || !flags.tls_key.empty()) {
      throw Error(ErrorCode::usage, "--tls-self-signed makes the certificate that --tls-cert and --tls-key would name");
    }
    const auto files = http::ensure_self_signed(
        session.home.root / "tls", {.names = names_for(address, options.server.base_url), .now = session.clock->now()});
    options.server.tls_certificate = files.certificate;
    options.server.tls_key = files.key;
    options.ca_certificate = files.authority;
    fingerprint = files.fingerprint;
  } else if (has_pair && (options.server.tls_certificate.empty() || options.server.tls_key.empty())) {
    throw Error(ErrorCode::usage, "TLS needs both the certificate and its key")
        .with_hint("--tls-cert FILE --tls-key FILE, or --tls-self-signed");
  } else if (!flags.tls_ca.empty()) {
    if (!has_pair) {
      throw Error(ErrorCode::usage, "--tls-ca is the authority of the certificate that --tls-cert names");
    }
    options.ca_certificate = flags.tls_ca;
  }
  if (!flags.mirror_only) {
    options.control = control_options(session);
    protect_secrets();  // agents get them through this process
  }
  auto* reporter = session.reporter.get();
  options.access_log = [reporter](std::string_view line) { reporter->note(line); };
  options.error_log = [reporter](std::string_view line) { reporter->warning(line); };
  const bool tls = !options.server.tls_certificate.empty();
  const auto base_url = options.server.base_url;
  const auto authority = options.ca_certificate;

  finish_what_was_begun(session);
  mirror::Mirror mirror(options);
  struct sigaction action = {};
  action.sa_handler = handle_hangup;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGHUP, &action, nullptr);
  mirror.start();
  std::optional<ToldAddress> told;
  if (options.control) {
    told.emplace(session.home.root,
                 ServerAddress{local_url(options, address, mirror.port(), flags.self_signed), authority});
  }

  const auto url = base_url.empty()
                       ? fmt::format("{}://{}/", tls ? "https" : "http", address.reachable_as(mirror.port()))
                       : base_url + "/";
  const auto reach = reach_text(address);
  const auto catalog = store::current_catalog_number(session.home.root);
  std::string text = fmt::format("airlock serves {}\n  reach    {}\n", url, reach);
  text += catalog == 0 ? "  catalog  none: import a bundle, and it is served at once\n"
                       : fmt::format("  catalog  {}\n", catalog);
  if (!fingerprint.empty()) {
    text += fmt::format("  trust    {} (SHA-256 {})\n", authority.string(), base::group_digits(fingerprint));
  }
  text += fmt::format("  clients  {}setup/, or `airlock client show --url {}`\n", url, url);
  if (options.control) {
    text += fmt::format("  agents   `airlock pool create NAME` gives a token; users' token: {}\n",
                        control::admin_token_file(session.home.root).string());
  }
  if (!tls && !address.is_loopback()) {
    reporter->warning("without TLS anyone on the way can read and change what clients get; see --tls-self-signed");
  }
  session.answer({{"url", url},
                  {"address", address.host},
                  {"port", mirror.port()},
                  {"tls", tls},
                  {"ca", authority.string()},
                  {"ca_sha256", fingerprint},
                  {"reach", reach},
                  {"catalog", catalog}},
                 text);
  wait_until_stopped(session, mirror);
  reporter->say("stopping: requests under way are finished");
  told.reset();  // first: once the port is free, anybody may listen there
  mirror.stop();
}

}  // namespace

void add_serve_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("serve", "Serve what is active to unmodified clients, until stopped");
  auto flags = std::make_shared<ServeFlags>();
  command->add_option("--listen", flags->listen, "Address and port; port 0 takes any free one (127.0.0.1:8480)")
      ->type_name("ADDR:PORT");
  command->add_option("--tls-cert", flags->tls_cert, "Certificate chain, PEM; read again on SIGHUP")->type_name("FILE");
  command->add_option("--tls-key", flags->tls_key, "Its private key, PEM")->type_name("FILE");
  command->add_option("--tls-ca", flags->tls_ca, "What clients are told to trust, PEM; given out below /setup/")
      ->type_name("FILE");
  command->add_flag("--tls-self-signed", flags->self_signed,
                    "Make a certificate below the home, and an authority that clients can be told to trust");
  command->add_option("--base-url", flags->base_url, "How clients reach the server, where a request cannot tell")
      ->type_name("URL");
  command->add_flag("--mirror-only", flags->mirror_only,
                    "No pools, agents and deployments; a second server may run on one home this way");
  command->footer("Examples:\n  airlock serve\n  airlock serve --listen 0.0.0.0:8480 --tls-self-signed\n\n"
                  "SIGHUP reads the certificate again; SIGTERM and Ctrl-C finish what is under way. With -v each "
                  "request is shown.");
  command->callback([&session, flags] { serve(session, *flags); });
}

}  // namespace airlock::cli
