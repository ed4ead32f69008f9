// An inspection for a terminal.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "bundle/inspection.hpp"

namespace airlock::bundle {

using base::format_bytes;
using base::printable;

namespace {

constexpr std::size_t k_cell_limit = 60;       // bytes of one cell of a table
constexpr std::size_t k_artifacts_shown = 40;  // of each list of a summary

// Columns as wide as their widest cell; the last one is not filled up.
class Table {
 public:
  void add(std::vector<std::string> cells) { m_rows.push_back(std::move(cells)); }

  std::string text(std::string_view indent) const {
    std::vector<std::size_t> widths;
    for (const auto& row : m_rows) {
      widths.resize(std::max(widths.size(), row.size()));
      for (std::size_t i = 0; i < row.size(); ++i) {
        widths[i] = std::max(widths[i], width(row[i]));
      }
    }
    std::string text;
    for (const auto& row : m_rows) {
      std::string line(indent);
      for (std::size_t i = 0; i < row.size(); ++i) {
        line += row[i];
        if (i + 1 < row.size()) {
          line.append(widths[i] - width(row[i]) + 2, ' ');
        }
      }
      line.erase(line.find_last_not_of(' ') + 1);
      text += line + "\n";
    }
    return text;
  }

 private:
  // Characters, not bytes; what is not Latin may be drawn wider, and then only the alignment suffers.
  static std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
  }

  std::vector<std::vector<std::string>> m_rows;
};

std::string joined(const std::vector<std::string>& parts, std::string_view empty) {
  return parts.empty() ? std::string(empty) : printable(base::join(parts, ", "), k_cell_limit);
}

std::string cell(std::string_view text) {
  return printable(text, k_cell_limit);
}

std::string_view mark(InspectionCheck::Result result) {
  switch (result) {
  case InspectionCheck::Result::passed:
    return "ok";
  case InspectionCheck::Result::failed:
    return "FAILED";
  case InspectionCheck::Result::pending:
    return "not yet";
  case InspectionCheck::Result::not_possible:
    break;
  }
  return "not checked";
}

std::string front(const Inspection& inspection, const InspectionDiff* diff) {
  Table table;
  table.add({"bundle", fmt::format("{} {}", cell(inspection.channel), inspection.serial)});
  if (const std::string remark = serial_remark(inspection, diff); !remark.empty()) {
    table.add({"SERIAL", remark});
  }
  table.add({"sending", inspection.shipment
                            ? fmt::format("{}, number {}", inspection.shipment_text(), inspection.shipment->number)
                            : inspection.shipment_text()});
  table.add({"created", cell(inspection.created) + (inspection.tool.empty() ? "" : " by " + cell(inspection.tool))});
  table.add({"approval", inspection.approval_text()});
  for (const std::string& keyid : inspection.approvers) {
    table.add({"approved by", inspection.person(keyid)});
  }
  if (!inspection.sealed) {
    for (const std::string& keyid : inspection.not_approved) {
      table.add({"not yet", inspection.person(keyid)});
    }
  }
  if (const std::string next = inspection.next_step(); !next.empty()) {
    table.add({"next", next});
  }
  table.add({"bundle id", base::group_digits(inspection.bundle_id)});
  table.add({"root", fmt::format("version {}, fingerprint {}", inspection.root_version,
                                 base::group_digits(inspection.root_fingerprint))});
  if (inspection.first_root_fingerprint != inspection.root_fingerprint) {
    table.add({"first root", base::group_digits(inspection.first_root_fingerprint)});
  }
  table.add({"platforms", joined(inspection.platforms, "-")});
  table.add({"holds", fmt::format("{} blobs, {}", inspection.blobs, format_bytes(inspection.bytes))});
  if (inspection.shipment) {
    const Shipment& shipment = *inspection.shipment;
    table.add({"travels", fmt::format("{} blobs, {}{}", shipment.blobs, format_bytes(shipment.bytes),
                                      shipment.omitted_blobs > 0
                                          ? fmt::format("; {} blobs must be there already", shipment.omitted_blobs)
                                          : "")});
    table.add({"volumes", shipment.volumes.empty() ? "one file" : std::to_string(shipment.volumes.size())});
  }
  for (const auto& [role, expires] : inspection.expiry) {
    table.add({"valid until", fmt::format("{}  {}", cell(expires), cell(role))});
  }
  return table.text("");
}

std::string ecosystems(const Inspection& inspection) {
  Table table;
  table.add({"ecosystem", "artifacts", "files", "bytes"});
  for (const auto& [name, ecosystem] : inspection.ecosystems) {
    table.add({cell(name), std::to_string(ecosystem.artifacts), std::to_string(ecosystem.files),
               format_bytes(ecosystem.bytes)});
  }
  return "\n" + table.text("");
}

std::string proofs(const Inspection& inspection) {
  Table table;
  for (const auto& [verified, files] : inspection.files_by_verified) {
    table.add({std::string(proof_word(verified)), base::counted(files, "file")});
  }
  std::string text = "\nwhat upstream proves\n" + table.text("  ");
  if (!inspection.waivers.empty()) {
    Table waivers;
    for (const model::Waiver& waiver : inspection.waivers) {
      waivers.add({cell(waiver.upstream), cell(waiver.what)});
    }
    text += "\nwaived\n" + waivers.text("  ");
  }
  if (!inspection.revoked.empty()) {
    text += "\nrevoked\n";
    for (const Revoked& revoked : inspection.revoked) {
      text += "  " + printable(revoked.item) + (revoked.reason.empty() ? "" : ": " + printable(revoked.reason)) + "\n";
    }
  }
  return text;
}

std::vector<std::string> artifact_row(const InspectedArtifact& artifact) {
  return {cell(artifact.ecosystem),
          cell(artifact.name),
          cell(artifact.version),
          joined(artifact.platforms, "-"),
          artifact.known_only ? "listed only" : format_bytes(artifact.bytes),
          std::string(artifact.known_only ? "-" : proof_word(artifact.verified)),
          artifact.license.empty() ? "licence unknown" : cell(artifact.license),
          joined(artifact.origins, "-")};
}

// What is filled, wherever the table above does not tell it: paths that do not follow from a name, and names that its
// cells cut. Whole, since what is cut off is where somebody would hide something.
class FilledPaths {
 public:
  void add(const std::string& ecosystem, const std::string& name, const std::vector<std::string>& paths) {
    if (cell(name) != name) {
      m_table.add({cell(ecosystem), printable(name, k_whole)});
      m_any = true;
    }
    for (const std::string& path : paths) {
      m_table.add({cell(ecosystem), printable(path, k_whole)});
      m_any = true;
    }
  }
  std::string text() const { return m_any ? "  of these, named in full\n" + m_table.text("    ") : ""; }

 private:
  static constexpr std::size_t k_whole = 8'192;  // bytes; a path has 1,024, of which escapes may make eight times more
  Table m_table;
  bool m_any = false;
};

// `total`: with those that are not shown.
std::string artifact_list(std::string_view title, const std::vector<InspectedArtifact>& artifacts, std::size_t total) {
  if (artifacts.empty()) {
    return "";
  }
  Table table;
  FilledPaths paths;
  for (const InspectedArtifact& artifact : artifacts) {
    table.add(artifact_row(artifact));
    paths.add(artifact.ecosystem, artifact.name, artifact.paths);
  }
  return fmt::format("\n{} ({})\n", title, total) + table.text("  ") + paths.text() +
         (total > artifacts.size()
              ? fmt::format("  and {} more; `airlock bundle inspect BUNDLE --artifacts` lists all\n",
                            total - artifacts.size())
              : "");
}

std::string artifact_list(std::string_view title, const std::vector<InspectedArtifact>& artifacts) {
  return artifact_list(title, artifacts, artifacts.size());
}

std::string difference(const InspectionDiff& diff) {
  std::string text =
      fmt::format("\nagainst {} {}, {}: {} added, {} removed, {} updated, {} changed, {} kept\n",
                  cell(diff.before_channel), diff.before_serial,
                  diff.is_previous ? "the state before this one" : "which is not the state right before this one",
                  diff.added.size(), diff.removed.size(), diff.updated.size(), diff.changed.size(), diff.kept);
  Table counts;
  counts.add({"ecosystem", "added", "removed", "updated", "changed"});
  for (const auto& [ecosystem, count] : diff.counts()) {
    counts.add({cell(ecosystem), std::to_string(count.added), std::to_string(count.removed),
                std::to_string(count.updated), std::to_string(count.changed)});
  }
  text += diff.counts().empty() ? "" : counts.text("  ");
  text += artifact_list("added", diff.added);
  text += artifact_list("removed", diff.removed);
  if (!diff.updated.empty()) {
    Table table;
    FilledPaths paths;
    for (const InspectionDiff::Update& update : diff.updated) {
      paths.add(update.ecosystem, update.name, update.paths);
      table.add({cell(update.ecosystem), cell(update.name),
                 joined(update.removed, "nothing") + " -> " + joined(update.added, "nothing")});
    }
    text += fmt::format("\nupdated ({})\n", diff.updated.size()) + table.text("  ") + paths.text();
  }
  std::vector<InspectedArtifact> changed;
  for (const InspectionDiff::Change& change : diff.changed) {
    changed.push_back(change.after);
  }
  return text + artifact_list("other content under the same version", changed);
}

// The beginning of a list, and how long it is.
struct BoundedList {
  std::vector<InspectedArtifact> shown;
  std::size_t total = 0;

  void add(const InspectedArtifact& artifact) {
    if (shown.size() < k_artifacts_shown) {
      shown.push_back(artifact);
    }
    ++total;
  }
};

// What came from upstream without anything that proves it comes first; by whom it was let through, the waivers say.
// The others are named where no comparison says what is new. Artifacts that are listed only bring no content.
std::string contents(const Inspection& inspection, bool compared) {
  BoundedList unproven;
  BoundedList others;
  for (const InspectedArtifact& artifact : inspection.artifacts) {
    const bool open = artifact.verified == model::Verified::none || artifact.verified == model::Verified::waived;
    if (!artifact.known_only) {
      (open ? unproven : others).add(artifact);
    }
  }
  return artifact_list("unproven artifacts", unproven.shown, unproven.total) +
         (compared ? ""
                   : artifact_list(unproven.total == 0 ? "artifacts" : "other artifacts", others.shown, others.total));
}

std::string checks(const Inspection& inspection) {
  Table table;
  for (const InspectionCheck& check : inspection.checks) {
    table.add({std::string(mark(check.result)), check.what + (check.detail.empty() ? "" : ": " + check.detail)});
  }
  return "\nchecked\n" + table.text("  ");
}

}  // namespace

std::string render_text(const Inspection& inspection, const InspectionDiff* diff, Detail detail) {
  std::string text = front(inspection, diff) + ecosystems(inspection) + proofs(inspection);
  if (diff != nullptr) {
    text += difference(*diff);
  }
  if (detail == Detail::summary) {
    text += contents(inspection, diff != nullptr);
  }
  if (detail == Detail::artifacts) {
    text += artifact_list("artifacts", inspection.artifacts);
  }
  return text + checks(inspection);
}

}  // namespace airlock::bundle
