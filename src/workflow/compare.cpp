#include "workflow/compare.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/blob_map.hpp"
#include "bundle/layout.hpp"
#include "trust/canonical.hpp"
#include "trust/dsse.hpp"
#include "workflow/changed_upstream.hpp"
#include "workflow/channel_state.hpp"

namespace airlock::workflow {

namespace {

using base::Digest;
using base::Json;
using model::FileRow;

constexpr std::size_t k_most_named = 20;                       // differences of one kind that are told one by one
constexpr std::size_t k_compared_document_limit = 256u << 20;  // bytes

struct Side {
  explicit Side(const std::filesystem::path& path)
      : head(bundle::Head::read(path)), contents(head.contents()), blobs(bundle::BlobMap::scan(head, {})),
        rows(rows_of(contents)),
        attachments(bundle::parse_attachments(target(bundle::k_attachments_target), bundle::k_attachments_target)) {}

  std::string target(std::string_view name) const {
    const auto found = contents.targets.find(std::string(name));
    return found == contents.targets.end() ? "" : found->second;
  }
  // A document that travels as a blob; empty where it is not at hand.
  std::string document(const bundle::Attachment& attachment) const {
    const auto location = blobs.find(attachment.sha256);
    if (!location) {
      return "";
    }
    bundle::BlobSource source(*location);
    return base::read_all(source, k_compared_document_limit);
  }

  bundle::Head head;
  bundle::HeadContents contents;
  bundle::BlobMap blobs;
  std::vector<FileRow> rows;
  std::vector<bundle::Attachment> attachments;
};

// Leaves out of a signed part what follows from signatures.
Json masked(Json part) {
  if (part.contains("meta")) {
    for (auto& [name, meta] : part["meta"].items()) {
      meta.erase("hashes");
      meta.erase("length");
    }
  }
  if (part.contains("delegations")) {
    part["delegations"].erase("keys");
    for (auto& role : part["delegations"]["roles"]) {
      role.erase("keyids");
    }
  }
  // These two list the provenance, which is signed itself.
  if (part.contains("targets")) {
    for (const std::string_view name : {bundle::k_attachments_target, bundle::k_sums_target}) {
      if (const auto target = part["targets"].find(name); target != part["targets"].end()) {
        target->erase("hashes");
        target->erase("length");
      }
    }
  }
  return part;
}

class Comparison {
 public:
  Comparison(const Side& a, const Side& b) : m_a(a), m_b(b) {}

  CompareReport run() {
    m_report.channel = m_a.contents.hint.channel;
    m_report.serial = m_a.contents.hint.serial;
    compare_descriptors();
    compare_rows();
    compare_blobs();
    compare_roles();
    compare_documents();
    return std::move(m_report);
  }

 private:
  void differ(std::string what) { m_report.differences.push_back(std::move(what)); }

  void compare_value(std::string_view what, const std::string& a, const std::string& b) {
    if (a != b) {
      differ(fmt::format("{}: {} and {}", what, base::printable(a), base::printable(b)));
    }
  }

  void compare_descriptors() {
    const auto a = bundle::parse_descriptor(m_a.target(bundle::k_descriptor_target), bundle::k_descriptor_target);
    const auto b = bundle::parse_descriptor(m_b.target(bundle::k_descriptor_target), bundle::k_descriptor_target);
    compare_value("channel", a.channel, b.channel);
    compare_value("serial", std::to_string(a.serial), std::to_string(b.serial));
    compare_value("created", base::to_rfc3339(a.created), base::to_rfc3339(b.created));
    compare_value("request", a.request.hex(), b.request.hex());
    compare_value("tool", a.tool, b.tool);
    if (a.previous != b.previous) {
      m_report.notes.push_back("the states before are signed statements of different makers");
    }
  }

  void compare_rows() {
    std::map<std::pair<std::string, std::string>, std::pair<const FileRow*, const FileRow*>> rows;
    for (const FileRow& row : m_a.rows) {
      rows[{row.ecosystem, row.path}].first = &row;
    }
    for (const FileRow& row : m_b.rows) {
      rows[{row.ecosystem, row.path}].second = &row;
    }
    std::size_t found = 0;
    for (const auto& [path, pair] : rows) {
      const auto [a, b] = pair;
      if (a != nullptr && b != nullptr && *a == *b) {
        continue;
      }
      if (++found > k_most_named) {
        continue;
      }
      if (a == nullptr || b == nullptr) {
        differ(fmt::format("{} is only in the {}", name_of(a != nullptr ? *a : *b), a != nullptr ? "first" : "second"));
      } else if (a->sha256 != b->sha256) {
        differ(fmt::format("{}: sha256:{} and sha256:{}", name_of(*a), a->sha256 ? a->sha256->hex() : "",
                           b->sha256 ? b->sha256->hex() : ""));
      } else {
        differ(fmt::format("{}: the same bytes, described differently", name_of(*a)));
      }
    }
    if (found > k_most_named) {
      differ(fmt::format("{} more rows", found - k_most_named));
    }
  }

  std::set<Digest> blobs_of(const Side& side) const {
    std::set<Digest> digests;
    side.blobs.for_each([&](const Digest& digest, const bundle::BlobLocation&) { digests.insert(digest); });
    for (const auto& attachment : side.attachments) {
      digests.erase(attachment.sha256);
    }
    return digests;
  }

  void compare_blobs() {
    const std::set<Digest> a = blobs_of(m_a);
    const std::set<Digest> b = blobs_of(m_b);
    std::vector<Digest> only;
    std::ranges::set_symmetric_difference(a, b, std::back_inserter(only));
    if (only.empty()) {
      return;
    }
    const bool same_rows = m_report.differences.empty();
    std::string text = fmt::format("{} blobs are only in one of the two", only.size());
    // The same state, sent in full and as a delta, is one state all the same.
    (same_rows ? m_report.notes : m_report.differences).push_back(std::move(text));
  }

  void only_in(std::string_view side, const std::string& name) {
    if (name == "timestamp.json") {
      m_report.notes.push_back(fmt::format("only the {} is sealed", side));
    } else {
      differ(fmt::format("{} is only in the {}", name, side));
    }
  }

  void compare_roles() {
    const auto signed_parts = [](const Side& side) {
      std::map<std::string, std::string> parts;
      for (const auto& [name, bytes] : side.contents.metadata) {
        if (!name.ends_with("root.json")) {
          const auto file = trust::parse_signed(bytes, name, trust::k_metadata_ceiling);
          parts[name] = trust::canonical_json(masked(file.signed_part));
        }
      }
      return parts;
    };
    const auto a = signed_parts(m_a);
    const auto b = signed_parts(m_b);
    for (const auto& [name, part] : a) {
      const auto other = b.find(name);
      if (other == b.end()) {
        only_in("first", name);
      } else if (other->second != part) {
        differ(fmt::format("{} says something else", name));
      }
    }
    for (const auto& [name, part] : b) {
      if (!a.contains(name)) {
        only_in("second", name);
      }
    }
    if (m_a.contents.metadata.at("1.root.json") != m_b.contents.metadata.at("1.root.json")) {
      m_report.notes.push_back("they are signed under different roots");
    }
  }

  void compare_documents() {
    for (const bundle::Attachment& a : m_a.attachments) {
      const auto b = std::ranges::find(m_b.attachments, a.kind, &bundle::Attachment::kind);
      if (b == m_b.attachments.end()) {
        differ(fmt::format("the document '{}' is only in the first", a.kind));
      } else if (a.sha256 != b->sha256 && (a.kind != "provenance" || payload(m_a, a) != payload(m_b, *b))) {
        differ(fmt::format("the document '{}' is another one", a.kind));
      }
    }
    for (const bundle::Attachment& b : m_b.attachments) {
      if (std::ranges::find(m_a.attachments, b.kind, &bundle::Attachment::kind) == m_a.attachments.end()) {
        differ(fmt::format("the document '{}' is only in the second", b.kind));
      }
    }
  }

  static std::string payload(const Side& side, const bundle::Attachment& attachment) {
    const std::string text = side.document(attachment);
    return text.empty() ? "" : trust::parse_envelope(text, attachment.kind, k_compared_document_limit).payload;
  }

  const Side& m_a;
  const Side& m_b;
  CompareReport m_report;
};

}  // namespace

CompareReport compare_bundles(const std::filesystem::path& a, const std::filesystem::path& b) {
  const Side first(a);
  const Side second(b);
  return Comparison(first, second).run();
}

}  // namespace airlock::workflow
