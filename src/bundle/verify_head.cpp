// Verification of a head; numbers in comments are the steps of docs/formats/trust.md, What import asks.
#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/refusal.hpp"
#include "base/text.hpp"
#include "bundle/draft_proof.hpp"
#include "bundle/head_checks.hpp"
#include "bundle/policy_checks.hpp"
#include "bundle/state_checks.hpp"
#include "bundle/verified_state.hpp"

namespace airlock::bundle {

using base::Error;
using base::ErrorCode;

namespace {

[[noreturn]] void refuse_head(const std::string& why) {
  throw Error(ErrorCode::tampered, why);
}

// Notices when the client goes on from the roots: what is missing then is the seal.
class WatchedFetcher : public trust::Fetcher {
 public:
  explicit WatchedFetcher(const Head& head) : m_fetcher(head.fetcher()) {}

  std::optional<std::string> fetch(std::string_view name, std::size_t limit) override {
    auto bytes = m_fetcher->fetch(name, limit);
    m_seal_missing = m_seal_missing || (name == "timestamp.json" && !bytes);
    return bytes;
  }
  bool seal_missing() const { return m_seal_missing; }

 private:
  std::unique_ptr<trust::Fetcher> m_fetcher;
  bool m_seal_missing = false;
};

std::string expected_channel(const Head& head, const VerifyOptions& options) {
  const std::string channel = options.channel.empty() ? head.hint().channel : options.channel;
  if (!is_channel_name(channel)) {
    refuse_head(fmt::format("'{}' names no channel", k_hint_member));
  }
  return channel;
}

// How far it is, by its own account: the root may be anybody's.
std::string progress_of(const Head& head) {
  try {
    const ApprovalCount count = count_approvals(head);
    return fmt::format("; {} of {} people have approved it", count.approved.size(), count.threshold);
  } catch (const Error&) {
    return "";
  }
}

[[noreturn]] void throw_draft(const Head& head) {
  throw Error(ErrorCode::approval_missing,
              fmt::format("the bundle is a draft: it was not sealed yet{}", progress_of(head)))
      .with_hint("its producer approves it with 'airlock bundle sign' and closes it with 'airlock bundle seal'");
}

// 1 and 2
trust::TrustedSet verify_roles(const Head& head, trust::StateStore& state, const VerifyOptions& options) {
  WatchedFetcher fetcher(head);
  trust::ClientOptions client_options{.policy = options.policy.trust,
                                      .now = options.now,
                                      .channel = expected_channel(head, options),
                                      .expiry = options.expiry};
  trust::Client client(options.pinned_root, fetcher, state, client_options);
  try {
    client.refresh();
    return client.load_all_delegated();
  } catch (Error& error) {
    if (fetcher.seal_missing()) {
      throw_draft(head);
    }
    // A head is always whole, and was well formed when it was written.
    if (error.code() == ErrorCode::not_found || error.code() == ErrorCode::malformed) {
      refuse_head(error.message());
    }
    throw;
  }
}

void check_created(const Descriptor& descriptor, const VerifyOptions& options) {
  const base::Time here = options.wall.value_or(options.now);
  if (descriptor.created > here + options.policy.clock_tolerance) {
    throw Error(ErrorCode::clock, fmt::format("the bundle was made on {}, and here it is {}",
                                              base::to_rfc3339(descriptor.created), base::to_rfc3339(here)))
        .with_hint(
            "set this host's clock right; where it is, the builder's was ahead, and the state has to be made again");
  }
}

}  // namespace

VerifiedBundle verify_head(const Head& head, trust::StateStore& state, const VerifyOptions& options) {
  const auto impl = std::make_shared<VerifiedBundle::Impl>();
  impl->head = head;
  impl->trusted = verify_roles(head, state, options);
  const trust::TrustedSet& trusted = impl->trusted;

  // 3
  const trust::SignedFile pinned_file = trust::parse_signed(options.pinned_root, "root", trust::k_root_limit);
  base::refusing_malformed([&] {
    check_own_form(trusted.timestamp_file.bytes, "timestamp.json", trust::k_timestamp_limit);
    check_no_idle_signature(trusted.timestamp_file.canonical, trusted.timestamp_file.signatures, trusted.root,
                            "timestamp.json");
    check_root_chain(head, trust::parse_root(pinned_file), options.pinned_root);
  });
  check_timestamp_version(trusted);
  check_known_roots(head, state.load_roots());
  check_members(head, trusted);
  check_delegations(trusted);
  check_top_level(trusted.targets);
  impl->producer = options.producer.empty() ? trust::identity(pinned_file).hex() : options.producer;
  PolicyCheck policy(options.policy, impl->producer, trusted.targets.channel);
  policy.check_roles(trusted);

  // 4
  impl->descriptor = open_descriptor(head, trusted);
  check_created(impl->descriptor, options);
  policy.check_counts(impl->descriptor);
  impl->shipment = open_shipment(head, trusted, impl->descriptor);
  check_hint(head, impl->descriptor, impl->shipment);
  check_shipment_counts(head, impl->descriptor, impl->shipment);

  // 5
  StateContents contents = base::refusing_malformed([&] {
    return check_state(head, trusted, impl->descriptor, &impl->shipment, [&](const model::FileRow& row) {
      policy.add_row(row);
      require_belonging(options.belongs, row);
    });
  });
  policy.finish(contents.attachments);
  impl->attachments = std::move(contents.attachments);
  impl->blobs = std::move(contents.blobs);
  impl->revoked = std::move(contents.revoked);

  impl->approvals = trust::count_signers(trusted.snapshot_file, trusted.root.roles.at("snapshot"), trusted.root.keys);
  VerifiedBundle bundle;
  bundle.m_impl = impl;
  return bundle;
}

}  // namespace airlock::bundle
