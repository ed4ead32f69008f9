#include "support/bundle_maker.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "bundle/oci_index.hpp"
#include "bundle/volume_writer.hpp"
#include "model/purl.hpp"

namespace airlock::test {

using bundle::SigningSet;

namespace {

const std::vector<std::string> k_roles = {"root", "snapshot", "targets", "timestamp"};

std::string sign_root(const trust::Root& root, const std::vector<std::shared_ptr<trust::Signer>>& signers) {
  std::vector<const trust::Signer*> list;
  for (const auto& signer : signers) {
    list.push_back(signer.get());
  }
  return trust::sign_role(trust::to_signed_part(root), list);
}

std::string default_artifact(const BundleFile& file) {
  const std::size_t slash = file.path.rfind('/');
  return model::Purl{.type = "generic",
                     .namespace_ = slash == std::string::npos ? "" : file.path.substr(0, slash),
                     .name = file.path.substr(slash == std::string::npos ? 0 : slash + 1),
                     .version = "1.0.0",
                     .qualifiers = {}}
      .to_string();
}

}  // namespace

ProducerKeys::ProducerKeys(std::size_t approvers, std::uint64_t threshold, std::string channel)
    : m_threshold(threshold), m_channel(std::move(channel)) {
  for (const std::string& role : k_roles) {
    const std::size_t count = role == "snapshot" ? approvers : 1;
    for (std::size_t i = 0; i < count; ++i) {
      m_signers[role].push_back(trust::generate_key(trust::Scheme::ed25519));
    }
  }
  m_roots.push_back(sign_root(trust::make_first_root(plan()), m_signers.at("root")));
}

trust::RootPlan ProducerKeys::plan() const {
  trust::RootPlan plan{.roles = {}, .channel = m_channel, .created = bundle_time()};
  for (const auto& [role, signers] : m_signers) {
    trust::RoleHolders& holders = plan.roles[role];
    for (const auto& signer : signers) {
      holders.keys.push_back(signer->public_key());
    }
    holders.threshold = role == "snapshot" ? m_threshold : 1;
  }
  return plan;
}

SigningSet ProducerKeys::signing_set() const {
  return signing_set({k_roles.begin(), k_roles.end()});
}

SigningSet ProducerKeys::signing_set(const std::set<std::string>& roles) const {
  SigningSet set;
  set.roots = m_roots;
  for (const auto& [role, signers] : m_signers) {
    if (roles.contains(role)) {
      for (const auto& signer : signers) {
        set.signers[role].push_back(signer.get());
      }
    }
  }
  return set;
}

SigningSet ProducerKeys::signing_set_of_approvers(std::size_t count) const {
  SigningSet set = signing_set();
  set.signers["snapshot"].resize(count);
  return set;
}

void ProducerKeys::rotate(const std::string& role) {
  const trust::Root old = trust::parse_root(trust::parse_signed(newest_root(), "root", trust::k_root_limit));
  auto root_signers = m_signers.at("root");
  for (auto& signer : m_signers.at(role)) {
    signer = trust::generate_key(trust::Scheme::ed25519);
  }
  if (role == "root") {
    root_signers.insert(root_signers.end(), m_signers.at(role).begin(), m_signers.at(role).end());
  }
  m_roots.push_back(sign_root(trust::make_next_root(old, plan()), root_signers));
}

void ProducerKeys::add_approver(std::uint64_t threshold) {
  const trust::Root old = trust::parse_root(trust::parse_signed(newest_root(), "root", trust::k_root_limit));
  m_signers.at("snapshot").push_back(trust::generate_key(trust::Scheme::ed25519));
  m_threshold = threshold;
  m_roots.push_back(sign_root(trust::make_next_root(old, plan()), m_signers.at("root")));
}

void ProducerKeys::replace_newest_root(const base::Json& signed_part) {
  m_roots.back() = trust::sign_role(signed_part, {m_signers.at("root").front().get()});
}

BundleFile text_file(const std::string& path, std::string content) {
  return {.ecosystem = "file", .path = path, .content = std::move(content), .media_type = "text/plain"};
}

std::vector<BundleFile> sample_files() {
  const std::string layer = "layer bytes " + std::string(1000, 'l');
  const std::string manifest = R"({"schemaVersion":2,"layers":[]})";
  const std::string digest = base::sha256(manifest).to_string();
  const std::string image = "pkg:oci/debian@" + base::sha256(manifest).to_string() +
                            "?repository_url=registry.example:5000/library/debian&tag=12";
  const std::string manifest_type = "application/vnd.oci.image.manifest.v1+json";
  return {
      {.ecosystem = "oci",
       .path = "registry.example_5000/library/debian@" + digest,
       .content = manifest,
       .artifact = image,
       .media_type = manifest_type,
       .platform = "linux/amd64"},
      {.ecosystem = "oci",
       .path = "registry.example_5000/library/debian@" + base::sha256(layer).to_string(),
       .content = layer,
       .artifact = image,
       .media_type = "application/vnd.oci.image.layer.v1.tar+gzip"},
      {.ecosystem = "oci",
       .path = "registry.example_5000/library/debian:12",
       .content = manifest,
       .artifact = image,
       .media_type = manifest_type,
       .kind = model::Kind::tag},
      {.ecosystem = "tool",
       .path = "opentofu/1.12.6/tofu_amd64.zip",
       .content = std::string(5000, 'a'),
       .artifact = "pkg:generic/opentofu@1.12.6",
       .platform = "linux/amd64",
       .verified = model::Verified::upstream_signature},
      {.ecosystem = "tool",
       .path = "opentofu/1.12.6/tofu_arm64.zip",
       .content = std::string(6001, 'b'),
       .artifact = "pkg:generic/opentofu@1.12.6",
       .platform = "linux/arm64",
       .verified = model::Verified::upstream_signature},
      {.ecosystem = "file",
       .path = "docs/guide.txt",
       .content = "read me\n",
       .media_type = "text/plain",
       .verified = model::Verified::none},
      {.ecosystem = "npm",
       .path = "left-pad/-/left-pad-1.3.0.tgz",
       .content = "",
       .artifact = "pkg:npm/left-pad@1.3.0",
       .kind = model::Kind::known,
       .verified = model::Verified::none},
  };
}

model::Lock make_lock(const std::vector<BundleFile>& files, const std::string& channel) {
  model::Lock lock;
  lock.channel = channel;
  lock.platforms = {"linux/amd64", "linux/arm64"};
  lock.request = base::sha256("the wish of " + channel);
  lock.waivers = {{.upstream = "registry.example", .what = "signatures-not-asked"}};
  for (const BundleFile& file : files) {
    model::FileRow row;
    row.ecosystem = file.ecosystem;
    row.path = file.path;
    row.artifact = file.artifact.empty() ? default_artifact(file) : file.artifact;
    row.kind = file.kind;
    row.media_type = file.media_type;
    row.platform = file.platform;
    row.origin = "https://upstream.example/" + std::to_string(file.content.size());
    row.verified = file.verified;
    if (file.kind != model::Kind::known) {
      row.length = file.content.size();
      row.sha256 = base::sha256(file.content);
    }
    lock.rows.push_back(std::move(row));
  }
  std::ranges::sort(lock.rows, model::row_before);
  return lock;
}

namespace {

struct Content {
  base::Digest sha256;
  std::string bytes;
};

bundle::Attachment attach(std::vector<Content>& contents, const std::string& kind, const std::string& media_type,
                          std::string bytes) {
  const base::Digest sha256 = base::sha256(bytes);
  bundle::Attachment attachment{.kind = kind, .media_type = media_type, .sha256 = sha256, .length = bytes.size()};
  contents.push_back({.sha256 = sha256, .bytes = std::move(bytes)});
  return attachment;
}

// Distinct contents in the order of their rows.
std::vector<Content> contents_of(const model::Lock& lock, const std::vector<BundleFile>& files) {
  std::vector<Content> contents;
  std::set<base::Digest> seen;
  for (const model::FileRow& row : lock.rows) {
    if (!row.sha256 || !seen.insert(*row.sha256).second) {
      continue;
    }
    const auto file = std::ranges::find_if(files, [&](const BundleFile& candidate) {
      return candidate.ecosystem == row.ecosystem && candidate.path == row.path;
    });
    contents.push_back({.sha256 = *row.sha256, .bytes = file->content});
  }
  return contents;
}

}  // namespace

MadeBundle make_bundle(const std::filesystem::path& directory, const std::vector<BundleFile>& files,
                       const ProducerKeys& keys, const BundlePlan& plan) {
  const model::Lock lock = make_lock(files, plan.channel);
  const SigningSet signing = plan.approvers ? keys.signing_set_of_approvers(*plan.approvers) : keys.signing_set();
  std::vector<Content> contents = contents_of(lock, files);

  bundle::StateInput input{.lock = lock,
                           .serial = plan.serial,
                           .created = plan.created,
                           .attachments = {},
                           .revoked = plan.revoked,
                           .previous = plan.previous};
  std::vector<base::Digest> left_out;
  if (plan.metadata_only && plan.previous) {
    // Statements alone bring no documents: those that the site has stay.
    const std::string name(bundle::k_attachments_target);
    input.attachments = bundle::parse_attachments(plan.previous->targets.at(name), name);
    for (const bundle::Attachment& attachment : input.attachments) {
      left_out.push_back(attachment.sha256);
    }
  } else {
    input.attachments.push_back(attach(contents, "sbom", "application/spdx+json",
                                       bundle::build_sbom(lock, plan.created, plan.channel, plan.serial)));
    input.attachments.push_back(
        attach(contents, "provenance", "application/vnd.in-toto+json",
               bundle::build_provenance(lock, bundle::build_catalogs(lock), plan.created, plan.serial, signing)));
  }

  std::set<base::Digest> omitted;
  for (const BundleFile& file : files) {
    if (plan.omit.contains(file.path)) {
      omitted.insert(base::sha256(file.content));
    }
  }
  bundle::Shipment shipment{.number = plan.shipment};
  bundle::OutputPlan output_plan{.directory = directory,
                                 .stem = bundle::bundle_stem(plan.channel, plan.serial, plan.shipment),
                                 .single_file = plan.single_file,
                                 .volume_size = plan.volume_size,
                                 .head_room = 128 * 1024,
                                 .hint = {},
                                 .mtime = static_cast<std::uint64_t>(plan.created.time_since_epoch().count())};
  output_plan.hint.channel = plan.channel;
  output_plan.hint.serial = plan.serial;
  output_plan.hint.shipment = plan.shipment;
  output_plan.hint.set = bundle::set_id(plan.channel, plan.serial, plan.shipment, plan.created);
  output_plan.hint.created = base::to_rfc3339(plan.created);
  bundle::BundleOutput output(output_plan);
  for (const Content& content : contents) {
    if (plan.metadata_only || omitted.contains(content.sha256)) {
      left_out.push_back(content.sha256);
      continue;
    }
    output.begin_blob(content.sha256, content.bytes.size());
    output.append(base::as_bytes(content.bytes));
    output.finish_blob();
    ++shipment.blobs;
    shipment.bytes += content.bytes.size();
  }

  bundle::AuthoredState state = bundle::author_state(input, signing);
  shipment.kind = plan.metadata_only ? bundle::Shipment::Kind::metadata
                  : left_out.empty() ? bundle::Shipment::Kind::full
                                     : bundle::Shipment::Kind::delta;
  shipment.omitted_blobs = left_out.size();
  shipment.omitted = bundle::omitted_digest(left_out);
  shipment.volumes = output.volumes();
  if (shipment.kind == bundle::Shipment::Kind::delta) {
    const std::vector<model::FileRow> rows = lock.rows;
    std::vector<model::FileRow> oci;
    std::ranges::copy_if(rows, std::back_inserter(oci), [](const auto& row) { return row.ecosystem == "oci"; });
    state.head.oci_index = bundle::build_oci_index(oci, [&](const base::Digest& d) { return output.contains(d); });
  }
  if (plan.change_shipment) {
    plan.change_shipment(shipment);
  }
  if (plan.sealed) {
    bundle::seal(state.head, shipment, plan.created, signing);
  } else {
    state.head.hint.shipment = shipment.number;
    state.head.hint.volumes = shipment.volumes.size();
    if (!shipment.volumes.empty()) {
      state.head.oci_index = bundle::build_oci_index({}, [](const base::Digest&) { return false; });
    }
  }
  if (plan.change_head) {
    plan.change_head(state.head);
  }
  const auto result = output.finish([&](std::optional<std::uint64_t> room) {
    return bundle::build_head(state.head, room, room ? bundle::HeadEnd::blobs_follow : bundle::HeadEnd::alone);
  });
  return {.head = result.head, .volumes = result.volumes, .contents = state.head, .bundle_id = state.bundle_id};
}

bundle::VerifyOptions verify_options(const ProducerKeys& keys, base::Time now) {
  return {.pinned_root = keys.first_root(), .now = now, .policy = {}, .expiry = {}};
}

}  // namespace airlock::test
