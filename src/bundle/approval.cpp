// The document, and what is done with one that is given.
#include "bundle/approval.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/folder.hpp"
#include "bundle/json_text.hpp"

namespace airlock::bundle {

using base::Error;
using base::ErrorCode;
using base::Json;

namespace {

constexpr std::string_view k_kind = "airlock-approval";
constexpr std::string_view k_role = "snapshot";
constexpr std::string_view k_front = "{\n  \"format\": ";
constexpr std::size_t k_front_window = 64;  // bytes at the start of a file, in which its kind stands

std::string hex_of(const std::string& raw) {
  return base::to_hex({reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size()});
}

Approval::Signed read_signature(const Json& entry, std::string_view name) {
  Approval::Signed signature;
  signature.keyid = base::Digest::parse_sha256_hex(base::string_member(entry, "keyid", name)).hex();
  const auto scheme = trust::find_scheme(base::string_member(entry, "scheme", name));
  const auto sig = base::from_hex(base::string_member(entry, "sig", name));
  if (!scheme || !sig || sig->empty()) {
    throw Error(ErrorCode::malformed, "a signature has no known scheme, or is not hex");
  }
  signature.scheme = *scheme;
  signature.sig = *sig;
  return signature;
}

Approval read_document_text(std::string_view text, std::string_view name) {
  const Json value = parse_document(text, name);
  if (base::string_member(value, "kind", name) != k_kind || base::string_member(value, "role", name) != k_role) {
    throw Error(ErrorCode::malformed, "it is no approval of a bundle");
  }
  Approval approval;
  approval.channel = base::string_member(value, "channel", name);
  approval.serial = base::uint_member(value, "serial", name);
  approval.version = base::uint_member(value, "version", name);
  approval.bundle_id = base::Digest::parse_sha256_hex(base::string_member(value, "payload_sha256", name)).hex();
  const Json& signatures = base::member(value, "signatures", name);
  if (!is_channel_name(approval.channel) || !signatures.is_array() || signatures.empty() ||
      signatures.size() > trust::k_signature_limit) {
    throw Error(ErrorCode::malformed,
                fmt::format("it names no channel, or has not 1 to {} signatures", trust::k_signature_limit));
  }
  for (const Json& entry : signatures) {
    Approval::Signed signature = read_signature(entry, name);
    if (!approval.signatures.empty() && signature.keyid <= approval.signatures.back().keyid) {
      throw Error(ErrorCode::malformed, "its signatures do not ascend by keyid");
    }
    approval.signatures.push_back(std::move(signature));
  }
  if (const auto seal = value.find("seal"); seal != value.end()) {
    approval.seal = {.timestamp = base::string_member(*seal, "timestamp", name),
                     .shipment = base::string_member(*seal, "shipment", name)};
  }
  return approval;
}

}  // namespace

std::string to_text(const Approval& approval) {
  OrderedJson value;
  value["format"] = k_format;
  value["kind"] = k_kind;
  value["channel"] = approval.channel;
  value["serial"] = approval.serial;
  value["role"] = k_role;
  value["version"] = approval.version;
  value["payload_sha256"] = approval.bundle_id;
  value["signatures"] = OrderedJson::array();
  for (const Approval::Signed& signature : approval.signatures) {
    value["signatures"].push_back(
        {{"keyid", signature.keyid}, {"scheme", trust::to_string(signature.scheme)}, {"sig", hex_of(signature.sig)}});
  }
  if (approval.seal) {
    value["seal"] = {{"timestamp", approval.seal->timestamp}, {"shipment", approval.seal->shipment}};
  }
  return document_text(value);
}

Approval parse_approval(std::string_view text, std::string_view name) {
  return read_document(text, name, [&](std::string_view t) { return read_document_text(t, name); });
}

bool is_approval_file(int fd, std::uint64_t file_size) {
  std::array<char, k_front_window> front{};
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(file_size, front.size()));
  try {
    base::pread_exact(fd, std::as_writable_bytes(std::span(front).first(wanted)), 0, "");
  } catch (const Error&) {
    return false;
  }
  const std::string_view text(front.data(), wanted);
  return text.starts_with(k_front) && text.find(fmt::format("\"kind\": \"{}\"", k_kind)) != std::string_view::npos;
}

bool is_approval_file(const std::filesystem::path& file) {
  try {
    const base::Fd fd = base::open_for_reading(file);
    return is_approval_file(fd.get(), base::file_size(fd.get(), file.string()));
  } catch (const Error&) {
    return false;
  }
}

Approval read_approval(const std::filesystem::path& file) {
  const std::string name = printable_path(file);
  if (!is_approval_file(file)) {
    static_cast<void>(base::open_for_reading(file));  // says it when there is no such file
    throw Error(ErrorCode::malformed, fmt::format("{} holds no approval", name))
        .with_hint("an approval is what `airlock bundle sign` writes with --detached or -o; a raw signature goes to "
                   "`airlock bundle sign HEAD --signature FILE`");
  }
  const std::string text = base::read_file(file, k_approval_limit);
  if (!text.ends_with("\n}\n")) {
    throw Error(ErrorCode::truncated, fmt::format("{} ends before the approvals do", name))
        .with_hint("copy the file again");
  }
  return parse_approval(text, name);
}

HeadSnapshot snapshot_of(const Head& head) {
  HeadSnapshot newest;
  for (const std::string& name : head.metadata_names()) {
    if (!name.ends_with(".snapshot.json")) {
      continue;
    }
    trust::SignedFile file = trust::parse_signed(head.metadata(name).value(), name, trust::k_snapshot_limit);
    trust::Snapshot value = trust::parse_snapshot(file);
    if (value.version > newest.value.version) {
      newest = {.name = name, .file = std::move(file), .value = std::move(value)};
    }
  }
  if (newest.value.version == 0) {
    throw Error(ErrorCode::malformed, "the head has no snapshot");
  }
  return newest;
}

Approval approvals_in(const HeadSnapshot& snapshot, const trust::Root& root, std::uint64_t serial) {
  Approval approval{.channel = snapshot.value.channel,
                    .serial = serial,
                    .version = snapshot.value.version,
                    .bundle_id = trust::identity(snapshot.file).hex(),
                    .signatures = {},
                    .seal = {}};
  for (const trust::Signature& signature : snapshot.file.signatures) {
    if (const auto key = root.keys.find(signature.keyid); key != root.keys.end() && !signature.sig.empty()) {
      approval.signatures.push_back({.keyid = signature.keyid, .scheme = key->second.scheme(), .sig = signature.sig});
    }
  }
  std::ranges::sort(approval.signatures, {}, &Approval::Signed::keyid);
  return approval;
}

std::vector<std::string> merge_approval(HeadSnapshot& snapshot, const Approval& approval, const trust::Root& root) {
  const std::string bundle_id = trust::identity(snapshot.file).hex();
  if (approval.bundle_id != bundle_id || approval.version != snapshot.value.version ||
      approval.channel != snapshot.value.channel) {
    throw Error(ErrorCode::foreign, fmt::format("it approves another bundle, '{}' {} with the id {}", approval.channel,
                                                approval.serial, base::group_digits(approval.bundle_id)))
        .with_hint(fmt::format("this one has the id {}", base::group_digits(bundle_id)));
  }
  const auto& listed = root.roles.at("snapshot").keyids;
  std::vector<std::string> added;
  for (const Approval::Signed& signature : approval.signatures) {
    const auto key = root.keys.find(signature.keyid);
    if (std::ranges::find(listed, signature.keyid) == listed.end() || key == root.keys.end()) {
      throw Error(ErrorCode::untrusted, fmt::format("key {} may not approve under root version {}",
                                                    signature.keyid.substr(0, 12), root.version))
          .with_hint("`airlock bundle inspect` lists who may; a key that was added later needs a new root first");
    }
    if (key->second.scheme() != signature.scheme || !key->second.verify(snapshot.file.canonical, signature.sig)) {
      throw Error(ErrorCode::untrusted,
                  fmt::format("the signature by key {} does not hold", signature.keyid.substr(0, 12)))
          .with_hint("have that person sign again, from the head as it is now; if this stays, find out who changed it");
    }
    const bool there = std::ranges::any_of(snapshot.file.signatures, [&](const trust::Signature& other) {
      return other.keyid == signature.keyid && key->second.verify(snapshot.file.canonical, other.sig);
    });
    if (!there) {
      std::string bytes = trust::add_signature(snapshot.file, key->second, signature.sig);
      snapshot.file = trust::parse_signed(std::move(bytes), snapshot.name, trust::k_metadata_ceiling);
      added.push_back(signature.keyid);
    }
  }
  return added;
}

}  // namespace airlock::bundle
