// An inspection as one JSON object, for scripts.
#include "bundle/inspection.hpp"

namespace airlock::bundle {

using base::Json;

namespace {

std::string_view to_string(InspectionCheck::Result result) {
  switch (result) {
  case InspectionCheck::Result::passed:
    return "passed";
  case InspectionCheck::Result::failed:
    return "failed";
  case InspectionCheck::Result::pending:
    return "not-yet";
  case InspectionCheck::Result::not_possible:
    break;
  }
  return "not-possible";
}

Json to_json(const InspectedArtifact& artifact) {
  return {{"purl", artifact.purl},
          {"ecosystem", artifact.ecosystem},
          {"name", artifact.name},
          {"version", artifact.version},
          {"platforms", artifact.platforms},
          {"files", artifact.files},
          {"bytes", artifact.bytes},
          {"origins", artifact.origins},
          {"license", artifact.license},
          {"verified", model::to_string(artifact.verified)},
          {"known_only", artifact.known_only},
          {"paths", artifact.paths}};
}

Json to_json(const std::vector<InspectedArtifact>& artifacts) {
  Json list = Json::array();
  for (const InspectedArtifact& artifact : artifacts) {
    list.push_back(to_json(artifact));
  }
  return list;
}

Json to_json(const Shipment& shipment) {
  Json bases = Json::array();
  for (const ShipmentBase& base : shipment.bases) {
    bases.push_back({{"serial", base.serial}, {"bundle_id", base.bundle_id}});
  }
  Json volumes = Json::array();
  for (const VolumeRecord& volume : shipment.volumes) {
    volumes.push_back({{"length", volume.length}, {"sha256", volume.sha256.hex()}});
  }
  return {{"kind", to_string(shipment.kind)},       {"number", shipment.number}, {"bases", std::move(bases)},
          {"volumes", std::move(volumes)},          {"blobs", shipment.blobs},   {"bytes", shipment.bytes},
          {"omitted_blobs", shipment.omitted_blobs}};
}

Json to_json(const InspectionDiff& diff) {
  Json updated = Json::array();
  for (const InspectionDiff::Update& update : diff.updated) {
    updated.push_back({{"ecosystem", update.ecosystem},
                       {"name", update.name},
                       {"removed", update.removed},
                       {"added", update.added},
                       {"paths", update.paths}});
  }
  Json changed = Json::array();
  for (const InspectionDiff::Change& change : diff.changed) {
    changed.push_back({{"before", to_json(change.before)}, {"after", to_json(change.after)}});
  }
  return {{"against",
           {{"channel", diff.before_channel}, {"serial", diff.before_serial}, {"is_previous", diff.is_previous}}},
          {"added", to_json(diff.added)},
          {"removed", to_json(diff.removed)},
          {"updated", std::move(updated)},
          {"changed", std::move(changed)},
          {"kept", diff.kept}};
}

Json ecosystems_json(const Inspection& inspection) {
  Json object = Json::object();
  for (const auto& [name, ecosystem] : inspection.ecosystems) {
    object[name] = {{"artifacts", ecosystem.artifacts},
                    {"files", ecosystem.files},
                    {"known", ecosystem.known},
                    {"bytes", ecosystem.bytes}};
  }
  return object;
}

Json revoked_json(const std::vector<Revoked>& revoked) {
  Json list = Json::array();
  for (const Revoked& entry : revoked) {
    list.push_back({{"item", entry.item}, {"reason", entry.reason}});
  }
  return list;
}

Json checks_json(const Inspection& inspection) {
  Json list = Json::array();
  for (const InspectionCheck& check : inspection.checks) {
    list.push_back({{"what", check.what}, {"result", to_string(check.result)}, {"detail", check.detail}});
  }
  return list;
}

}  // namespace

Json render_json(const Inspection& inspection, const InspectionDiff* diff) {
  Json value = {{"file", inspection.file},
                {"channel", inspection.channel},
                {"serial", inspection.serial},
                {"sealed", inspection.sealed},
                {"kind", inspection.shipment_text()},
                {"created", inspection.created},
                {"bundle_id", inspection.bundle_id},
                {"tool", inspection.tool},
                {"root_version", inspection.root_version},
                {"root_fingerprint", inspection.root_fingerprint},
                {"first_root_fingerprint", inspection.first_root_fingerprint},
                {"approvers", inspection.approvers},
                {"not_approved", inspection.not_approved},
                {"approvals_needed", inspection.approvals_needed},
                {"names", inspection.names},
                {"next", inspection.next_step()},
                {"approval", inspection.approval_text()},
                {"expiry", inspection.expiry},
                {"platforms", inspection.platforms},
                {"revoked", revoked_json(inspection.revoked)},
                {"blobs", inspection.blobs},
                {"bytes", inspection.bytes},
                {"head_bytes", inspection.head_bytes},
                {"ecosystems", ecosystems_json(inspection)},
                {"artifacts", to_json(inspection.artifacts)},
                {"checks", checks_json(inspection)}};
  value["serial_remark"] = serial_remark(inspection, diff);
  value["snapshot_version"] = inspection.snapshot_version;
  value["previous"] = inspection.previous ? Json(*inspection.previous) : Json();
  value["shipment"] = inspection.shipment ? to_json(*inspection.shipment) : Json();
  value["waivers"] = Json::array();
  for (const model::Waiver& waiver : inspection.waivers) {
    value["waivers"].push_back({{"upstream", waiver.upstream}, {"what", waiver.what}});
  }
  value["attachments"] = Json::array();
  for (const Attachment& attachment : inspection.attachments) {
    value["attachments"].push_back({{"kind", attachment.kind},
                                    {"media_type", attachment.media_type},
                                    {"sha256", attachment.sha256.hex()},
                                    {"length", attachment.length}});
  }
  value["verified"] = Json::object();
  for (const auto& [verified, files] : inspection.files_by_verified) {
    value["verified"][std::string(model::to_string(verified))] = files;
  }
  if (diff != nullptr) {
    value["difference"] = to_json(*diff);
  }
  return value;
}

}  // namespace airlock::bundle
