#include "ecosystem/oci/reference.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/ip_address.hpp"
#include "base/text.hpp"

namespace airlock::ecosystem::oci {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_longest_name = 255;  // docker's limit on host and repository together

bool is_lower_alnum(char c) {
  return base::is_lower(c) || base::is_digit(c);
}

bool is_word(char c) {
  return base::is_alphanumeric(c) || c == '_';
}

// [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*
bool is_component(std::string_view text) {
  std::size_t at = 0;
  while (true) {
    const std::size_t start = at;
    while (at < text.size() && is_lower_alnum(text[at])) {
      ++at;
    }
    if (at == start) {
      return false;
    }
    if (at == text.size()) {
      return true;
    }
    if (text[at] == '.') {
      ++at;
    } else if (text[at] == '_') {
      at += text.substr(at).starts_with("__") ? 2U : 1U;
    } else if (text[at] == '-') {
      while (at < text.size() && text[at] == '-') {
        ++at;
      }
    } else {
      return false;
    }
  }
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 && std::all_of(text.begin(), text.end(), base::is_digit);
}

bool is_dns_name(std::string_view text) {
  for (const std::string& label : base::split(text, '.')) {
    if (label.empty() || label.front() == '-' || label.back() == '-' ||
        !std::all_of(label.begin(), label.end(), [](char c) { return is_lower_alnum(c) || c == '-'; })) {
      return false;
    }
  }
  return true;
}

// "name" and "port" of "name[:port]" or "[address][:port]"; the port keeps no colon.
std::pair<std::string_view, std::string_view> split_port(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos) {
      return {host, {}};
    }
    const std::string_view rest = host.substr(end + 1);
    if (!rest.empty() && !rest.starts_with(':')) {
      return {host, {}};
    }
    return {host.substr(0, end + 1), rest.empty() ? rest : rest.substr(1)};
  }
  const std::size_t colon = host.rfind(':');
  return colon == std::string_view::npos ? std::pair{host, std::string_view()}
                                         : std::pair{host.substr(0, colon), host.substr(colon + 1)};
}

bool is_host(std::string_view text) {
  const auto [name, port] = split_port(text);
  if (text.size() > name.size() && !is_port(port)) {
    return false;
  }
  if (name.starts_with('[')) {
    const std::string_view address = name.substr(1, name.size() - 2);
    const auto plain = [](char c) { return base::is_hex_digit(c) || c == ':' || c == '.'; };
    const auto parsed = base::IpAddress::parse(address);
    return name.ends_with(']') && std::all_of(address.begin(), address.end(), plain) && parsed && parsed->is_v6();
  }
  return is_dns_name(name);
}

Error bad_reference(std::string_view text, std::string_view cause) {
  return Error(ErrorCode::malformed, fmt::format("'{}' is no image reference: {}", base::printable(text), cause));
}

}  // namespace

std::string Reference::name() const {
  return host + "/" + repository;
}

std::string Reference::to_string() const {
  return name() + (tag.empty() ? "" : ":" + tag) + (digest ? "@" + digest->to_string() : "");
}

bool is_repository(std::string_view text) {
  if (text.empty() || text.size() > k_longest_name) {
    return false;
  }
  const std::vector<std::string> components = base::split(text, '/');
  return std::all_of(components.begin(), components.end(), [](const std::string& c) { return is_component(c); });
}

bool is_tag(std::string_view text) {
  return !text.empty() && text.size() <= 128 && is_word(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_word(c) || c == '.' || c == '-'; });
}

std::optional<base::Digest> parse_content_digest(std::string_view text) {
  if (!text.starts_with("sha256:") && !text.starts_with("sha512:")) {
    return std::nullopt;
  }
  try {
    return base::Digest::parse(text);
  } catch (const Error&) {
    return std::nullopt;
  }
}

Reference parse_reference(std::string_view text) {
  std::string_view rest = text;
  for (std::string_view scheme : {"docker://", "oci://"}) {
    if (rest.starts_with(scheme)) {
      rest.remove_prefix(scheme.size());
    }
  }
  if (rest.find("://") != std::string_view::npos) {
    throw bad_reference(text, "it is a URL").with_hint("write it without the scheme, as HOST/REPOSITORY:TAG");
  }
  Reference result;
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    result.digest = parse_content_digest(rest.substr(at + 1));
    if (!result.digest) {
      throw bad_reference(text, "what follows '@' is no sha256 or sha512 digest")
          .with_hint("a digest is 'sha256:' and 64 lower-case hex characters");
    }
    rest = rest.substr(0, at);
  }
  const std::size_t slash = rest.find('/');
  if (const std::size_t colon = rest.rfind(':');
      colon != std::string_view::npos && (slash == std::string_view::npos || colon > rest.rfind('/'))) {
    result.tag = rest.substr(colon + 1);
    if (!is_tag(result.tag)) {
      throw bad_reference(text, "what follows ':' is no tag")
          .with_hint("a tag is at most 128 of letters, digits, '_', '.' and '-'");
    }
    rest = rest.substr(0, colon);
  }
  const std::string first = base::to_lower(rest.substr(0, slash));
  // A first part in capitals is a host to docker, but in lower case, as hosts are kept, it would be a user of Docker
  // Hub.
  if (slash != std::string_view::npos && looks_like_host(first)) {
    result.host = first;
    result.repository = rest.substr(slash + 1);
  } else {
    result.host = k_docker_hub;
    result.repository = rest;
  }
  if (result.host == "index.docker.io" || result.host == "registry-1.docker.io") {
    result.host = k_docker_hub;
  }
  if (!is_host(result.host)) {
    throw bad_reference(text, fmt::format("'{}' is no host name", base::printable(result.host)));
  }
  if (result.host == k_docker_hub && result.repository.find('/') == std::string::npos && !result.repository.empty()) {
    result.repository = "library/" + result.repository;
  }
  if (!is_repository(result.repository)) {
    Error error = bad_reference(text, fmt::format("'{}' is no repository name", base::printable(result.repository)));
    if (base::to_lower(result.repository) != result.repository) {
      error.with_hint("repository names are in lower case");
    }
    throw error;
  }
  if (result.name().size() > k_longest_name) {
    throw bad_reference(text, "it is longer than 255 characters");
  }
  return result;
}

std::string host_to_path(std::string_view host) {
  const auto [name, port] = split_port(host);
  std::string result(name);
  if (name.starts_with('[')) {
    // A component of a repository name may hold '-' but no ':', and may not end in one.
    std::string address(name.substr(1, name.size() - 2));
    if (address.ends_with(':')) {
      address += '0';
    }
    std::replace(address.begin(), address.end(), ':', '-');
    result = "ip6-" + address;
  }
  return port.empty() ? result : result + "_" + std::string(port);
}

std::string host_from_path(std::string_view component) {
  std::string port;
  const std::size_t mark = component.rfind('_');
  if (mark != std::string_view::npos && is_port(component.substr(mark + 1))) {
    port = ":" + std::string(component.substr(mark + 1));
    component = component.substr(0, mark);
  }
  std::string name(component);
  if (component.starts_with("ip6-")) {
    name = component.substr(4);
    std::replace(name.begin(), name.end(), '-', ':');
    name = "[" + name + "]";
  }
  return name + port;
}

bool looks_like_host(std::string_view component) {
  return component == "localhost" || component.find('.') != std::string_view::npos ||
         component.find(':') != std::string_view::npos;
}

bool is_loopback(std::string_view host) {
  const std::string_view name = split_port(host).first;
  if (name == "localhost" || name == "[::1]") {
    return true;
  }
  const std::vector<std::string> parts = base::split(name, '.');
  return parts.size() == 4 && parts[0] == "127" && std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
           return !part.empty() && part.size() <= 3 && std::all_of(part.begin(), part.end(), base::is_digit);
         });
}

}  // namespace airlock::ecosystem::oci
