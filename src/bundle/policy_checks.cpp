#include "bundle/policy_checks.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::bundle {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::size_t k_named = 10;  // refused rows that a message names

std::string describe(const Namespaces& namespaces) {
  return fmt::format("policy.yaml allows it: {}",
                     namespaces.rules().empty() ? "nothing" : base::join(namespaces.rules(), ", "));
}

std::string name_of(const model::FileRow& row) {
  return fmt::format("{}:{}", row.ecosystem, base::printable(row.path, 200));
}

void require(std::uint64_t found, const std::optional<std::uint64_t>& limit, std::string_view what,
             std::string_view key) {
  if (limit && found > *limit) {
    throw Error(ErrorCode::policy,
                fmt::format("the bundle has {} {}; this site's policy takes {} at most", found, what, *limit))
        .with_hint(fmt::format("nothing was written; ask the producer, or raise `limits: {}` in policy.yaml", key));
  }
}

}  // namespace

void PolicyCheck::Refused::add(std::string name) {
  if (++count <= k_named) {
    names.push_back(std::move(name));
  }
}

std::string PolicyCheck::Refused::text() const {
  const auto list = base::join(names, ", ");
  return count > names.size() ? fmt::format("{} and {} more", list, count - names.size()) : list;
}

PolicyCheck::PolicyCheck(const Policy& policy, std::string producer, std::string channel)
    : m_policy(policy), m_channel(std::move(channel)),
      m_namespaces(find_namespaces(policy.namespaces, producer, m_channel)), m_restricted(!policy.namespaces.empty()) {}

void PolicyCheck::check_roles(const trust::TrustedSet& trusted) const {
  require(trusted.delegated.size(), m_policy.limits.roles, "ecosystems with a role of their own", "roles");
  if (!m_restricted) {
    return;
  }
  if (m_namespaces == nullptr) {
    throw Error(ErrorCode::foreign, fmt::format("channel '{}' may bring nothing: this site's policy has no namespaces "
                                                "for it, and none for *",
                                                m_channel))
        .with_hint("if it is to be taken in, say in policy.yaml under `namespaces` what it may bring");
  }
  for (const auto& [ecosystem, role] : trusted.delegated) {
    if (!role.targets.empty() && !m_namespaces->allows_some(ecosystem)) {
      throw Error(ErrorCode::foreign,
                  fmt::format("channel '{}' brings {}, which the policy of this site does not allow", m_channel,
                              base::printable(ecosystem, 100)))
          .with_hint(describe(*m_namespaces));
    }
  }
}

void PolicyCheck::check_counts(const Descriptor& descriptor) const {
  const auto& limits = m_policy.limits;
  std::uint64_t files = 0;
  for (const auto& [ecosystem, rows] : descriptor.rows) {
    files += rows;
  }
  require(descriptor.artifacts, limits.artifacts, "artifacts", "artifacts");
  require(files, limits.files, "files", "files");
  require(descriptor.blobs, limits.blobs, "blobs", "blobs");
  if (limits.bytes && descriptor.bytes > *limits.bytes) {
    throw Error(ErrorCode::policy, fmt::format("the bundle's state is {} large; this site's policy takes {} at most",
                                               base::format_bytes(descriptor.bytes), base::format_bytes(*limits.bytes)))
        .with_hint("nothing was written; ask the producer, or raise `limits: bytes` in policy.yaml");
  }
}

void PolicyCheck::add_row(const model::FileRow& row) {
  if (m_namespaces != nullptr && !m_namespaces->allows(row.ecosystem, row.path)) {
    m_foreign.add(name_of(row));
  }
  if (m_policy.limits.blob && row.length.value_or(0) > *m_policy.limits.blob) {
    m_too_large.add(fmt::format("{} ({})", name_of(row), base::format_bytes(*row.length)));
  }
}

void PolicyCheck::finish(const std::vector<Attachment>& attachments) const {
  if (m_foreign.count > 0) {
    throw Error(ErrorCode::foreign,
                fmt::format("channel '{}' brings {} files outside of what the policy of this site gives it: {}",
                            m_channel, m_foreign.count, m_foreign.text()))
        .with_hint(describe(*m_namespaces));
  }
  Refused large = m_too_large;
  for (const auto& attachment : attachments) {
    if (m_policy.limits.blob && attachment.length > *m_policy.limits.blob) {
      large.add(fmt::format("attachment {} ({})", base::printable(attachment.kind, 60),
                            base::format_bytes(attachment.length)));
    }
  }
  if (large.count > 0) {
    throw Error(ErrorCode::policy, fmt::format("{} files are larger than the {} that this site's policy takes: {}",
                                               large.count, base::format_bytes(*m_policy.limits.blob), large.text()))
        .with_hint("nothing was written; ask the producer, or raise `limits: blob` in policy.yaml");
  }
}

}  // namespace airlock::bundle
