#include "bundle/state_checks.hpp"

#include <algorithm>
#include <optional>
#include <unordered_set>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/refusal.hpp"
#include "base/tar.hpp"
#include "base/text.hpp"
#include "bundle/head_checks.hpp"
#include "bundle/oci_index.hpp"
#include "trust/dsse.hpp"

namespace airlock::bundle {

using base::Digest;
using base::Error;
using base::ErrorCode;

namespace {

[[noreturn]] void refuse_state(const std::string& why) {
  throw Error(ErrorCode::tampered, why);
}

std::vector<Revoked> verify_revoked(const Head& head, const trust::Targets& targets) {
  const auto target = targets.targets.find(std::string(k_revoked_target));
  if (target == targets.targets.end()) {
    return {};
  }
  std::vector<Revoked> revoked = parse_revoked(head.target(target->first, target->second), k_revoked_target);
  if (revoked.empty()) {
    refuse_state("the list of what is revoked is empty, and an empty one is never written");
  }
  return revoked;
}

// Catalogs of all ecosystems, in the order of their names.
void verify_catalogs(const Head& head, const trust::TrustedSet& trusted, StateRows& rows,
                     const StateRows::Visit& visit) {
  for (const auto& [ecosystem, role] : trusted.delegated) {
    std::size_t expected = 0;
    for (const auto& [path, file] : role.targets) {
      if (path != catalog_target(ecosystem, expected++)) {
        refuse_state(fmt::format("'{}' is not a catalog of {}", base::printable(path), ecosystem));
      }
    }
    const auto text = [&, e = ecosystem](std::size_t i) {
      const auto target = trusted.delegated.at(e).targets.find(catalog_target(e, i));
      return head.target(target->first, target->second);
    };
    rows.add_ecosystem(ecosystem, expected, text, visit);
  }
}

void check_counts(const Descriptor& signed_one, const StateRows& rows) {
  Descriptor counted = signed_one;
  rows.count_into(counted);
  // A role that is kept empty, because roles do not vanish, has no place in the descriptor.
  std::erase_if(counted.rows, [](const auto& entry) { return entry.second == 0; });
  if (counted != signed_one) {
    refuse_state("the descriptor's numbers do not fit the catalogs");
  }
}

// Blobs that stand behind the head in its own file. `most`: how many were signed; a file with more is not listed on.
std::unordered_set<Digest> blobs_in_file(const Head& head, std::uint64_t most) {
  std::unordered_set<Digest> found;
  const std::string name = "'" + base::printable(head.file().string()) + "'";
  const base::Fd fd = base::open_for_reading(head.file());
  base::list_tar(fd.get(), base::file_size(fd.get(), name), name, k_member_limit, [&](const base::TarMember& member) {
    if (const auto blob = parse_blob_member(member.name)) {
      found.insert(blob->sha256);
      if (found.size() > most) {
        refuse_state(fmt::format("{} holds more blobs than the {} that were signed for it", name, most));
      }
    }
    return true;
  });
  return found;
}

// index.json is derived: it must be what the rows give for the blobs that travel in this file.
class IndexCheck {
 public:
  IndexCheck(const Head& head, const Shipment& shipment)
      : m_head(head), m_everything(shipment.kind == Shipment::Kind::full && shipment.volumes.empty()),
        m_some(shipment.kind == Shipment::Kind::delta && shipment.volumes.empty() && shipment.blobs > 0),
        m_here(m_some ? blobs_in_file(head, shipment.blobs) : std::unordered_set<Digest>()),
        m_builder([this](const Digest& sha256) { return m_everything || m_here.contains(sha256); }) {}

  void add(const model::FileRow& row) { m_builder.add(row); }

  void finish(const Shipment& shipment, const BlobTable& blobs) const {
    if (m_some && !is_whole(shipment, blobs)) {
      return;  // what is missing here is found, and named, when the blobs are looked at
    }
    if (m_builder.text() != m_head.oci_index()) {
      refuse_state(fmt::format("'{}' does not list the images that are here", k_oci_index_member));
    }
  }

 private:
  bool is_whole(const Shipment& shipment, const BlobTable& blobs) const {
    std::vector<Digest> omitted;
    for (const auto& blob : blobs.blobs()) {
      if (!m_here.contains(blob.sha256)) {
        omitted.push_back(blob.sha256);
      }
    }
    return omitted_digest(std::move(omitted)) == shipment.omitted;
  }

  const Head& m_head;
  bool m_everything;
  bool m_some;
  std::unordered_set<Digest> m_here;
  OciIndexBuilder m_builder;
};

}  // namespace

void check_top_level(const trust::Targets& targets) {
  for (const auto& [path, file] : targets.targets) {
    if (path != k_descriptor_target && path != k_sums_target && path != k_attachments_target &&
        path != k_revoked_target) {
      refuse_state(fmt::format("'{}' is no target of the top level", base::printable(path)));
    }
  }
  for (const std::string_view path : {k_sums_target, k_attachments_target}) {
    if (!targets.targets.contains(std::string(path))) {
      refuse_state(fmt::format("the bundle has no '{}'", path));
    }
  }
}

Descriptor open_descriptor(const Head& head, const trust::TrustedSet& trusted) {
  const auto target = trusted.targets.targets.find(std::string(k_descriptor_target));
  if (target == trusted.targets.targets.end()) {
    refuse_state("the bundle has no descriptor");
  }
  Descriptor descriptor = parse_descriptor(head.target(target->first, target->second), k_descriptor_target);
  if (descriptor.channel != trusted.targets.channel) {
    throw Error(ErrorCode::foreign, fmt::format("the descriptor is for channel '{}', the roles are for '{}'",
                                                descriptor.channel, trusted.targets.channel));
  }
  return descriptor;
}

Shipment open_shipment(const Head& head, const trust::TrustedSet& trusted, const Descriptor& descriptor) {
  if (head.shipment().empty()) {
    throw Error(ErrorCode::approval_missing, "the bundle has no shipment: it was not sealed yet");
  }
  const Shipment shipment = base::refusing_malformed([&] {
    check_own_form(head.shipment(), k_shipment_name, k_shipment_limit);
    const std::string payload =
        trust::open_envelope(head.shipment(), k_shipment_type, k_shipment_name, trusted.root.roles.at("timestamp"),
                             trusted.root.keys, k_shipment_limit);
    const trust::Envelope envelope = trust::parse_envelope(head.shipment(), k_shipment_name, k_shipment_limit);
    check_no_idle_signature(trust::dsse_pae(k_shipment_type, payload), envelope.signatures, trusted.root,
                            k_shipment_name);
    return parse_shipment(payload, k_shipment_name);
  });
  if (shipment.channel != descriptor.channel || shipment.serial != descriptor.serial ||
      shipment.bundle_id != trust::identity(trusted.snapshot_file).hex()) {
    refuse_state("the shipment belongs to another state");
  }
  return shipment;
}

void check_shipment_counts(const Head& head, const Descriptor& descriptor, const Shipment& shipment) {
  const bool adds_up = shipment.blobs + shipment.omitted_blobs == descriptor.blobs &&
                       shipment.bytes <= descriptor.bytes && shipment.blobs <= descriptor.blobs;
  const bool fits_kind =
      (shipment.kind == Shipment::Kind::full && shipment.omitted_blobs == 0 && shipment.bytes == descriptor.bytes) ||
      (shipment.kind == Shipment::Kind::metadata && shipment.blobs == 0) || shipment.kind == Shipment::Kind::delta;
  if (!adds_up || !fits_kind) {
    refuse_state("the shipment's numbers do not fit the state");
  }
  if (head.blobs_follow() && (!shipment.volumes.empty() || shipment.blobs == 0)) {
    refuse_state("blobs follow the head, where the shipment has none");
  }
}

void require_belonging(const model::BelongingRule& belongs, const model::FileRow& row) {
  if (belongs && belongs(row) == model::Belonging::no) {
    refuse_state(fmt::format("{} '{}' is said to be of '{}', which has no such path", row.ecosystem,
                             base::printable(row.path), base::printable(row.artifact)));
  }
}

StateContents check_state(const Head& head, const trust::TrustedSet& trusted, const Descriptor& descriptor,
                          const Shipment* shipment, const StateRows::Visit& visit) {
  StateContents contents;
  StateRows rows;
  std::optional<IndexCheck> index;
  if (shipment != nullptr) {
    index.emplace(head, *shipment);
  }
  verify_catalogs(head, trusted, rows, [&](const model::FileRow& row) {
    if (index && row.ecosystem == "oci") {
      index->add(row);
    }
    visit(row);
  });
  const auto& top = trusted.targets.targets;
  const auto attachments = top.find(std::string(k_attachments_target));
  contents.attachments = parse_attachments(head.target(attachments->first, attachments->second), k_attachments_target);
  rows.add_attachments(contents.attachments);
  check_counts(descriptor, rows);
  const auto sums = top.find(std::string(k_sums_target));
  if (head.target(sums->first, sums->second) != sums_text(rows.blobs().blobs())) {
    refuse_state(fmt::format("'{}' does not list the blobs of the catalogs", k_sums_target));
  }
  if (index) {
    index->finish(*shipment, rows.blobs());
  }
  contents.revoked = verify_revoked(head, trusted.targets);
  contents.blobs = rows.blobs().take();
  return contents;
}

}  // namespace airlock::bundle
