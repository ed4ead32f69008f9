// Package URLs (purl-spec): the names that SBOM tools share.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace airlock::model {

struct Purl {
  std::string type, namespace_, name, version;
  std::map<std::string, std::string> qualifiers;

  std::string to_string() const;             // canonical: percent-encoded, qualifiers sorted
  static Purl parse(std::string_view text);  // throws malformed
  bool operator==(const Purl&) const = default;
};

}  // namespace airlock::model
