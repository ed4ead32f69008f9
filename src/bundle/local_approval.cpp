#include "bundle/local_approval.hpp"

#include <fmt/format.h>

#include "bundle/json_text.hpp"
#include "bundle/layout.hpp"

namespace airlock::bundle {

using base::Error;
using base::ErrorCode;
using base::Json;

namespace {

constexpr std::size_t k_local_text_limit = 1'000;  // bytes of reason and ticket

LocalApproval read_local_approval(std::string_view text, std::string_view name) {
  const Json value = parse_document(text, name);
  const auto digest = [&](std::string_view key) {
    return base::Digest::parse_sha256_hex(base::string_member(value, key, name));
  };
  LocalApproval approval;
  approval.producer = digest("producer").hex();
  approval.channel = base::string_member(value, "channel", name);
  approval.serial = base::uint_member(value, "serial", name);
  approval.bundle_id = digest("bundle_id").hex();
  approval.root_version = base::uint_member(value, "root_version", name);
  approval.snapshot_version = base::uint_member(value, "snapshot_version", name);
  approval.snapshot_sha256 = digest("snapshot_sha256");
  approval.policy_sha256 = digest("policy_sha256");
  approval.time = base::parse_rfc3339(base::string_member(value, "time", name));
  approval.tool = base::string_member(value, "tool", name);
  approval.reason = base::string_member_or(value, "reason", "", name);
  approval.ticket = base::string_member_or(value, "ticket", "", name);
  if (!is_channel_name(approval.channel) || approval.reason.size() > k_local_text_limit ||
      approval.ticket.size() > k_local_text_limit) {
    throw Error(ErrorCode::malformed, "it names no channel, or says more than anybody reads");
  }
  return approval;
}

}  // namespace

std::string to_text(const LocalApproval& approval) {
  OrderedJson value;
  value["format"] = k_format;
  value["producer"] = approval.producer;
  value["channel"] = approval.channel;
  value["serial"] = approval.serial;
  value["bundle_id"] = approval.bundle_id;
  value["root_version"] = approval.root_version;
  value["snapshot_version"] = approval.snapshot_version;
  value["snapshot_sha256"] = approval.snapshot_sha256.hex();
  value["policy_sha256"] = approval.policy_sha256.hex();
  value["time"] = base::to_rfc3339(approval.time);
  value["tool"] = approval.tool;
  if (!approval.reason.empty()) {
    value["reason"] = approval.reason;
  }
  if (!approval.ticket.empty()) {
    value["ticket"] = approval.ticket;
  }
  return document_text(value);
}

LocalApproval parse_local_approval(std::string_view text, std::string_view name) {
  return read_document(text, name, [&](std::string_view t) { return read_local_approval(t, name); });
}

}  // namespace airlock::bundle
