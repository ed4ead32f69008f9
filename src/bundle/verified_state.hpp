// What a VerifiedBundle holds. For the files of this folder only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bundle/verified_bundle.hpp"

namespace airlock::bundle {

struct VerifiedBundle::Impl {
  std::optional<Head> head;
  trust::TrustedSet trusted;
  Descriptor descriptor;
  Shipment shipment;
  std::vector<Attachment> attachments;
  std::string producer;
  std::size_t approvals = 0;
  std::vector<StateBlob> blobs;
  std::vector<Revoked> revoked;
};

}  // namespace airlock::bundle
