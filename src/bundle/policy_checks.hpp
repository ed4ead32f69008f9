// What the site's policy asks of a bundle beside thresholds, schemes and lifetimes: which paths its channel may fill,
// and how much it may bring. For the files of this folder only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bundle/verified_bundle.hpp"

namespace airlock::bundle {

class PolicyCheck {
 public:
  PolicyCheck(const Policy& policy, std::string producer, std::string channel);

  // What shows before a catalog is read. Throws foreign, policy.
  void check_roles(const trust::TrustedSet& trusted) const;
  void check_counts(const Descriptor& descriptor) const;
  // Each row; nothing is thrown before finish() has all of them, so that the message can name them.
  void add_row(const model::FileRow& row);
  // Throws foreign, policy: the rows that may not come, the first ones by name.
  void finish(const std::vector<Attachment>& attachments) const;

 private:
  const Policy& m_policy;
  const std::string m_channel;
  const Namespaces* m_namespaces = nullptr;  // nullptr with m_restricted: nothing may come
  const bool m_restricted;
  struct Refused {
    std::uint64_t count = 0;
    std::vector<std::string> names;  // the first ones
    void add(std::string name);
    std::string text() const;
  };
  Refused m_foreign, m_too_large;
};

}  // namespace airlock::bundle
