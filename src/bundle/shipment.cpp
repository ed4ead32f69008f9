// The shipment: what travels this time, as the payload of a DSSE envelope.
#include <algorithm>

#include <fmt/format.h>

#include "bundle/documents.hpp"
#include "bundle/json_text.hpp"

namespace airlock::bundle {

using base::Digest;
using base::Error;
using base::ErrorCode;
using base::Json;
using base::member;
using base::string_member;
using base::uint_member;

namespace {

constexpr std::size_t k_base_limit = 1'000;

Shipment::Kind parse_kind(std::string_view text) {
  for (const auto kind : {Shipment::Kind::full, Shipment::Kind::delta, Shipment::Kind::metadata}) {
    if (to_string(kind) == text) {
      return kind;
    }
  }
  throw Error(ErrorCode::malformed, "it is neither full nor delta nor metadata");
}

const Json& list_member(const Json& object, std::string_view key, std::string_view name, std::size_t limit) {
  const Json& value = member(object, key, name);
  if (!value.is_array() || value.size() > limit) {
    throw Error(ErrorCode::malformed, fmt::format("{}: '{}' is not a list of at most {}", name, key, limit));
  }
  return value;
}

Shipment read_shipment(std::string_view text, std::string_view name) {
  const Json value = parse_document(text, name);
  Shipment shipment;
  shipment.channel = string_member(value, "channel", name);
  shipment.serial = uint_member(value, "serial", name);
  shipment.number = uint_member(value, "shipment", name);
  shipment.bundle_id = Digest::parse_sha256_hex(string_member(value, "bundle", name)).hex();
  shipment.kind = parse_kind(string_member(value, "kind", name));
  for (const Json& entry : list_member(value, "bases", name, k_base_limit)) {
    shipment.bases.push_back({.serial = uint_member(entry, "serial", name),
                              .bundle_id = Digest::parse_sha256_hex(string_member(entry, "bundle", name)).hex()});
  }
  for (const Json& entry : list_member(value, "volumes", name, k_volume_limit)) {
    shipment.volumes.push_back({.length = uint_member(entry, "length", name),
                                .sha256 = Digest::parse_sha256_hex(string_member(entry, "sha256", name))});
  }
  shipment.blobs = uint_member(value, "blobs", name);
  shipment.bytes = uint_member(value, "bytes", name);
  shipment.omitted = Digest::parse_sha256_hex(string_member(value, "omitted", name));
  shipment.omitted_blobs = uint_member(value, "omitted_blobs", name);
  return shipment;
}

}  // namespace

std::string_view to_string(Shipment::Kind kind) {
  switch (kind) {
  case Shipment::Kind::full:
    return "full";
  case Shipment::Kind::delta:
    return "delta";
  case Shipment::Kind::metadata:
    break;
  }
  return "metadata";
}

std::string to_text(const Shipment& shipment) {
  OrderedJson value;
  value["format"] = k_format;
  value["channel"] = shipment.channel;
  value["serial"] = shipment.serial;
  value["shipment"] = shipment.number;
  value["bundle"] = shipment.bundle_id;
  value["kind"] = to_string(shipment.kind);
  value["bases"] = OrderedJson::array();
  for (const ShipmentBase& base : shipment.bases) {
    value["bases"].push_back({{"serial", base.serial}, {"bundle", base.bundle_id}});
  }
  value["volumes"] = OrderedJson::array();
  for (const VolumeRecord& volume : shipment.volumes) {
    value["volumes"].push_back({{"length", volume.length}, {"sha256", volume.sha256.hex()}});
  }
  value["blobs"] = shipment.blobs;
  value["bytes"] = shipment.bytes;
  value["omitted"] = shipment.omitted.hex();
  value["omitted_blobs"] = shipment.omitted_blobs;
  return document_text(value);
}

Shipment parse_shipment(std::string_view text, std::string_view name) {
  return read_document(text, name, [&](std::string_view t) { return read_shipment(t, name); });
}

Digest omitted_digest(std::vector<Digest> omitted) {
  std::ranges::sort(omitted);
  base::Hasher hasher;
  for (const Digest& digest : omitted) {
    hasher.update(digest.hex() + "\n");
  }
  return hasher.finish();
}

}  // namespace airlock::bundle
