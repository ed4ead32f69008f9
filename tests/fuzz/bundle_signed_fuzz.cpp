// Everything behind the signatures: a producer who signs what the input says. A line "== NAME" begins a document: a
// target of the top level, a catalog, the shipment ("shipment"), or the signed part of a role ("signed/ROLE"). What is
// not given fits the rest, so that hostile rows reach as deep as honest ones.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "bundle/catalog_text.hpp"
#include "bundle/inspection.hpp"
#include "bundle/state_rows.hpp"
#include "ecosystem/ecosystem.hpp"
#include "fuzz_target.hpp"
#include "memory_file.hpp"
#include "sections.hpp"
#include "support/bundle_maker.hpp"
#include "trust/canonical.hpp"
#include "trust/dsse.hpp"

using namespace airlock;
using base::Json;

namespace {

constexpr std::string_view k_shipment_section = "shipment";
constexpr std::string_view k_role_prefix = "signed/";

using Sections = std::map<std::string, std::string, std::less<>>;

Sections sections_by_name(std::string_view text) {
  Sections sections;
  for (const fuzz::Section& section : fuzz::sections_of(text)) {
    sections[section.name] += section.text;
  }
  return sections;
}

class Producer {
 public:
  Producer()
      : m_made(test::make_bundle(m_folder.path(), test::sample_files(), m_keys, {.volume_size = 1 << 20})),
        m_signing(m_keys.signing_set()) {}

  bundle::VerifyOptions options() const {
    auto options = test::verify_options(m_keys);
    options.belongs = ecosystem::belongs;
    return options;
  }

  // The bytes of a head that says what `sections` say. Throws Error where that cannot even be written down.
  std::string head_with(const Sections& sections) const {
    bundle::HeadContents head = m_made.contents;
    std::set<std::string> changed;  // ecosystems
    for (const auto& [name, text] : sections) {
      if (const auto catalog = bundle::parse_catalog_target(name); catalog && has_role(head, catalog->ecosystem)) {
        changed.insert(catalog->ecosystem);
        head.targets[name] = text;
      }
      if (name.starts_with(k_role_prefix) && has_role(head, name.substr(k_role_prefix.size()))) {
        changed.insert(name.substr(k_role_prefix.size()));
      }
    }
    bundle::Shipment shipment = shipment_of(head);
    count(head, shipment);
    for (const std::string_view name :
         {bundle::k_descriptor_target, bundle::k_sums_target, bundle::k_revoked_target, bundle::k_attachments_target}) {
      if (const auto given = sections.find(name); given != sections.end()) {
        head.targets[given->first] = given->second;
      }
    }
    for (const std::string& ecosystem : changed) {
      sign(head, ecosystem, sections, [&](Json& part) { describe_targets(part, head, ecosystem + "/"); });
    }
    sign(head, "targets", sections, [&](Json& part) { describe_targets(part, head, ""); });
    sign(head, "snapshot", sections, [&](Json& part) {
      for (auto& [name, about] : part["meta"].items()) {
        const auto file = head.metadata.find(file_of(head, name.substr(0, name.size() - 5)));
        if (file != head.metadata.end()) {
          about["length"] = file->second.size();
          about["hashes"] = {{"sha256", base::sha256(file->second).hex()}};
        }
      }
    });
    const std::string& snapshot = head.metadata.at(file_of(head, "snapshot"));
    sign(head, "timestamp", sections, [&](Json& part) {
      part["meta"]["snapshot.json"]["length"] = snapshot.size();
      part["meta"]["snapshot.json"]["hashes"] = {{"sha256", base::sha256(snapshot).hex()}};
    });
    shipment.bundle_id = trust::canonical_sha256(base::parse_json(snapshot, "snapshot")["signed"]).hex();
    const auto given = sections.find(k_shipment_section);
    head.shipment = trust::sign_envelope(bundle::k_shipment_type,
                                         given == sections.end() ? bundle::to_text(shipment) : given->second,
                                         m_signing.signers.at("timestamp"));
    return bundle::build_head(head, std::nullopt, bundle::HeadEnd::alone).value();
  }

 private:
  static std::string file_of(const bundle::HeadContents& head, const std::string& role) {
    const auto found = std::find_if(head.metadata.begin(), head.metadata.end(), [&](const auto& each) {
      return each.first == role + ".json" || each.first.ends_with("." + role + ".json");
    });
    return found == head.metadata.end() ? std::string() : found->first;
  }
  static bool has_role(const bundle::HeadContents& head, const std::string& ecosystem) {
    return ecosystem != "targets" && ecosystem != "snapshot" && ecosystem != "root" && ecosystem != "timestamp" &&
           bundle::is_ecosystem_name(ecosystem) && !file_of(head, ecosystem).empty();
  }

  static bundle::Shipment shipment_of(const bundle::HeadContents& head) {
    return bundle::parse_shipment(trust::parse_envelope(head.shipment, "shipment", bundle::k_shipment_limit).payload,
                                  "shipment");
  }

  // What a maker would count, as far as the rows can be read.
  static void count(bundle::HeadContents& head, bundle::Shipment& shipment) {
    try {
      std::map<std::string, std::vector<std::string>> catalogs;
      for (const auto& [name, text] : head.targets) {
        if (const auto catalog = bundle::parse_catalog_target(name)) {
          catalogs[catalog->ecosystem].push_back(text);
        }
      }
      bundle::StateRows rows;
      for (const auto& [ecosystem, texts] : catalogs) {
        rows.add_ecosystem(
            ecosystem, texts.size(), [&t = texts](std::size_t i) { return t.at(i); }, [](const model::FileRow&) {});
      }
      const std::string attachments(bundle::k_attachments_target);
      rows.add_attachments(bundle::parse_attachments(head.targets.at(attachments), attachments));
      std::string& descriptor_text = head.targets.at(std::string(bundle::k_descriptor_target));
      auto descriptor = bundle::parse_descriptor(descriptor_text, "descriptor");
      rows.count_into(descriptor);
      descriptor_text = bundle::to_text(descriptor);
      head.targets[std::string(bundle::k_sums_target)] = bundle::sums_text(rows.blobs().blobs());
      shipment.blobs = descriptor.blobs;
      shipment.bytes = descriptor.bytes;
    } catch (const base::Error&) {
      return;  // verification finds the same
    }
  }

  // Those below `folder`, or those of the top level.
  static void describe_targets(Json& part, const bundle::HeadContents& head, const std::string& folder) {
    for (const auto& [name, text] : head.targets) {
      if (folder.empty() ? !bundle::is_catalog_target(name) : name.starts_with(folder)) {
        part["targets"][name] = {{"length", text.size()}, {"hashes", {{"sha256", base::sha256(text).hex()}}}};
      }
    }
  }

  template <typename Edit>
  void sign(bundle::HeadContents& head, const std::string& role, const Sections& sections, Edit&& edit) const {
    std::string& bytes = head.metadata.at(file_of(head, role));
    Json part = base::parse_json(bytes, role)["signed"];
    if (const auto given = sections.find(std::string(k_role_prefix) + role); given != sections.end()) {
      part = base::parse_json(given->second, role);
    } else {
      edit(part);
    }
    const bool is_delegated = role != "snapshot" && role != "timestamp";
    bytes = trust::sign_role(part, m_signing.signers.at(is_delegated ? "targets" : role));
  }

  test::ProducerKeys m_keys;
  base::TempDir m_folder;
  test::MadeBundle m_made;
  bundle::SigningSet m_signing;
};

void check_accepted(const bundle::VerifiedBundle& bundle) {
  std::uint64_t rows = 0;
  std::set<std::pair<std::string, std::string>> paths;
  std::set<base::Digest> blobs;
  for (const auto& blob : bundle.blobs()) {
    fuzz::require(blobs.insert(blob.sha256).second, "a blob is listed once");
  }
  bundle.for_each_row([&](const model::FileRow& row) {
    ++rows;
    fuzz::require(paths.emplace(row.ecosystem, row.path).second, "a path stands once");
    fuzz::require(ecosystem::belongs(row) != model::Belonging::no, "a path is one of its artifact");
    fuzz::require(!row.sha256 || blobs.contains(*row.sha256), "a row's blob is one of the state");
    model::check_path(row.path, "an accepted row");
  });
  std::uint64_t signed_rows = 0;
  for (const auto& [ecosystem, count] : bundle.descriptor().rows) {
    signed_rows += count;
  }
  fuzz::require(rows == signed_rows && blobs.size() == bundle.descriptor().blobs,
                "the descriptor counts what is there");
}

bool is_documented(base::ErrorCode code) {
  using base::ErrorCode;
  for (const ErrorCode known : {ErrorCode::untrusted, ErrorCode::tampered, ErrorCode::foreign, ErrorCode::policy,
                                ErrorCode::rollback, ErrorCode::equivocation, ErrorCode::expired, ErrorCode::clock,
                                ErrorCode::approval_missing, ErrorCode::unsupported, ErrorCode::limit}) {
    if (code == known) {
      return true;
    }
  }
  return false;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Producer producer;
  const Sections sections = sections_by_name(fuzz::as_text(data, size));
  std::string bytes;
  try {
    bytes = producer.head_with(sections);
  } catch (const base::Error&) {
    return 0;
  }
  const fuzz::MemoryFile file(bytes);
  std::optional<bundle::Head> head;
  try {
    head = bundle::Head::read(file.path());
  } catch (const base::Error&) {
    return 0;
  }
  const auto inspection = bundle::inspect(*head, test::bundle_time(1), ecosystem::belongs);
  static_cast<void>(bundle::render_text(inspection, nullptr, bundle::Detail::artifacts));
  fuzz::require(bundle::render_html(inspection, nullptr).find("<script") == std::string::npos, "a page runs nothing");
  try {
    bundle::EmptyStateStore state;
    check_accepted(bundle::verify_head(*head, state, producer.options()));
  } catch (const base::Error& error) {
    fuzz::require(!sections.empty(), "what is honest is accepted");
    fuzz::require(is_documented(error.code()), "a refusal says what an import may say");
  }
  return 0;
}
