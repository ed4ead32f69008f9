// The rows of a bundle for those who only look into it: proven where a root is at hand, else as they stand.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/reporter.hpp"
#include "bundle/head.hpp"
#include "bundle/verified_bundle.hpp"
#include "model/file_row.hpp"
#include "workflow/home.hpp"

namespace airlock::workflow {

class BundleRows {
 public:
  // Proves the head against the pinned root, or this home's own, that it belongs to; expiry does not count here,
  // but a key that this home knows to be revoked proves nothing.
  // Without such a root the rows are taken as they stand and `proven` is false. Throws what verify_head throws.
  BundleRows(const bundle::Head& head, const Home& home, base::Time now);

  bool proven() const { return m_verified.has_value(); }
  std::string producer() const { return m_verified ? m_verified->producer() : std::string(); }  // hex; where proven
  void for_each(const std::function<void(const model::FileRow&)>& visit) const;

 private:
  bundle::Head m_head;
  std::optional<bundle::VerifiedBundle> m_verified;
};

}  // namespace airlock::workflow
