// http and https URLs, file names in them, and how to print one without its secrets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace airlock::base {

class Url {
 public:
  Url() = default;
  // Absolute http, https or file URL; throws malformed. Control characters, spaces and backslashes are refused.
  static Url parse(std::string_view text);
  // This URL as base of `reference` (RFC 3986, section 5); the result is checked like parse.
  Url resolve(std::string_view reference) const;

  const std::string& scheme() const { return m_scheme; }  // lower case
  const std::string& host() const { return m_host; }      // lower case, IPv6 without brackets
  std::uint16_t port() const;                             // the scheme's own where none is given
  bool has_port() const { return m_port != 0; }
  const std::string& path() const { return m_path; }            // still percent-encoded, begins with "/"
  const std::string& query() const { return m_query; }          // without "?"
  const std::string& user_info() const { return m_user_info; }  // "user:password", percent-encoded; may be empty

  std::string host_port() const;  // "host" or "host:port", the port only where it is not the scheme's own
  std::string origin() const;     // "https://host:port"; what credentials and connections belong to
  std::string to_string() const;  // everything but user info, which must not travel
  std::string redacted() const;   // for messages: no user info, query values replaced by "…"
  std::string file_name() const;  // decoded last segment; may be empty

  bool operator==(const Url&) const = default;

 private:
  std::string m_scheme, m_host, m_path, m_query, m_user_info;
  std::uint16_t m_port = 0;
};

// Everything outside RFC 3986 unreserved (and `keep`) becomes %XX, upper case.
std::string percent_encode(std::string_view text, std::string_view keep = "");
// Throws malformed on a bad escape or a NUL.
std::string percent_decode(std::string_view text);

}  // namespace airlock::base
