// How commands reach a server's API: which server, with which token, and what an answer means to the command.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/json.hpp"
#include "base/secret.hpp"
#include "base/url.hpp"
#include "http/client.hpp"

namespace CLI {
class App;
}

namespace airlock::cli {

struct Session;

// Where the server of a home can be reached from the same host.
struct ServerAddress {
  std::string url;
  std::filesystem::path ca;  // empty where the system's authorities do
};

// What `serve` says of itself in HOME/control/server.json, as long as this lives. Ends before the server's lock does.
class ToldAddress {
 public:
  ToldAddress(const std::filesystem::path& home, const ServerAddress& address);
  ToldAddress(const ToldAddress&) = delete;
  ToldAddress& operator=(const ToldAddress&) = delete;
  ~ToldAddress();

 private:
  std::filesystem::path m_file;
};

inline constexpr std::string_view k_server_answer = "the server's answer";  // in messages
// A member of what a server answered; throws malformed where it is not there.
const base::Json& answered(const base::Json& object, std::string_view key);
bool json_flag(const base::Json& object, const char* key);  // false where it is not there, or no flag

struct ServerFlags {
  std::string url, token_file, ca, organization = "default";
};
void add_server_flags(CLI::App& command, ServerFlags& flags);

// The API of one server. Each call throws auth, not_found, usage (what the server says is wrong with the request),
// conflict, limit or upstream, with the server's own words.
class ServerAccess {
 public:
  // --url, else the setting server_url, else the server that runs on this home. The token that a server left in the
  // home goes to that server only, and only while it runs: nothing is tried again with it. Throws config, not_found.
  ServerAccess(const Session& session, const ServerFlags& flags);

  base::Json get(const std::string& path);
  std::optional<base::Json> find(const std::string& path);  // nullopt: 404
  base::Json send(const std::string& method, const std::string& path, const std::optional<base::Json>& body);
  bool exists(const std::string& path);  // by HEAD
  // The first bytes of an open file, to a path that is the digest of them: it is tried again like a question.
  void upload(const std::string& path, int file, std::uint64_t length);
  const base::Url& url() const { return m_url; }

 private:
  http::Request request(const std::string& method, const std::string& path) const;  // throws not_found
  http::Response checked(const http::Request& request);

  base::Url m_url;
  base::Secret m_token;
  std::optional<std::filesystem::path> m_home;  // whose server left the token; none: it came from a file
  std::unique_ptr<http::Client> m_client;
};

std::string path_part(std::string_view text);  // percent-encoded

}  // namespace airlock::cli
