#include "base/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::base {

namespace {

bool is_hex(char c) {
  return is_hex_digit(c) || (c >= 'A' && c <= 'F');
}
// RFC 3986, section 2.3
bool is_unreserved(char c) {
  return is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

// What a message may show of a URL that could not be parsed: it may hold a password.
std::string without_user_info(std::string_view text) {
  const auto authority = text.find("//");
  const auto start = authority == std::string_view::npos ? 0 : authority + 2;
  const auto end = std::min(text.find_first_of("/?#", start), text.size());
  // A password with a slash in it looks like a port and a path; then whatever precedes the last '@' is
  // suspect.
  const bool suspect = text.substr(start, end - start).find(':') != std::string_view::npos;
  const auto at = suspect ? text.rfind('@') : text.substr(0, end).rfind('@');
  std::string shown(text);
  if (at != std::string_view::npos && at >= start) {
    shown = std::string(text.substr(0, start)) + "…" + std::string(text.substr(at));
  }
  return shown.substr(0, shown.find('?'));
}

Error bad_url(std::string_view text, std::string_view reason) {
  return Error(ErrorCode::malformed, fmt::format("'{}' is not a URL: {}", printable(without_user_info(text)), reason));
}

// RFC 3986, section 3, appendix B: the parts of a reference; nullopt where a part is absent.
struct Parts {
  std::optional<std::string_view> scheme;
  std::optional<std::string_view> authority;
  std::string_view path;
  std::optional<std::string_view> query;
};

Parts split_reference(std::string_view text) {
  Parts parts;
  text = text.substr(0, text.find('#'));
  if (const auto question = text.find('?'); question != std::string_view::npos) {
    parts.query = text.substr(question + 1);
    text = text.substr(0, question);
  }
  const auto colon = text.find(':');
  if (colon != std::string_view::npos && colon > 0 && is_letter(text.front()) && colon < text.find('/') &&
      std::ranges::all_of(text.substr(0, colon),
                          [](char c) { return is_alphanumeric(c) || c == '+' || c == '-' || c == '.'; })) {
    parts.scheme = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  if (text.starts_with("//")) {
    text.remove_prefix(2);
    const auto end = std::min(text.find('/'), text.size());
    parts.authority = text.substr(0, end);
    text.remove_prefix(end);
  }
  parts.path = text;
  return parts;
}

// RFC 3986, section 5.2.4
std::string remove_dot_segments(std::string_view path) {
  std::vector<std::string_view> kept;
  bool folder = false;  // the result ends with a slash
  std::string_view rest = path;
  while (rest.starts_with('/')) {
    rest.remove_prefix(1);
    const auto segment = rest.substr(0, rest.find('/'));
    rest.remove_prefix(segment.size());
    folder = segment == "." || segment == "..";
    if (segment == ".." && !kept.empty()) {
      kept.pop_back();
    } else if (!folder) {
      kept.push_back(segment);
    }
  }
  std::string result;
  for (const auto segment : kept) {
    result += '/';
    result += segment;
  }
  return folder || result.empty() ? result + '/' : result;
}

std::uint16_t default_port(std::string_view scheme) {
  return scheme == "https" ? 443 : scheme == "http" ? 80 : 0;
}

bool is_ipv6(std::string_view text) {
  // The resolver decides in the end; this keeps out what could confuse a reader of the URL.
  return text.size() >= 2 && text.size() <= 45 && std::ranges::count(text, ':') >= 2 &&
         std::ranges::all_of(text, [](char c) { return is_hex(c) || c == ':' || c == '.'; });
}

bool is_host_name(std::string_view text) {
  return text.size() <= 253 && text.find("..") == std::string_view::npos &&
         std::ranges::all_of(text, [](char c) { return is_unreserved(c) && c != '~'; });
}

void check_characters(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7F || c == '\\') {
      throw bad_url(text, "it has a space, a control character or a backslash");
    }
  }
}

void check_escapes(std::string_view whole, std::string_view part) {
  for (std::size_t i = part.find('%'); i != std::string_view::npos; i = part.find('%', i + 1)) {
    if (i + 2 >= part.size() || !is_hex(part[i + 1]) || !is_hex(part[i + 2])) {
      throw bad_url(whole, "a '%' is not followed by two hexadecimal digits");
    }
  }
}

std::uint16_t parse_port(std::string_view whole, std::string_view text) {
  unsigned int port = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (status != std::errc() || end != text.data() + text.size() || port == 0 || port > 65535) {
    throw bad_url(whole, "its port is not a number from 1 to 65535");
  }
  return static_cast<std::uint16_t>(port);
}

}  // namespace

Url Url::parse(std::string_view text) {
  check_characters(text);
  const Parts parts = split_reference(text);
  Url url;
  url.m_scheme = to_lower(parts.scheme.value_or(""));
  const bool file = url.m_scheme == "file";
  if (!file && url.m_scheme != "http" && url.m_scheme != "https") {
    throw bad_url(text, "it must begin with https://, http:// or file://");
  }
  if (!parts.authority) {
    throw bad_url(text, "'//' is missing after the scheme");
  }
  std::string_view authority = *parts.authority;
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    url.m_user_info = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    check_escapes(text, url.m_user_info);
  }
  const bool literal = authority.starts_with('[');
  const auto host_end = literal ? authority.find(']') : authority.find(':');
  std::string_view host = authority.substr(0, host_end);
  std::string_view port = authority.substr(std::min(host_end, authority.size()));
  if (literal) {
    if (host_end == std::string_view::npos || !is_ipv6(host.substr(1))) {
      throw bad_url(text, "its IPv6 address is not well formed");
    }
    host.remove_prefix(1);
    port.remove_prefix(1);
  } else if (!is_host_name(host)) {
    throw bad_url(text, "its host name has characters that no host name has");
  }
  url.m_host = to_lower(host);
  if (!port.empty() && !port.starts_with(':')) {
    throw bad_url(text, "something stands between the host and the port");
  }
  // "host:" is "host" (RFC 3986, section 6.2.3).
  if (port.size() > 1) {
    url.m_port = parse_port(text, port.substr(1));
  }
  const bool stray = !url.m_user_info.empty() || url.has_port() || (!url.m_host.empty() && url.m_host != "localhost");
  if (file && stray) {
    throw bad_url(text, "a file URL names no other host");
  }
  if (!file && url.m_host.empty()) {
    throw bad_url(text, "the host is missing");
  }
  url.m_path = parts.path.empty() ? "/" : std::string(parts.path);
  url.m_query = parts.query.value_or("");
  check_escapes(text, url.m_path);
  return url;
}

Url Url::resolve(std::string_view reference) const {
  check_characters(reference);
  // RFC 3986, section 5.2.2
  const Parts parts = split_reference(reference);
  if (parts.scheme || parts.authority) {
    Url other = parts.scheme ? parse(reference) : parse(m_scheme + ":" + std::string(reference));
    other.m_path = remove_dot_segments(other.m_path);
    return other;
  }
  Url url = *this;
  if (parts.path.empty()) {
    url.m_query = parts.query ? std::string(*parts.query) : m_query;
    return url;
  }
  const std::string folder = m_path.substr(0, m_path.rfind('/') + 1);
  url.m_path =
      remove_dot_segments(parts.path.starts_with('/') ? std::string(parts.path) : folder + std::string(parts.path));
  url.m_query = parts.query.value_or("");
  check_escapes(reference, url.m_path);
  return url;
}

std::uint16_t Url::port() const {
  return m_port != 0 ? m_port : default_port(m_scheme);
}

std::string Url::host_port() const {
  const std::string host = m_host.find(':') != std::string::npos ? "[" + m_host + "]" : m_host;
  return m_port != 0 && m_port != default_port(m_scheme) ? host + ":" + std::to_string(m_port) : host;
}

std::string Url::origin() const {
  const std::string host = m_host.find(':') != std::string::npos ? "[" + m_host + "]" : m_host;
  return port() == 0 ? m_scheme + "://" + host : fmt::format("{}://{}:{}", m_scheme, host, port());
}

std::string Url::to_string() const {
  std::string text = m_scheme + "://" + host_port() + m_path;
  if (!m_query.empty()) {
    text += '?';
    text += m_query;
  }
  return text;
}

std::string Url::redacted() const {
  std::string text = m_scheme + "://" + host_port() + m_path;
  char before = '?';
  for (const auto& pair : m_query.empty() ? std::vector<std::string>() : split(m_query, '&')) {
    text += before;
    // A member without a value may itself be the secret, as some signed links have it.
    const auto equals = pair.find('=');
    text += equals == std::string::npos ? "…" : pair.substr(0, equals) + "=…";
    before = '&';
  }
  return printable(text, 2000);
}

std::string Url::file_name() const {
  return percent_decode(m_path.substr(m_path.rfind('/') + 1));
}

std::string percent_encode(std::string_view text, std::string_view keep) {
  std::string result;
  for (const char c : text) {
    if (is_unreserved(c) || keep.find(c) != std::string_view::npos) {
      result += c;
    } else {
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

std::string percent_decode(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    const auto byte = from_hex(text.substr(i + 1, 2));
    if (!byte || byte->size() != 1 || byte->front() == '\0') {
      throw Error(ErrorCode::malformed, "'" + printable(text, 200) + "' has a bad percent escape");
    }
    result += *byte;
    i += 2;
  }
  if (result.find('\0') != std::string::npos) {
    throw Error(ErrorCode::malformed, "'" + printable(text, 200) + "' has a NUL");
  }
  return result;
}

}  // namespace airlock::base
