#include "attack_kit.hpp"

#include <algorithm>
#include <fstream>
#include <memory>

#include "base/reporter.hpp"
#include "base/tar.hpp"
#include "model/purl.hpp"
#include "store/state_db.hpp"
#include "trust/canonical.hpp"
#include "trust/dsse.hpp"
#include "workflow/import.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/verify.hpp"

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

std::string artifact_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return model::Purl{.type = "generic",
                     .namespace_ = slash == std::string::npos ? "" : path.substr(0, slash),
                     .name = path.substr(slash == std::string::npos ? 0 : slash + 1),
                     .version = "1.0.0",
                     .qualifiers = {}}
      .to_string();
}

std::size_t index_of(const std::vector<RawMember>& members, std::string_view name_part) {
  const auto found = std::ranges::find_if(
      members, [&](const RawMember& member) { return member.name.find(name_part) != std::string::npos; });
  REQUIRE(found != members.end());
  return static_cast<std::size_t>(found - members.begin());
}

namespace {

// A home that trusts a root and holds nothing, and fresh copies of it: making one anew takes longer than an import.
class TrustedHome {
 public:
  static workflow::Home copy_to(const std::filesystem::path& folder, const std::string& root) {
    static TrustedHome last;
    if (!last.m_folder || last.m_root != root) {
      last.make(root);
    }
    std::filesystem::copy(last.m_folder->path(), folder, std::filesystem::copy_options::recursive);
    return {.root = folder, .config = folder};
  }

 private:
  void make(const std::string& root) {
    m_folder = std::make_unique<base::TempDir>();
    m_root = root;
    workflow::pin_root({.root = m_folder->path(), .config = m_folder->path()}, root, {});
    const store::StateDb made(m_folder->path(), store::StateDb::Access::change);
  }

  std::unique_ptr<base::TempDir> m_folder;
  std::string m_root;
};

Fate fate_of_error(const base::Error& error) {
  const auto& info = base::error_code_info(error.code());
  return {.code = std::string(info.name), .exit_code = info.exit_code, .message = error.message(), .stored = {}};
}

template <typename Action>
Fate fate_of(Action&& action) {
  try {
    return action();
  } catch (const base::Error& error) {
    return fate_of_error(error);
  }
}

Fate verify_in(const workflow::Home& home, const std::filesystem::path& path, const bundle::VerifyOptions& options,
               const std::vector<std::filesystem::path>& folders) {
  return fate_of([&] {
    base::SilentReporter silent;
    const auto report = workflow::verify_bundle(
        {.bundle = path, .volumes = folders, .root = {}, .home = home, .wall = options.now, .threads = 1}, silent);
    Fate fate{.code = "ok", .exit_code = report.exit_code(), .message = {}, .stored = {}};
    for (const base::Finding& finding : report.findings) {
      const auto& info = base::error_code_info(finding.code);
      if (finding.severity == base::Severity::error && info.exit_code == fate.exit_code && fate.code == "ok") {
        fate.code = info.name;
        fate.message = finding.message;
      }
    }
    return fate;
  });
}

std::set<std::string> blobs_in(const std::filesystem::path& folder) {
  std::set<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, ignored)) {
    if (base::Digest::is_sha256_hex(entry.path().filename().string())) {
      names.insert(entry.path().filename().string());
    }
  }
  return names;
}

Fate import_in(const workflow::Home& home, const std::filesystem::path& path, const bundle::VerifyOptions& options,
               const std::vector<std::filesystem::path>& folders) {
  Fate fate = fate_of([&] {
    workflow::ImportOptions import_options;
    import_options.home = home;
    import_options.bundles = {path};
    import_options.volumes = folders;
    const base::FixedClock clock(options.now);
    base::SilentReporter silent;
    workflow::import_bundles(import_options, clock, silent);
    return Fate{.code = "ok", .exit_code = 0, .message = {}, .stored = {}};
  });
  const store::StateDb state(home.root, store::StateDb::Access::read);
  CHECK(state.generations().empty() == (fate.exit_code != 0));  // all of it is visible, or nothing
  fate.stored = blobs_in(home.blobs());
  return fate;
}

}  // namespace

Fate fate(const std::filesystem::path& path, const bundle::VerifyOptions& options,
          const std::vector<std::filesystem::path>& folders) {
  const base::TempDir folder;
  const workflow::Home home = TrustedHome::copy_to(folder.path() / "home", options.pinned_root);
  const Fate verified = verify_in(home, path, options, folders);
  Fate imported = import_in(home, path, options, folders);
  INFO("import: " << imported << "; verify: " << verified);
  CHECK(verified.exit_code == imported.exit_code);
  return imported;
}

Fate fate_of_verify(const std::filesystem::path& path, const bundle::VerifyOptions& options) {
  const base::TempDir folder;
  return verify_in(TrustedHome::copy_to(folder.path() / "home", options.pinned_root), path, options, {});
}

Fate fate_of_head(const std::filesystem::path& path, const bundle::VerifyOptions& options) {
  return fate_of([&] {
    bundle::EmptyStateStore state;
    static_cast<void>(bundle::verify_head(bundle::Head::read(path), state, options));
    return Fate{.code = "ok", .exit_code = 0, .message = {}, .stored = {}};
  });
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

Fate Scene::fate_of_bytes(const std::string& bytes) {
  const auto path = m_changed.path() / "changed.airlock";
  write_bytes(path, bytes);
  return fate(path, verify_options(m_keys));
}

Fate Scene::fate_of_head_bytes(const std::string& bytes) {
  const auto path = m_changed.path() / "changed.airlock";
  write_bytes(path, bytes);
  return fate_of_head(path, verify_options(m_keys));
}

std::filesystem::path Scene::write_with(const bundle::HeadContents& head) {
  const auto path = m_changed.path() / "changed.airlock";
  const std::string whole = read_bytes(made.head);
  const std::uint64_t room = bundle::Head::read(made.head).size();
  auto bytes = bundle::build_head(head, room, bundle::HeadEnd::blobs_follow);
  if (!bytes) {
    bytes = bundle::build_head(head, std::nullopt, bundle::HeadEnd::blobs_follow);
  }
  REQUIRE(bytes);
  write_bytes(path, *bytes + whole.substr(room));
  return path;
}

Fate Scene::fate_with(const bundle::HeadContents& head, base::Time now) {
  return fate(write_with(head), verify_options(m_keys, now));
}

}  // namespace airlock::test
