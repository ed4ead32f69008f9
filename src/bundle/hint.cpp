// airlock.json: the first member of every file of a set.
#include <fmt/format.h>

#include "bundle/documents.hpp"
#include "bundle/json_text.hpp"

namespace airlock::bundle {

using base::Error;
using base::Json;

namespace {

constexpr std::string_view k_about = "part of an airlock bundle; 'airlock bundle verify FILE' checks it";

}  // namespace

std::string to_text(const Hint& hint) {
  OrderedJson value;
  value["format"] = k_format;
  value["about"] = k_about;
  value["kind"] = hint.kind;
  value["channel"] = hint.channel;
  value["serial"] = hint.serial;
  value["shipment"] = hint.shipment;
  value["set"] = hint.set;
  value["volume"] = hint.volume;
  value["volumes"] = hint.volumes;
  value["created"] = hint.created;
  value["needs"] = hint.needs;
  return value.dump() + "\n";
}

std::optional<Hint> parse_hint(std::string_view text) {
  constexpr std::string_view name = k_hint_member;
  try {
    const Json value = base::parse_json(text, name, {.bytes = 64 * 1024}, base::Numbers::integers);
    return Hint{.kind = base::string_member(value, "kind", name),
                .channel = base::string_member(value, "channel", name),
                .serial = base::uint_member(value, "serial", name),
                .shipment = base::uint_member(value, "shipment", name),
                .set = base::string_member(value, "set", name),
                .volume = base::uint_member(value, "volume", name),
                .volumes = base::uint_member(value, "volumes", name),
                .created = base::string_member(value, "created", name),
                .needs = base::string_member(value, "needs", name)};
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::string set_id(std::string_view channel, std::uint64_t serial, std::uint64_t shipment, base::Time created) {
  return base::sha256(
             fmt::format("airlock set\n{}\n{}\n{}\n{}\n", channel, serial, shipment, base::to_rfc3339(created)))
      .hex();
}

Hint head_hint(std::string_view channel, std::uint64_t serial, std::uint64_t shipment, base::Time created,
               std::uint64_t volumes) {
  return {.kind = "head",
          .channel = std::string(channel),
          .serial = serial,
          .shipment = shipment,
          .set = set_id(channel, serial, shipment, created),
          .volumes = volumes,
          .created = base::to_rfc3339(created)};
}

}  // namespace airlock::bundle
