#include "workflow/ship_statements.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "bundle/layout.hpp"
#include "ecosystem/ecosystem.hpp"
#include "trust/dsse.hpp"
#include "workflow/revocation.hpp"
#include "workflow/ship_plan.hpp"

namespace airlock::workflow {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using bundle::Shipment;

ShipStatements::ShipStatements(const bundle::Head& head, const bundle::VerifiedBundle& verified,
                               const bundle::SigningSet& signers, const ChannelState& channel, base::Reporter& reporter)
    : m_head(head), m_verified(verified), m_signers(signers), m_channel(channel), m_reporter(reporter),
      m_contents(head.contents()) {}

void ShipStatements::compare_with_newest() const {
  const std::string& channel = m_verified.descriptor().channel;
  const std::uint64_t serial = m_verified.descriptor().serial;
  const auto last = m_channel.last();
  if (!last || last->hint().serial <= serial) {
    return;
  }
  // What nobody approved yet holds nothing back; it is said all the same.
  const auto sealed = m_channel.last_sealed();
  if (sealed && sealed->hint().serial > serial) {
    if (const auto error = revoked_by(*sealed)) {
      throw *error;
    }
  }
  if (const auto error = last->shipment().empty() ? revoked_by(*last) : std::nullopt) {
    m_reporter.warning(fmt::format("{}; that one is a draft: have it approved, and send it soon", error->message()));
  } else {
    m_reporter.warning(fmt::format("serial {} of '{}' is newer; sites that have it will not take serial {}",
                                   last->hint().serial, channel, serial));
  }
}

std::optional<Error> ShipStatements::revoked_by(const bundle::Head& newer) const {
  const Revocations revocations(revoked_in(newer.contents()));
  const Revocations known(m_verified.revoked());
  std::optional<Error> found;
  m_verified.for_each_row([&](const model::FileRow& row) {
    const bundle::Revoked* revoked = found ? nullptr : revocations.find(row);
    if (revoked != nullptr && known.find(row) == nullptr) {
      found = Error(ErrorCode::revoked,
                    fmt::format("serial {} of '{}' still holds {}, which serial {} revokes{}",
                                m_verified.descriptor().serial, m_verified.descriptor().channel, revoked->item,
                                newer.hint().serial, revoked->reason.empty() ? "" : ": " + revoked->reason));
      found->with_hint(fmt::format("ship serial {} instead", newer.hint().serial));
    }
  });
  return found;
}

void ShipStatements::bring_up_to_date(const std::vector<fs::path>& folders) {
  for (const std::string& bytes : m_signers.roots) {
    const trust::Root root = trust::parse_root(trust::parse_signed(bytes, "root", trust::k_root_limit));
    m_new_roots |= m_contents.metadata.emplace(trust::metadata_file_name("root", root.version), bytes).second;
    m_root = root;
  }
  m_shipments = m_verified.shipment().number;
  if (const auto sent = m_channel.last_sending(m_verified.bundle_id())) {
    m_shipments = std::max(m_shipments, sent->shipment);
    consider_timestamp(sent->timestamp);
    m_unknown = sent->newest ? 0 : k_sendings_skipped;
  }
  for (const fs::path& folder : folders) {
    consider_neighbours(folder);
  }
  if (m_unknown > 0) {
    m_shipments += m_unknown;
    m_reporter.say(fmt::format("this home came out of a backup and may not know what was sent of this state since: "
                               "sendings are counted on from {}, with a new timestamp",
                               m_shipments + 1));
  }
  if (m_shipments >= bundle::k_number_limit) {
    throw Error(ErrorCode::limit, fmt::format("serial {} of '{}' has had all of its numbers of sendings",
                                              m_verified.descriptor().serial, m_verified.descriptor().channel))
        .with_hint("make the channel's next state with `airlock bundle create`, and send that");
  }
}

// Other sendings of the state, perhaps by another home with the same keys. Their names in front only find them: anyone
// can put a file on a medium.
void ShipStatements::consider_neighbours(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    return;
  }
  for (const auto& candidate : bundle::list_heads(folder)) {
    if (candidate.hint.channel != m_verified.descriptor().channel ||
        candidate.hint.serial != m_verified.descriptor().serial) {
      continue;
    }
    try {
      const bundle::Head head = bundle::Head::read(candidate.path);
      consider_shipment(head.shipment());
      consider_timestamp(head.metadata("timestamp.json").value_or(""));
    } catch (const Error& error) {
      if (error.code() == ErrorCode::interrupted) {
        throw;
      }
      m_reporter.note(fmt::format("{} tells nothing: {}", candidate.path.string(), error.message()));
    }
  }
}

void ShipStatements::consider_shipment(const std::string& envelope) {
  if (envelope.empty()) {
    return;
  }
  const Shipment shipment =
      bundle::parse_shipment(trust::open_envelope(envelope, bundle::k_shipment_type, bundle::k_shipment_name,
                                                  m_root.roles.at("timestamp"), m_root.keys, bundle::k_shipment_limit),
                             bundle::k_shipment_name);
  if (shipment.bundle_id == m_verified.bundle_id()) {
    m_shipments = std::max(m_shipments, shipment.number);
  }
}

void ShipStatements::consider_timestamp(const std::string& bytes) {
  if (bytes.empty()) {
    return;
  }
  const auto file = trust::parse_signed(bytes, "timestamp.json", trust::k_timestamp_limit);
  const auto timestamp = trust::parse_timestamp(file);
  const auto known = trust::parse_timestamp(
      trust::parse_signed(m_contents.metadata.at("timestamp.json"), "timestamp.json", trust::k_timestamp_limit));
  const trust::RoleKeys& keys = m_root.roles.at("timestamp");
  if (timestamp.version > known.version && timestamp.snapshot.version == known.snapshot.version &&
      bundle::is_timestamp_version(timestamp.version, known.snapshot.version) &&
      trust::count_signers(file, keys, m_root.keys) >= keys.threshold) {
    m_contents.metadata["timestamp.json"] = bytes;
  }
}

void ShipStatements::require_still_good(base::Time now, const fs::path& scratch) const {
  bundle::VerifyOptions options;
  options.pinned_root = m_signers.roots.front();
  options.now = now;
  options.belongs = ecosystem::belongs;
  options.expiry["timestamp"] = trust::Expiry::accept;
  bundle::EmptyStateStore nothing;
  try {
    if (!m_new_roots) {
      static_cast<void>(bundle::verify_head(m_head, nothing, options));
      return;
    }
    // Under the newest root only a head that is sealed under it can be looked at.
    bundle::HeadContents trial = m_contents;
    Shipment shipment;
    shipment.number = m_shipments + 1;
    shipment.kind = Shipment::Kind::metadata;
    const ShipPlan statements = plan_statements(m_verified);
    shipment.omitted = bundle::omitted_digest(statements.omitted);
    shipment.omitted_blobs = statements.omitted.size();
    bundle::seal(trial, shipment, now, m_signers);
    base::make_directories(scratch, 0700);
    const fs::path file = scratch / "trial.airlock";
    base::write_file_atomic(file, bundle::build_head(trial, std::nullopt, bundle::HeadEnd::alone).value(), 0600);
    const bundle::Head head = bundle::Head::read(file);
    std::error_code ignored;
    fs::remove(file, ignored);
    static_cast<void>(bundle::verify_head(head, nothing, options));
  } catch (Error& error) {
    if (error.code() == ErrorCode::expired || error.code() == ErrorCode::approval_missing ||
        error.code() == ErrorCode::untrusted) {
      error.with_hint("no site would take this state any more, and that needs new approvals: make the next one "
                      "with `airlock bundle create`");
    }
    throw;
  }
}

}  // namespace airlock::workflow
