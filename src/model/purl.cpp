#include "model/purl.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/url.hpp"

namespace airlock::model {

using base::Error;
using base::ErrorCode;

namespace {

// purl-spec, "Character encoding": a colon is never encoded; a slash separates everywhere but in a qualifier's value.
constexpr std::string_view k_keep = ":";
constexpr std::string_view k_keep_in_value = ":/";

bool is_type(std::string_view text) {
  return !text.empty() && text.front() >= 'a' && text.front() <= 'z' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return base::is_lower(c) || base::is_digit(c) || c == '.' || c == '-'; });
}

bool is_qualifier_key(std::string_view text) {
  return !text.empty() && !(text.front() >= '0' && text.front() <= '9') &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return base::is_lower(c) || base::is_digit(c) || c == '.' || c == '-' || c == '_'; });
}

Error malformed(std::string_view text, std::string_view why) {
  return Error(ErrorCode::malformed, fmt::format("'{}' is not a package URL: {}", base::printable(text), why));
}

// Percent-decodes one component, which must hold text.
std::string decode(std::string_view component, std::string_view whole) {
  std::string decoded = base::percent_decode(component);
  if (!base::is_valid_utf8(decoded)) {
    throw malformed(whole, "it holds bytes that are no UTF-8");
  }
  return decoded;
}

}  // namespace

std::string Purl::to_string() const {
  std::string text = fmt::format("pkg:{}/", type);
  if (!namespace_.empty()) {
    for (const std::string& segment : base::split(namespace_, '/')) {
      text += base::percent_encode(segment, k_keep) + '/';
    }
  }
  text += base::percent_encode(name, k_keep);
  if (!version.empty()) {
    text += '@' + base::percent_encode(version, k_keep);
  }
  char separator = '?';
  for (const auto& [key, value] : qualifiers) {
    if (!value.empty()) {
      text += separator + key + '=' + base::percent_encode(value, k_keep_in_value);
      separator = '&';
    }
  }
  return text;
}

Purl Purl::parse(std::string_view text) {
  constexpr std::string_view scheme = "pkg:";
  if (!text.starts_with(scheme)) {
    throw malformed(text, "it does not begin with 'pkg:'");
  }
  std::string_view rest = text.substr(scheme.size());
  if (rest.find('#') != std::string_view::npos) {
    throw malformed(text, "subpaths are not used here");
  }

  Purl purl;
  if (const std::size_t question = rest.find('?'); question != std::string_view::npos) {
    for (const std::string& pair : base::split(rest.substr(question + 1), '&')) {
      const std::size_t equals = pair.find('=');
      const std::string key = pair.substr(0, equals);
      if (equals == std::string::npos || equals + 1 == pair.size() || !is_qualifier_key(key)) {
        throw malformed(text, fmt::format("'{}' is not a qualifier", base::printable(pair)));
      }
      if (!purl.qualifiers.emplace(key, decode(std::string_view(pair).substr(equals + 1), text)).second) {
        throw malformed(text, fmt::format("the qualifier '{}' stands there twice", key));
      }
    }
    rest = rest.substr(0, question);
  }
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos && rest.find('/', at) == rest.npos) {
    purl.version = decode(rest.substr(at + 1), text);
    if (purl.version.empty()) {
      throw malformed(text, "nothing follows the '@'");
    }
    rest = rest.substr(0, at);
  }
  std::vector<std::string> segments = base::split(rest, '/');
  if (segments.size() < 2 || !is_type(segments.front())) {
    throw malformed(text, "it has no type and name");
  }
  purl.type = segments.front();
  for (std::size_t i = 1; i < segments.size(); ++i) {
    std::string segment = decode(segments[i], text);
    if (segment.empty() || segment.find('/') != std::string::npos) {
      throw malformed(text, "a part of its name is empty or holds a slash");
    }
    if (i + 1 == segments.size()) {
      purl.name = std::move(segment);
    } else {
      purl.namespace_ += (purl.namespace_.empty() ? "" : "/") + segment;
    }
  }
  return purl;
}

std::optional<Purl> Purl::parse_if_valid(std::string_view text) {
  try {
    return parse(text);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::malformed) {
      throw;
    }
    return std::nullopt;
  }
}

bool Purl::is_canonical(std::string_view text) {
  const auto purl = parse_if_valid(text);
  return purl && purl->to_string() == text;
}

}  // namespace airlock::model
