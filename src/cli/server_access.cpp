#include "cli/server_access.hpp"

#include <chrono>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "base/lock_holder.hpp"
#include "base/text.hpp"
#include "cli/listen_address.hpp"
#include "cli/session.hpp"
#include "control/control_plane.hpp"

namespace airlock::cli {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_small_server_file = 16 * 1024;  // bytes
constexpr std::size_t k_largest_answer = 64 * 1024 * 1024;

constexpr std::chrono::seconds k_server_starts{5};
constexpr std::chrono::milliseconds k_look_for_address{50};

std::optional<ServerAddress> told_address(const std::filesystem::path& home) {
  const auto text = base::read_file_if_exists(control::server_address_file(home), k_small_server_file);
  if (!text) {
    return std::nullopt;
  }
  const auto json = base::parse_json(*text, "server.json");
  return ServerAddress{base::string_member(json, "url", "server.json"), base::string_member(json, "ca", "server.json")};
}

// Of the server that runs on this home: where one that was killed did, anybody may listen now.
std::optional<ServerAddress> local_server(const std::filesystem::path& home) {
  const auto deadline = std::chrono::steady_clock::now() + k_server_starts;
  while (base::is_locked(control::server_lock_file(home))) {
    if (auto address = told_address(home)) {
      return address;
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      break;
    }
    base::throw_if_interrupted();
    std::this_thread::sleep_for(k_look_for_address);
  }
  return std::nullopt;
}

Error no_server(const std::filesystem::path& home) {
  return Error(ErrorCode::not_found, fmt::format("no server runs on the home {}", home.string()))
      .with_hint("start it with `airlock serve`, or name one with --url URL --token-file FILE");
}

// Its lock is held until its last request has ended; its address goes before anybody else may listen there.
void require_running(const std::filesystem::path& home, const base::Url& url) {
  if (!base::is_locked(control::server_lock_file(home))) {
    throw no_server(home);
  }
  const auto told = told_address(home);
  if (!told || base::Url::parse(told->url).origin() != url.origin()) {
    throw Error(ErrorCode::not_found,
                fmt::format("the server on the home {} is not at {} any more", home.string(), url.origin()))
        .with_hint("it is ending, or another one begins: run the same command again");
  }
}

base::Secret read_token(const std::filesystem::path& file) {
  protect_secrets();
  std::string text = base::read_file(file, k_small_server_file);
  base::Secret token{std::string(base::trim(text))};
  text.assign(text.size(), '\0');
  if (token.empty() || token.reveal().find_first_of(" \t\r\n") != std::string::npos) {
    throw Error(ErrorCode::config, fmt::format("{} does not hold one token", file.string()));
  }
  return token;
}

// The server's words, where it gave any.
std::string reason_of(const http::Response& response) {
  try {
    const auto json = base::parse_json(response.body, "an answer");
    return base::printable(base::string_member(json, "message", "an answer"), 1000);
  } catch (const Error&) {
    return fmt::format("it answered {} {}", response.status, http::status_text(response.status));
  }
}

[[noreturn]] void throw_refusal(const http::Response& response, const base::Url& url) {
  const std::string reason = reason_of(response);
  switch (response.status) {
  case 401:
  case 403:
    throw Error(ErrorCode::auth, fmt::format("the server at {} refuses the token: {}", url.origin(), reason))
        .with_hint("--token-file FILE names another; on the server's own host it is read from its home");
  case 404:
    throw Error(ErrorCode::not_found, reason);
  case 400:
    throw Error(ErrorCode::usage, reason);
  case 409:
    throw Error(ErrorCode::conflict, reason);
  case 413:
    throw Error(ErrorCode::limit, fmt::format("the server at {} takes no body of this size: {}", url.origin(), reason));
  default:
    throw Error(ErrorCode::upstream, fmt::format("the server at {}: {}", url.origin(), reason));
  }
}

}  // namespace

ToldAddress::ToldAddress(const std::filesystem::path& home, const ServerAddress& address)
    : m_file(control::server_address_file(home)) {
  const base::Json json = {{"url", address.url}, {"ca", address.ca.string()}};
  base::write_file_atomic(m_file, json.dump(2) + "\n", 0600);
}

ToldAddress::~ToldAddress() {
  std::error_code ignored;
  std::filesystem::remove(m_file, ignored);
}

void add_server_flags(CLI::App& command, ServerFlags& flags) {
  const std::string group = "Server";
  command.add_option("--url", flags.url, "The server; else the one that runs on this home")
      ->type_name("URL")
      ->group(group);
  command.add_option("--token-file", flags.token_file, "User's token; else the one that the server left in this home")
      ->type_name("FILE")
      ->group(group);
  command.add_option("--ca", flags.ca, "Authority of the server's certificate, PEM")->type_name("FILE")->group(group);
  command.add_option("--org", flags.organization, "Organization")
      ->type_name("NAME")
      ->group(group)
      ->capture_default_str();
}

ServerAccess::ServerAccess(const Session& session, const ServerFlags& flags) {
  std::string url = session.config.or_flag("server_url", flags.url);
  std::string ca = session.config.or_flag("server_ca", flags.ca);
  const std::string token_file = session.config.or_flag("token_file", flags.token_file);
  // It may be about to start and is waited for, where something is wanted of it.
  const bool wanted = url.empty() || token_file.empty() || (ca.empty() && base::Url::parse(url).scheme() == "https");
  const auto local = wanted ? local_server(session.home.root) : std::nullopt;
  if (url.empty()) {
    if (!local) {
      throw no_server(session.home.root);
    }
    url = local->url;
  }
  while (url.ends_with('/')) {
    url.pop_back();
  }
  m_url = base::Url::parse(url);
  const bool is_local = local && base::Url::parse(local->url).origin() == m_url.origin();
  if (ca.empty() && is_local) {
    ca = local->ca.string();
  }
  if (!token_file.empty()) {
    m_token = read_token(token_file);
  } else if (is_local) {
    m_home = session.home.root;
    m_token = read_token(control::admin_token_file(*m_home));
  } else {
    throw Error(ErrorCode::config, fmt::format("there is no token for {}", m_url.origin()))
        .with_hint("--token-file FILE; `airlock deploy token create NAME` on the server's host makes one. The token in "
                   "a home goes only to the server that runs on it");
  }
  http::ClientOptions options;
  options.ca_file = ca;
  // Each question with a home's token is asked once: by the next try another program may listen there.
  options.retries = m_home ? 0 : 2;
  if (m_url.host() == "localhost" || m_url.host() == "127.0.0.1" || m_url.host() == "::1") {
    options.hosts[m_url.host_port()].proxy = "direct";
    options.hosts[m_url.host()].proxy = "direct";
  }
  m_client = std::make_unique<http::Client>(std::move(options));
}

http::Request ServerAccess::request(const std::string& method, const std::string& path) const {
  http::Request request;
  if (m_home) {
    // A command that goes on asking, such as `deploy logs -f`, may outlive the server.
    require_running(*m_home, m_url);
    request.headers.set("Connection", "close");  // where a kept one breaks off, libcurl asks again by itself
  }
  request.method = method;
  request.url = base::Url::parse(m_url.to_string() +
                                 (m_url.path() == "/" && m_url.to_string().ends_with('/') ? path.substr(1) : path));
  request.authorization = base::Secret("token " + m_token.reveal());
  request.redirects = http::Redirects::refuse;
  request.body_limit = k_largest_answer;
  request.retry = method == "GET" || method == "HEAD";
  return request;
}

http::Response ServerAccess::checked(const http::Request& request) {
  const http::Response response = m_client->send(request);
  if (response.status < 200 || response.status > 299) {
    throw_refusal(response, m_url);
  }
  return response;
}

base::Json ServerAccess::get(const std::string& path) {
  return base::parse_json(checked(request("GET", path)).body, k_server_answer);
}

std::optional<base::Json> ServerAccess::find(const std::string& path) {
  const http::Response response = m_client->send(request("GET", path));
  if (response.status == 404) {
    return std::nullopt;
  }
  if (response.status != 200) {
    throw_refusal(response, m_url);
  }
  return base::parse_json(response.body, k_server_answer);
}

base::Json ServerAccess::send(const std::string& method, const std::string& path,
                              const std::optional<base::Json>& body) {
  http::Request sent = request(method, path);
  if (body) {
    sent.body = body->dump();
    sent.headers.set("Content-Type", "application/json");
  }
  const http::Response response = checked(sent);
  return response.body.empty() ? base::Json::object() : base::parse_json(response.body, k_server_answer);
}

bool ServerAccess::exists(const std::string& path) {
  const http::Response response = m_client->send(request("HEAD", path));
  if (response.status != 200 && response.status != 404) {
    throw_refusal(response, m_url);
  }
  return response.status == 200;
}

void ServerAccess::upload(const std::string& path, int file, std::uint64_t length) {
  const base::FileSource start(file, 0, length, "the packed folder");
  base::FileSource source = start;
  http::Request sent = request("PUT", path);
  sent.retry = true;  // its path is the digest of what is sent
  sent.rewind_body = [&] { source = start; };
  sent.headers.set("Content-Type", "application/gzip");
  sent.body_source = &source;
  sent.body_length = length;
  checked(sent);
}

const base::Json& answered(const base::Json& object, std::string_view key) {
  return base::member(object, key, k_server_answer);
}

bool json_flag(const base::Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

std::string path_part(std::string_view text) {
  return base::percent_encode(text);
}

}  // namespace airlock::cli
