#include "http/server_check.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.hpp"

namespace airlock::http {

namespace {

// LOCK and UNLOCK are what OpenTofu sends to an HTTP state backend.
constexpr std::array<std::string_view, 9> k_methods{"GET",    "HEAD",    "POST", "PUT",   "PATCH",
                                                    "DELETE", "OPTIONS", "LOCK", "UNLOCK"};
constexpr std::size_t k_longest_host = 255 + 6;      // bytes: a DNS name, ":" and a port
constexpr std::size_t k_longest_length_digits = 18;  // Content-Length; an exbibyte is out of reach
constexpr std::size_t k_most_segments = 256;
constexpr std::size_t k_most_parameters = 256;

HeadVerdict refuse(int status, std::string_view reason) {
  HeadVerdict verdict;
  verdict.refusal = status;
  verdict.reason = reason;
  return verdict;
}

bool is_origin_form(std::string_view target) {
  return target.starts_with('/') &&
         std::ranges::all_of(target, [](char c) { return c > ' ' && c < '\x7f' && c != '#'; });
}

// The comma-separated members of all fields of that name, lower case.
std::vector<std::string> list_members(const Headers& headers, std::string_view name) {
  std::vector<std::string> members;
  for (const std::string& field : headers.all(name)) {
    for (const std::string& member : base::split(field, ',')) {
      if (const auto trimmed = base::trim(member); !trimmed.empty()) {
        members.push_back(base::to_lower(trimmed));
      }
    }
  }
  return members;
}

bool wants_keep_alive(const RequestHead& head) {
  const auto options = list_members(head.headers, "Connection");
  const auto has = [&](std::string_view option) { return std::ranges::find(options, option) != options.end(); };
  return !has("close") && (head.version >= 11 || has("keep-alive"));
}

// Reads the body's framing into `verdict`; a refusal otherwise.
HeadVerdict check_framing(const RequestHead& head, HeadVerdict verdict) {
  const auto encodings = head.headers.all("Transfer-Encoding");
  const auto lengths = head.headers.all("Content-Length");
  if (!encodings.empty()) {
    if (head.version < 11) {
      return refuse(400, "Transfer-Encoding in HTTP/1.0");
    }
    if (!lengths.empty()) {
      return refuse(400, "Transfer-Encoding beside Content-Length");
    }
    if (encodings.size() != 1 || base::to_lower(encodings.front()) != "chunked") {
      return refuse(501, "a Transfer-Encoding other than chunked");
    }
    verdict.framing = Framing::chunked;
    return verdict;
  }
  if (lengths.empty()) {
    return verdict;
  }
  const std::string& length = lengths.front();
  if (lengths.size() != 1 || length.empty() || !std::ranges::all_of(length, base::is_digit)) {
    return refuse(400, "Content-Length is not one plain number");
  }
  if (length.size() > k_longest_length_digits) {
    return refuse(413, "Content-Length is too large");
  }
  std::from_chars(length.data(), length.data() + length.size(), verdict.content_length);
  verdict.framing = verdict.content_length == 0 ? Framing::none : Framing::counted;
  return verdict;
}

int hex_value(char c) {
  if (base::is_digit(c)) {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum class Plus { literal, space };

std::optional<std::string> decode(std::string_view text, Plus plus) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus == Plus::space) {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else {
      if (i + 2 >= text.size() || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0) {
        return std::nullopt;
      }
      decoded += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    }
  }
  return decoded;
}

// A decoded segment; one that holds "/" is judged part by part, as a handler may join it to a path.
bool is_safe_segment(std::string_view segment) {
  const bool plain = std::ranges::all_of(segment, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte != 0x7f && c != '\\';
  });
  const auto parts = base::split(segment, '/');
  return plain && std::ranges::none_of(
                      parts, [](const std::string& part) { return part.empty() || part == "." || part == ".."; });
}

bool parse_path(std::string_view path, Target& target) {
  path.remove_prefix(1);
  for (;;) {
    const std::size_t slash = path.find('/');
    const bool last = slash == std::string_view::npos;
    auto segment = decode(path.substr(0, slash), Plus::literal);
    const bool trailing = last && segment && segment->empty();
    if (!segment || target.segments.size() == k_most_segments || (!trailing && !is_safe_segment(*segment))) {
      return false;
    }
    target.segments.push_back(std::move(*segment));
    if (last) {
      return true;
    }
    path.remove_prefix(slash + 1);
  }
}

bool parse_query(std::string_view query, Target& target) {
  for (const std::string& pair : base::split(query, '&')) {
    if (pair.empty()) {
      continue;
    }
    const std::size_t equals = pair.find('=');
    auto name = decode(std::string_view(pair).substr(0, equals), Plus::space);
    auto value = equals == std::string::npos ? std::optional<std::string>("")
                                             : decode(std::string_view(pair).substr(equals + 1), Plus::space);
    if (!name || !value || target.query.size() == k_most_parameters || name->find('\0') != std::string::npos ||
        value->find('\0') != std::string::npos) {
      return false;
    }
    target.query.emplace_back(std::move(*name), std::move(*value));
  }
  return true;
}

}  // namespace

bool is_well_formed_host(std::string_view host) {
  if (host.empty() || host.size() > k_longest_host) {
    return false;
  }
  std::string_view port;
  if (host.front() == '[') {
    const std::size_t close = host.find(']');
    if (close == std::string_view::npos || close == 1 || !std::ranges::all_of(host.substr(1, close - 1), [](char c) {
          return hex_value(c) >= 0 || c == ':' || c == '.';
        })) {
      return false;
    }
    port = host.substr(close + 1);
  } else {
    const std::size_t colon = host.find(':');
    const std::string_view name = host.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view() : host.substr(colon);
    if (name.empty() || !std::ranges::all_of(name, [](char c) {
          return base::is_alphanumeric(c) || c == '-' || c == '.' || c == '_';
        })) {
      return false;
    }
  }
  if (port.empty()) {
    return true;
  }
  const std::string_view digits = port.substr(1);
  return port.front() == ':' && !digits.empty() && digits.size() <= 5 && std::ranges::all_of(digits, base::is_digit);
}

HeadVerdict check_head(const RequestHead& head, std::size_t target_limit) {
  if (head.target.size() > target_limit) {
    return refuse(414, "the request target is too long");
  }
  if (std::ranges::find(k_methods, head.method) == k_methods.end()) {
    return refuse(501, "the method is not known");
  }
  if (!is_origin_form(head.target)) {
    return refuse(400, "the request target is not a path");
  }
  const auto hosts = head.headers.all("Host");
  if (hosts.size() > 1 || (hosts.empty() && head.version >= 11)) {
    return refuse(400, "not exactly one Host");
  }
  if (!hosts.empty() && !is_well_formed_host(hosts.front())) {
    return refuse(400, "the Host is malformed");
  }
  HeadVerdict verdict = check_framing(head, {});
  if (verdict.refusal != 0) {
    return verdict;
  }
  const auto expectations = list_members(head.headers, "Expect");
  if (!expectations.empty() && head.version >= 11) {
    if (expectations.size() != 1 || expectations.front() != "100-continue") {
      return refuse(417, "an Expect other than 100-continue");
    }
    verdict.expects_continue = verdict.framing != Framing::none;
  }
  verdict.keep_alive = wants_keep_alive(head);
  return verdict;
}

std::optional<Target> parse_target(std::string_view target) {
  if (!target.starts_with('/')) {
    return std::nullopt;
  }
  const std::size_t question = target.find('?');
  Target parsed;
  if (!parse_path(target.substr(0, question), parsed)) {
    return std::nullopt;
  }
  if (question != std::string_view::npos && !parse_query(target.substr(question + 1), parsed)) {
    return std::nullopt;
  }
  return parsed;
}

}  // namespace airlock::http
