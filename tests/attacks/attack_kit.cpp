#include "attack_kit.hpp"

#include <algorithm>
#include <fstream>

#include "base/tar.hpp"
#include "trust/canonical.hpp"
#include "trust/dsse.hpp"

namespace airlock::test {

using base::Json;

namespace {

void put_octal(std::string& block, std::size_t offset, std::size_t digits, std::uint64_t value) {
  for (std::size_t i = digits; i-- > 0;) {
    block[offset + i] = static_cast<char>('0' + (value & 7));
    value >>= 3;
  }
}

}  // namespace

std::string raw_header(const RawMember& member) {
  std::string block = base::tar_header("placeholder", 0, 1'782'907'200);
  block.replace(0, 100, member.name + std::string(100 - member.name.size(), '\0'));
  put_octal(block, 124, 11, member.announced == UINT64_MAX ? member.content.size() : member.announced);
  block[156] = member.type;
  if (member.type == '1' || member.type == '2') {
    const std::string target = "/etc/passwd";
    block.replace(157, target.size(), target);
  }
  block.replace(148, 8, "        ");
  std::uint64_t sum = 0;
  for (const char c : block) {
    sum += static_cast<unsigned char>(c);
  }
  put_octal(block, 148, 6, sum);
  block[154] = '\0';
  block[155] = ' ';
  return block;
}

std::string read_bytes(const std::filesystem::path& path) {
  return base::read_file(path, 1u << 30);
}

void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

std::vector<RawMember> take_apart(const std::filesystem::path& tar) {
  const std::string bytes = read_bytes(tar);
  const base::Fd fd = base::open_for_reading(tar);
  std::vector<RawMember> members;
  base::list_tar(fd.get(), bytes.size(), tar.string(), 100'000, [&](const base::TarMember& member) {
    members.push_back({.name = member.name, .content = bytes.substr(member.offset, member.size)});
    return true;
  });
  return members;
}

std::string put_together(const std::vector<RawMember>& members) {
  std::string bytes;
  for (const RawMember& member : members) {
    bytes += raw_header(member) + member.content;
    bytes.append(base::tar_padding(member.content.size()), '\0');
  }
  return bytes + std::string(base::k_tar_end_size, '\0');
}

std::size_t index_of(const std::vector<RawMember>& members, std::string_view name_part) {
  const auto found = std::ranges::find_if(
      members, [&](const RawMember& member) { return member.name.find(name_part) != std::string::npos; });
  REQUIRE(found != members.end());
  return static_cast<std::size_t>(found - members.begin());
}

std::string fate(const std::filesystem::path& path, const bundle::VerifyOptions& options,
                 const std::vector<std::filesystem::path>& folders) {
  try {
    bundle::EmptyStateStore state;
    const bundle::Head head = bundle::Head::read(path);
    const bundle::VerifiedBundle verified = bundle::verify_head(head, state, options);
    const bundle::BlobMap map = bundle::BlobMap::scan(head, folders);
    std::uint64_t here = 0;
    for (const auto& blob : verified.blobs()) {
      const auto location = map.find(blob.sha256);
      if (!location) {
        continue;
      }
      ++here;
      bundle::BlobSource source(*location);
      base::NullSink nowhere;
      base::HashingSink sink(nowhere);
      base::copy(source, sink);
      if (location->length != blob.length || sink.finish() != blob.sha256) {
        return "tampered";
      }
    }
    return here >= verified.shipment().blobs ? "ok" : "missing";
  } catch (const base::Error& error) {
    return std::string(base::error_code_info(error.code()).name);
  }
}

DishonestProducer::DishonestProducer(const ProducerKeys& keys, bundle::HeadContents contents)
    : head(std::move(contents)), m_keys(keys) {}

std::string DishonestProducer::role_name(const std::string& role) const {
  if (role == "timestamp") {
    return "timestamp.json";
  }
  for (const auto& [name, bytes] : head.metadata) {
    if (name.ends_with("." + role + ".json")) {
      return name;
    }
  }
  FAIL("no such role: " << role);
  return "";
}

std::string DishonestProducer::role_bytes(const std::string& role) const {
  return head.metadata.at(role_name(role));
}

std::string DishonestProducer::signing_role(const std::string& role) const {
  return role == "snapshot" || role == "timestamp" ? role : "targets";
}

// Notes the new file in its parent, and so on to the top.
void DishonestProducer::replace(const std::string& role, const std::string& bytes) {
  head.metadata[role_name(role)] = bytes;
  if (role == "timestamp") {
    return;
  }
  const std::string parent = role == "snapshot" ? "timestamp" : "snapshot";
  edit_role(parent, [&](Json& part) {
    Json& meta = part["meta"][role + ".json"];
    meta["length"] = bytes.size();
    meta["hashes"] = {{"sha256", base::sha256(bytes).hex()}};
  });
}

void DishonestProducer::edit_role(const std::string& role, const Edit& edit,
                                  const std::vector<const trust::Signer*>& signers) {
  Json part = base::parse_json(role_bytes(role), role)["signed"];
  edit(part);
  const auto all = m_keys.signing_set();
  replace(role, trust::sign_role(part, signers.empty() ? all.signers.at(signing_role(role)) : signers));
}

void DishonestProducer::set_role_bytes(const std::string& role, const std::string& bytes) {
  replace(role, bytes);
}

void DishonestProducer::set_target(const std::string& path, const std::string& text) {
  head.targets[path] = text;
  const std::size_t slash = path.find('/');
  edit_role(slash == std::string::npos ? "targets" : path.substr(0, slash), [&](Json& part) {
    part["targets"][path] = {{"length", text.size()}, {"hashes", {{"sha256", base::sha256(text).hex()}}}};
  });
  renew_shipment();
}

void DishonestProducer::remove_target(const std::string& path) {
  head.targets.erase(path);
  const std::size_t slash = path.find('/');
  edit_role(slash == std::string::npos ? "targets" : path.substr(0, slash),
            [&](Json& part) { part["targets"].erase(path); });
  renew_shipment();
}

bundle::Shipment DishonestProducer::shipment() const {
  const trust::Envelope envelope = trust::parse_envelope(head.shipment, "shipment", 1 << 20);
  return bundle::parse_shipment(envelope.payload, "shipment");
}

void DishonestProducer::set_shipment(const bundle::Shipment& shipment, const std::vector<const trust::Signer*>& signers,
                                     std::string_view type) {
  head.shipment = trust::sign_envelope(type, bundle::to_text(shipment), signers);
}

void DishonestProducer::renew_shipment() {
  bundle::Shipment renewed = shipment();
  // Not through the parser of signed files, which refuses what this producer may have made.
  const Json part = base::parse_json(role_bytes("snapshot"), "snapshot")["signed"];
  renewed.bundle_id = trust::canonical_sha256(part).hex();
  set_shipment(renewed, {&m_keys.signer("timestamp")});
}

Scene::Scene(const ProducerKeys& keys, const BundlePlan& plan) : m_keys(keys) {
  made = make_bundle(m_folder.path(), sample_files(), keys, plan);
  members = take_apart(made.head);
}

std::string Scene::fate_of_bytes(const std::string& bytes) {
  const auto path = m_changed.path() / "changed.airlock";
  write_bytes(path, bytes);
  return fate(path, verify_options(m_keys));
}

std::string Scene::fate_with(const bundle::HeadContents& head, base::Time now) {
  const auto path = m_changed.path() / "changed.airlock";
  const std::string whole = read_bytes(made.head);
  const std::uint64_t room = bundle::Head::read(made.head).size();
  auto bytes = bundle::build_head(head, room, bundle::HeadEnd::blobs_follow);
  if (!bytes) {
    bytes = bundle::build_head(head, std::nullopt, bundle::HeadEnd::blobs_follow);
  }
  REQUIRE(bytes);
  write_bytes(path, *bytes + whole.substr(room));
  return fate(path, verify_options(m_keys, now));
}

}  // namespace airlock::test
