// Which paths a channel may bring to this site: what policy.yaml says under `namespaces` (docs/formats/policy.md).
//
//   npm                      all of an ecosystem
//   npm:@corp/*              what begins so: segments are compared one by one, from the first
//   oci:registry.example/**  only what lies below
//   !npm:@corp/*             not this, whatever else is allowed
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/file_row.hpp"

namespace airlock::bundle {

// The rules of one channel. A row may come when a rule covers it and none that begins with "!" does.
class Namespaces {
 public:
  Namespaces() = default;
  Namespaces(std::initializer_list<std::string_view> rules);  // as by add()

  // Throws usage, saying what is wrong with this rule, when it is none. Whether there is such an ecosystem is not known
  // here.
  void add(std::string_view rule);

  // A pattern's segments are compared with the first ones of the path. `*` is any run of characters within a segment,
  // `?` one of them, and `**` in the last place one segment or more. The last segment of a pattern also covers
  // a segment of the path up to its first "@" or ":", so that a repository covers its tags and digests.
  bool allows(std::string_view ecosystem, std::string_view path) const;
  // Whether anything of an ecosystem could come.
  bool allows_some(std::string_view ecosystem) const;

  const std::vector<std::string>& rules() const { return m_rules; }  // as they were written
  static std::string_view ecosystem_of(std::string_view rule);

 private:
  struct Pattern {
    std::string ecosystem;
    std::vector<std::string> segments;  // none: the whole ecosystem
    bool covers(std::string_view of_ecosystem, std::string_view path) const;
  };
  std::vector<std::string> m_rules;
  std::vector<Pattern> m_allowed, m_refused;
};

// By whom the rules are meant: "CHANNEL", "PRODUCER/CHANNEL", "PRODUCER/*" or "*", where PRODUCER is all 64 hex digits
// of a pinned root's fingerprint.
using NamespacesByChannel = std::map<std::string, Namespaces>;

// Throws usage when it is no such key.
void check_namespaces_key(std::string_view key);

// The most exact entry, which alone counts. nullptr: there are entries, and none is for this channel, so that nothing
// may come. Not to be asked where `all` is empty: then every channel may bring everything.
const Namespaces* find_namespaces(const NamespacesByChannel& all, std::string_view producer, std::string_view channel);

}  // namespace airlock::bundle
