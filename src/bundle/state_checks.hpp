// What verification asks of the documents and catalogs of a state, once its roles are read; shared with inspection,
// which asks the same without trust. Each throws as verify_head says. For the files of this folder only.
#pragma once

#include <string>
#include <vector>

#include "bundle/head.hpp"
#include "bundle/state_rows.hpp"
#include "bundle/verified_bundle.hpp"

namespace airlock::bundle {

// Target paths of the top level are the four that airlock knows, and those that every state has are there.
void check_top_level(const trust::Targets& targets);
Descriptor open_descriptor(const Head& head, const trust::TrustedSet& trusted);
// Signed by the timestamp role, and of this state. Throws approval_missing where there is none.
Shipment open_shipment(const Head& head, const trust::TrustedSet& trusted, const Descriptor& descriptor);
// The shipment's numbers against the state's, as far as the head alone can tell.
void check_shipment_counts(const Head& head, const Descriptor& descriptor, const Shipment& shipment);

struct StateContents {
  std::vector<Attachment> attachments;
  std::vector<VerifiedBundle::StateBlob> blobs;
  std::vector<Revoked> revoked;
};
// Catalogs in full, the descriptor's numbers, SHA256SUMS, attachments, what is revoked; with a shipment, index.json
// too.
StateContents check_state(const Head& head, const trust::TrustedSet& trusted, const Descriptor& descriptor,
                          const Shipment* shipment, const StateRows::Visit& visit);

// Throws tampered where the row's path is none of the artifact that it is said to be of.
void require_belonging(const model::BelongingRule& belongs, const model::FileRow& row);

}  // namespace airlock::bundle
