// Package URLs (purl-spec): the names that SBOM tools share.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace airlock::model {

struct Purl {
  std::string type, namespace_, name, version;
  std::map<std::string, std::string> qualifiers;

  std::string to_string() const;             // canonical: percent-encoded, qualifiers sorted
  static Purl parse(std::string_view text);  // throws malformed
  static std::optional<Purl> parse_if_valid(std::string_view text);
  // Whether `text` is one, and in the only spelling that to_string() gives it: two that are compared as text mean two
  // things then.
  static bool is_canonical(std::string_view text);
  bool operator==(const Purl&) const = default;
};

}  // namespace airlock::model
