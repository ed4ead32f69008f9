#include "bundle/documents.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/text.hpp"
#include "bundle/json_text.hpp"
#include "model/item.hpp"

namespace airlock::bundle {

using base::Digest;
using base::Error;
using base::ErrorCode;
using base::Json;
using base::member;
using base::string_member;
using base::uint_member;

namespace {

constexpr std::size_t k_list_limit = 10'000;  // waivers, platforms, attachments

[[noreturn]] void malformed(std::string_view name, std::string_view what) {
  throw Error(ErrorCode::malformed, fmt::format("{}: {}", name, what));
}

const Json& array_member(const Json& object, std::string_view key, std::string_view name) {
  const Json& value = member(object, key, name);
  if (!value.is_array() || value.size() > k_list_limit) {
    malformed(name, fmt::format("'{}' is not a list of at most {}", key, k_list_limit));
  }
  return value;
}

std::vector<model::Waiver> read_waivers(const Json& object, std::string_view name) {
  std::vector<model::Waiver> waivers;
  for (const Json& entry : array_member(object, "waivers", name)) {
    waivers.push_back({.upstream = string_member(entry, "upstream", name), .what = string_member(entry, "what", name)});
  }
  return waivers;
}

std::map<std::string, std::uint64_t> read_counts(const Json& object, std::string_view name) {
  const Json& rows = member(object, "rows", name);
  if (!rows.is_object() || rows.size() > k_list_limit) {
    malformed(name, "'rows' is not an object");
  }
  std::map<std::string, std::uint64_t> counts;
  for (const auto& [ecosystem, count] : rows.items()) {
    if (!is_ecosystem_name(ecosystem)) {
      malformed(name, fmt::format("'{}' is not the name of an ecosystem", base::printable(ecosystem)));
    }
    counts[ecosystem] = uint_member(rows, ecosystem, name);
  }
  return counts;
}

Descriptor read_descriptor(std::string_view text, std::string_view name) {
  const Json value = parse_document(text, name);
  Descriptor descriptor;
  descriptor.channel = string_member(value, "channel", name);
  if (!is_channel_name(descriptor.channel)) {
    malformed(name, fmt::format("'{}' is not the name of a channel", base::printable(descriptor.channel)));
  }
  descriptor.serial = uint_member(value, "serial", name);
  descriptor.created = base::parse_rfc3339(string_member(value, "created", name));
  descriptor.request = Digest::parse(string_member(value, "request", name));
  descriptor.rows = read_counts(value, name);
  descriptor.artifacts = uint_member(value, "artifacts", name);
  descriptor.blobs = uint_member(value, "blobs", name);
  descriptor.bytes = uint_member(value, "bytes", name);
  for (const Json& platform : array_member(value, "platforms", name)) {
    if (!platform.is_string()) {
      malformed(name, "a platform is not a string");
    }
    descriptor.platforms.push_back(platform.get<std::string>());
  }
  descriptor.waivers = read_waivers(value, name);
  descriptor.tool = string_member(value, "tool", name);
  if (value.contains("previous")) {
    descriptor.previous = Digest::parse_sha256_hex(string_member(value, "previous", name)).hex();
  }
  return descriptor;
}

std::vector<Attachment> read_attachments(std::string_view text, std::string_view name) {
  const Json value = parse_document(text, name);
  std::vector<Attachment> attachments;
  for (const Json& entry : array_member(value, "attachments", name)) {
    attachments.push_back({.kind = string_member(entry, "kind", name),
                           .media_type = string_member(entry, "media_type", name),
                           .sha256 = Digest::parse_sha256_hex(string_member(entry, "sha256", name)),
                           .length = uint_member(entry, "length", name)});
    if (attachments.back().length > k_blob_limit) {
      malformed(name, "an attachment is larger than a blob may be");
    }
  }
  return attachments;
}

bool is_revocable(const std::string& text) {
  if (!text.starts_with("sha256:") && !text.starts_with("pkg:")) {
    return false;
  }
  try {
    return model::Item::parse(text).text() == text;
  } catch (const Error&) {
    return false;
  }
}

bool is_reason(std::string_view text) {
  return text.size() <= k_reason_limit && base::printable(text, k_reason_limit) == text;
}

}  // namespace

std::string to_text(const Descriptor& descriptor) {
  OrderedJson value;
  value["format"] = k_format;
  value["channel"] = descriptor.channel;
  value["serial"] = descriptor.serial;
  value["created"] = base::to_rfc3339(descriptor.created);
  value["request"] = descriptor.request.to_string();
  value["rows"] = OrderedJson::object();
  for (const auto& [ecosystem, count] : descriptor.rows) {
    value["rows"][ecosystem] = count;
  }
  value["artifacts"] = descriptor.artifacts;
  value["blobs"] = descriptor.blobs;
  value["bytes"] = descriptor.bytes;
  value["platforms"] = descriptor.platforms;
  value["waivers"] = OrderedJson::array();
  for (const model::Waiver& waiver : descriptor.waivers) {
    value["waivers"].push_back({{"upstream", waiver.upstream}, {"what", waiver.what}});
  }
  value["tool"] = descriptor.tool;
  if (descriptor.previous) {
    value["previous"] = *descriptor.previous;
  }
  return document_text(value);
}

Descriptor parse_descriptor(std::string_view text, std::string_view name) {
  return read_document(text, name, [&](std::string_view t) { return read_descriptor(t, name); });
}

std::string to_text(const std::vector<Attachment>& attachments) {
  OrderedJson value;
  value["format"] = k_format;
  value["attachments"] = OrderedJson::array();
  for (const Attachment& attachment : attachments) {
    value["attachments"].push_back({{"kind", attachment.kind},
                                    {"media_type", attachment.media_type},
                                    {"sha256", attachment.sha256.hex()},
                                    {"length", attachment.length}});
  }
  return document_text(value);
}

std::vector<Attachment> parse_attachments(std::string_view text, std::string_view name) {
  return read_document(text, name, [&](std::string_view t) { return read_attachments(t, name); });
}

std::string revoked_text(const std::vector<Revoked>& revoked) {
  std::map<std::string_view, const Revoked*> sorted;
  for (const Revoked& entry : revoked) {
    sorted.emplace(entry.item, &entry);
  }
  if (sorted.size() > k_revoked_limit) {
    throw Error(ErrorCode::limit, fmt::format("{} revoked items are more than the {} that one list may have",
                                              sorted.size(), k_revoked_limit))
        .with_hint("revoke whole packages, pkg:TYPE/NAME, where every version is meant");
  }
  std::string text;
  for (const auto& [item, entry] : sorted) {
    if (!is_revocable(entry->item)) {
      throw Error(ErrorCode::malformed,
                  fmt::format("'{}' is neither a sha256 digest nor a package URL", base::printable(entry->item)));
    }
    if (!is_reason(entry->reason)) {
      throw Error(ErrorCode::malformed, fmt::format("a reason is one line of at most {} bytes", k_reason_limit));
    }
    OrderedJson line = {{item.starts_with("pkg:") ? "artifact" : "digest", entry->item}};
    if (!entry->reason.empty()) {
      line["reason"] = entry->reason;
    }
    text += line.dump() + "\n";
  }
  return text;
}

std::vector<Revoked> parse_revoked(std::string_view text, std::string_view name) {
  std::vector<Revoked> revoked;
  try {
    for (std::size_t start = 0; start < text.size();) {
      if (revoked.size() == k_revoked_limit) {
        refuse_document(name, fmt::format("it has more than {} lines", k_revoked_limit));
      }
      const std::size_t end = std::min(text.find('\n', start), text.size());
      const Json line = base::parse_json(text.substr(start, end - start), name, {}, base::Numbers::integers);
      revoked.emplace_back(string_member(line, line.contains("artifact") ? "artifact" : "digest", name),
                           line.contains("reason") ? string_member(line, "reason", name) : std::string());
      start = end + 1;
    }
    if (revoked_text(revoked) != text) {
      refuse_document(name, "it is not written as airlock writes it");
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::malformed && error.code() != ErrorCode::limit) {
      throw;
    }
    refuse_document(name, error.message());
  }
  return revoked;
}

}  // namespace airlock::bundle
