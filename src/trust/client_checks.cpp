// What the client asks of every file, whatever its role.
#include <algorithm>

#include "base/error.hpp"
#include "base/refusal.hpp"
#include "base/text.hpp"
#include "trust/client_impl.hpp"
#include "trust/root_chain.hpp"

namespace airlock::trust {

namespace {

using base::Error;
using base::ErrorCode;
using base::refusing_malformed;

constexpr std::string_view k_leap_hint =
    "a stolen key could make every later version look old; ask the producer before allowing it with "
    "`largest_version_jump` in policy.yaml";

}  // namespace

SignedFile Client::Impl::fetch_signed(const std::string& file_name, std::string_view role, std::size_t limit) {
  auto bytes = refusing_malformed([&] { return m_fetcher->fetch(file_name, limit); });
  if (!bytes) {
    throw Error(ErrorCode::not_found, "metadata file '" + base::printable(file_name, 120) + "' is not there");
  }
  return refusing_malformed([&] { return parse_signed(std::move(*bytes), role, limit); });
}

SignedFile Client::Impl::fetch_described(std::string_view role, const MetaFile& meta, std::size_t default_limit) {
  if (own() && (!meta.length || meta.hashes.empty())) {
    throw Error(ErrorCode::tampered, role_in_quotes(role) + " is described without a length or a hash");
  }
  if (meta.length.value_or(0) > k_metadata_ceiling) {
    throw Error(ErrorCode::tampered, role_in_quotes(role) + " is said to have " + base::format_bytes(*meta.length) +
                                         "; metadata of more than " + base::format_bytes(k_metadata_ceiling) +
                                         " is not accepted");
  }
  const std::size_t limit = meta.length.value_or(default_limit);
  const std::string file_name = metadata_file_name(role, version_in_name(meta.version));
  std::optional<std::string> bytes;
  try {
    bytes = m_fetcher->fetch(file_name, limit);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::limit || !meta.length) {
      throw;
    }
    throw Error(ErrorCode::tampered,
                role_in_quotes(role) + " is longer than the " + std::to_string(limit) + " bytes that were signed");
  }
  if (!bytes) {
    throw Error(ErrorCode::not_found, "metadata file '" + base::printable(file_name, 120) + "' is not there");
  }
  // Over the bytes received, before anything reads them.
  if (!fits(meta, *bytes)) {
    throw Error(ErrorCode::tampered, role_in_quotes(role) + " has another length or hash than was signed");
  }
  return refusing_malformed([&] { return parse_signed(std::move(*bytes), role, limit); });
}

bool Client::Impl::fits(const MetaFile& meta, std::string_view bytes) const {
  if (own()) {
    return meta.length && matches(meta, bytes);
  }
  const bool same_length = meta.length.value_or(bytes.size()) == bytes.size();
  return same_length && (meta.hashes.empty() || hashes_match(meta.hashes, bytes));
}

void Client::Impl::require_policy(const Root& newest) const {
  try {
    check_policy(newest, m_options.policy);
  } catch (Error& error) {
    error.with_context("the producer's root version " + std::to_string(newest.version) + " is the newest one here");
    error.with_hint(std::string(k_policy_hint));
    throw;
  }
}

void Client::Impl::check_root_form(const SignedFile& file, const Root& root) const {
  if (!own()) {
    return;
  }
  // A root that serves all channels of its producer names none.
  if (!root.channel.empty()) {
    check_channel("root", root);
  }
  check_thresholds_can_be_met(root);
  if (!root.consistent_snapshot) {
    throw Error(ErrorCode::untrusted, "the root does not ask for consistent snapshots");
  }
  if (!base::is_plain_utc(base::string_member(file.signed_part, "expires", "root"))) {
    throw Error(ErrorCode::malformed, "root: `expires` is not of the form 2026-07-01T12:00:00Z");
  }
}

void Client::Impl::check_channel(std::string_view role, const RoleCommon& common) const {
  if (own() && common.channel != m_options.channel) {
    throw Error(ErrorCode::foreign, role_in_quotes(role) + " is signed for " +
                                        (common.channel.empty() ? "no channel" : "channel '" + common.channel + "'") +
                                        ", not for '" + m_options.channel + "'");
  }
}

void Client::Impl::check_jump(std::string_view role, std::uint64_t from, std::uint64_t to) const {
  if (to > from && to - from > m_options.policy.largest_version_jump) {
    throw Error(ErrorCode::untrusted, role_in_quotes(role) + " jumps from version " + std::to_string(from) + " to " +
                                          std::to_string(to) + ", further than this site's policy allows")
        .with_hint(std::string(k_leap_hint));
  }
}

// Of a foreign repository any version may come first.
void Client::Impl::check_first_version(std::string_view role, std::uint64_t version) const {
  if (own() && version > std::max(m_options.policy.largest_version_jump, k_first_version_limit)) {
    throw Error(ErrorCode::untrusted, role_in_quotes(role) + " begins with version " + std::to_string(version) +
                                          " here, further than any channel has come")
        .with_hint(std::string(k_leap_hint));
  }
}

void Client::Impl::check_times(std::string_view role, const RoleCommon& common) const {
  const auto& limits = m_options.policy.longest_lifetime;
  auto limit = limits.find(std::string(role));
  if (limit == limits.end() && !is_top_level_role(role)) {
    limit = limits.find("delegated");
  }
  if (limit != limits.end() && common.expires > m_options.now + limit->second) {
    throw Error(ErrorCode::untrusted, role_in_quotes(role) + " is valid until " + base::to_rfc3339(common.expires) +
                                          ", longer than this site's policy allows");
  }
  const auto accepted = m_options.expiry.find(std::string(role));
  if (accepted != m_options.expiry.end() && accepted->second == Expiry::accept) {
    return;
  }
  if (common.expires <= m_options.now) {
    throw Error(ErrorCode::expired, role_in_quotes(role) + " expired on " + base::to_rfc3339(common.expires) +
                                        "; the time here is " + base::to_rfc3339(m_options.now));
  }
}

std::optional<std::uint64_t> Client::Impl::version_in_name(std::uint64_t version) const {
  return set.root.consistent_snapshot ? std::optional(version) : std::nullopt;
}

}  // namespace airlock::trust
