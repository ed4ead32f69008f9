// Upstream gives other bytes than were agreed: noticing it whatever form it takes, and saying what it means.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "ecosystem/ecosystem.hpp"
#include "model/file_row.hpp"

namespace airlock::workflow {

// Whose word the expected digests are; it decides what a difference means to the user.
enum class DigestsFrom { given_lock, this_run };

// "oci registry.example/app:1": a row for messages, and where it comes from.
std::string name_of(const model::FileRow& row);
std::string origin_of(const model::FileRow& row);

// Error(tampered): `difference` names both digests.
base::Error changed_upstream(const model::FileRow& row, const std::string& difference, DigestsFrom from);

// A row's bytes from upstream. Where the transfer is refused because the length is another one, the new content is read
// once, so that the error can name both digests.
class CheckedUpstream : public ecosystem::Fetchable {
 public:
  using Make = std::function<std::unique_ptr<ecosystem::Fetchable>(const model::FileRow&)>;
  CheckedUpstream(model::FileRow row, Make make, DigestsFrom from)
      : m_row(std::move(row)), m_make(std::move(make)), m_from(from), m_inner(m_make(m_row)) {}
  void fetch(std::uint64_t offset, std::optional<std::uint64_t> length, base::ByteSink& sink) override;

 private:
  void explain(const base::Error& failure) const;

  model::FileRow m_row;
  Make m_make;
  DigestsFrom m_from;
  std::unique_ptr<ecosystem::Fetchable> m_inner;
};

}  // namespace airlock::workflow
