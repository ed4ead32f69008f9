// An inspection as one page of HTML. Nothing in it is loaded from anywhere, nothing runs, and every text that comes
// from a bundle is escaped; the policy in its head would stop both, should an escape ever be missing.
#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "bundle/inspection.hpp"

namespace airlock::bundle {

using base::format_bytes;

namespace {

constexpr std::size_t k_text_limit = 2'000;  // bytes of one text from the bundle

constexpr std::string_view k_style =
    "body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:75em;padding:0 1em;color:#111;background:#fff}"
    "h1{font-size:1.6em}h2{font-size:1.2em;margin-top:2em;border-bottom:1px solid #999}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25em .7em .25em 0;"
    "border-bottom:1px solid "
    "#ddd;overflow-wrap:anywhere}th{white-space:nowrap}td.n{text-align:right;white-space:nowrap}"
    "code{font-family:ui-monospace,monospace;font-size:.92em}.ok{color:#060}.failed{color:#a00;font-weight:bold}"
    ".open{color:#850}.sign td{height:3em}"
    "@media print{body{font-size:10pt;margin:0;max-width:none}h2{break-after:avoid}tr{break-inside:avoid}"
    "thead{display:table-header-group}}";

std::string base64_of(const base::Digest& digest) {
  const auto bytes = digest.bytes();
  return base::base64_encode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

// What the bundle says, safe between tags and in quoted attributes.
std::string escape(std::string_view text) {
  return base::html_escaped(base::printable(text, k_text_limit));
}

std::string code(std::string_view text) {
  return "<code>" + escape(text) + "</code>";
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    text += (text.empty() ? "" : ", ") + escape(part);
  }
  return text.empty() ? "&ndash;" : text;
}

// Each on a line of its own below what stands in the cell.
std::string below(const std::vector<std::string>& paths) {
  std::string html;
  for (const std::string& path : paths) {
    html += "<br>" + code(path);
  }
  return html;
}

class Page {
 public:
  void heading(std::string_view text) { m_html += "<h2>" + escape(text) + "</h2>\n"; }
  void paragraph(std::string_view text) { m_html += "<p>" + escape(text) + "</p>\n"; }
  void begin_table(const std::vector<std::string_view>& columns) {
    m_html += "<table>";
    if (!columns.empty()) {
      m_html += "<thead><tr>";
      for (const std::string_view column : columns) {
        m_html += "<th>" + escape(column) + "</th>";
      }
      m_html += "</tr></thead>";
    }
    m_html += "<tbody>\n";
  }
  // A cell is HTML already; one that begins with a digit stands on the right.
  void row(const std::vector<std::string>& cells) {
    m_html += "<tr>";
    for (const std::string& cell : cells) {
      const bool number = !cell.empty() && cell.front() >= '0' && cell.front() <= '9';
      m_html += (number ? "<td class=\"n\">" : "<td>") + cell + "</td>";
    }
    m_html += "</tr>\n";
  }
  void fact(std::string_view name, const std::string& html) {
    m_html += "<tr><th>" + escape(name) + "</th><td>" + html + "</td></tr>\n";
  }
  void end_table() { m_html += "</tbody></table>\n"; }
  void raw(std::string_view html) { m_html += html; }
  std::string take() { return std::move(m_html); }

 private:
  std::string m_html;
};

void add_front(Page& page, const Inspection& inspection, const InspectionDiff* diff) {
  page.begin_table({});
  if (const std::string remark = serial_remark(inspection, diff); !remark.empty()) {
    page.fact("Serial", "<span class=\"failed\">" + escape(remark) + "</span>");
  }
  page.fact("Sending", escape(inspection.shipment_text()));
  page.fact("Created", escape(inspection.created) + (inspection.tool.empty() ? "" : " by " + escape(inspection.tool)));
  page.fact("Approval", escape(inspection.approval_text()));
  const auto person = [&](const std::string& keyid) {
    const auto name = inspection.names.find(keyid);
    return (name == inspection.names.end() ? "" : escape(name->second) + ", ") + "key " +
           code(base::group_digits(keyid));
  };
  for (const std::string& approver : inspection.approvers) {
    page.fact("Approved by", person(approver));
  }
  if (!inspection.sealed) {
    for (const std::string& keyid : inspection.not_approved) {
      page.fact("Not yet", person(keyid));
    }
  }
  if (const std::string next = inspection.next_step(); !next.empty()) {
    page.fact("Next", escape(next));
  }
  page.fact("Bundle id", code(base::group_digits(inspection.bundle_id)));
  page.fact("Root", fmt::format("version {}, fingerprint ", inspection.root_version) +
                        code(base::group_digits(inspection.root_fingerprint)));
  if (inspection.first_root_fingerprint != inspection.root_fingerprint) {
    page.fact("First root", code(base::group_digits(inspection.first_root_fingerprint)));
  }
  page.fact("Platforms", joined(inspection.platforms));
  page.fact("Holds", fmt::format("{} blobs, {}", inspection.blobs, format_bytes(inspection.bytes)));
  if (inspection.shipment) {
    page.fact("Travels",
              fmt::format("{} blobs, {}", inspection.shipment->blobs, format_bytes(inspection.shipment->bytes)));
    page.fact("Left out", fmt::format("{} blobs, which must be there already", inspection.shipment->omitted_blobs));
  }
  for (const auto& [role, expires] : inspection.expiry) {
    page.fact("Valid until", escape(expires) + " (" + escape(role) + ")");
  }
  page.end_table();
}

void add_checks(Page& page, const Inspection& inspection) {
  page.heading("What was checked");
  page.begin_table({});
  for (const InspectionCheck& check : inspection.checks) {
    std::string_view state = "<span class=\"open\">not checked</span>";
    if (check.result == InspectionCheck::Result::passed) {
      state = "<span class=\"ok\">ok</span>";
    } else if (check.result == InspectionCheck::Result::failed) {
      state = "<span class=\"failed\">FAILED</span>";
    } else if (check.result == InspectionCheck::Result::pending) {
      state = "<span class=\"open\">not yet</span>";
    }
    page.row({std::string(state), escape(check.what), escape(check.detail)});
  }
  page.end_table();
}

void add_summary(Page& page, const Inspection& inspection) {
  page.heading("Contents by ecosystem");
  page.begin_table({"Ecosystem", "Artifacts", "Files", "Listed only", "Bytes"});
  for (const auto& [name, ecosystem] : inspection.ecosystems) {
    page.row({escape(name), std::to_string(ecosystem.artifacts), std::to_string(ecosystem.files),
              std::to_string(ecosystem.known), format_bytes(ecosystem.bytes)});
  }
  page.end_table();
  page.heading("What upstream proved");
  page.begin_table({"Proof", "Files"});
  for (const auto& [verified, files] : inspection.files_by_verified) {
    page.row({escape(proof_word(verified)), std::to_string(files)});
  }
  page.end_table();
  if (!inspection.waivers.empty()) {
    page.heading("Waived");
    page.begin_table({"Upstream", "What"});
    for (const model::Waiver& waiver : inspection.waivers) {
      page.row({escape(waiver.upstream), escape(waiver.what)});
    }
    page.end_table();
  }
  if (!inspection.revoked.empty()) {
    page.heading("Revoked");
    page.begin_table({});
    for (const Revoked& revoked : inspection.revoked) {
      page.row({code(revoked.item), escape(revoked.reason)});
    }
    page.end_table();
  }
}

void add_artifacts(Page& page, std::string_view title, const std::vector<InspectedArtifact>& artifacts) {
  if (artifacts.empty()) {
    return;
  }
  page.heading(fmt::format("{} ({})", title, artifacts.size()));
  page.begin_table({"Ecosystem", "Name", "Version", "Platforms", "Bytes", "Proof", "Licence", "From"});
  for (const InspectedArtifact& artifact : artifacts) {
    page.row(
        {escape(artifact.ecosystem),
         "<span title=\"" + escape(artifact.purl) + "\">" + escape(artifact.name) + "</span>" + below(artifact.paths),
         "<span>" + escape(artifact.version) + "</span>", joined(artifact.platforms),
         artifact.known_only ? "listed only" : format_bytes(artifact.bytes),
         artifact.known_only ? "&ndash;" : escape(model::to_string(artifact.verified)),
         artifact.license.empty() ? "unknown" : escape(artifact.license), joined(artifact.origins)});
  }
  page.end_table();
}

void add_difference(Page& page, const InspectionDiff& diff) {
  page.heading(fmt::format("Against {} {}", diff.before_channel, diff.before_serial));
  page.paragraph(fmt::format("{} added, {} removed, {} updated, {} with other content under the same version, {} kept",
                             diff.added.size(), diff.removed.size(), diff.updated.size(), diff.changed.size(),
                             diff.kept));
  std::vector<InspectedArtifact> changed;
  for (const InspectionDiff::Change& change : diff.changed) {
    changed.push_back(change.after);
  }
  add_artifacts(page, "Other content under the same version", changed);
  add_artifacts(page, "Added", diff.added);
  add_artifacts(page, "Removed", diff.removed);
  if (!diff.updated.empty()) {
    page.heading(fmt::format("Updated ({})", diff.updated.size()));
    page.begin_table({"Ecosystem", "Name", "Went", "Came"});
    for (const InspectionDiff::Update& update : diff.updated) {
      page.row({escape(update.ecosystem), escape(update.name) + below(update.paths),
                "<span>" + joined(update.removed) + "</span>", "<span>" + joined(update.added) + "</span>"});
    }
    page.end_table();
  }
}

void add_volumes(Page& page, const Inspection& inspection) {
  if (!inspection.shipment || inspection.shipment->volumes.empty()) {
    return;
  }
  page.heading("Volumes");
  page.begin_table({"Number", "Bytes", "SHA-256"});
  std::size_t number = 0;
  for (const VolumeRecord& volume : inspection.shipment->volumes) {
    page.row({std::to_string(++number), std::to_string(volume.length), code(volume.sha256.hex())});
  }
  page.end_table();
}

constexpr std::string_view k_signatures =
    "<h2>Release</h2>\n<table "
    "class=\"sign\"><thead><tr><th>Name</th><th>Date</th><th>Signature</th></tr></thead><tbody>"
    "<tr><td></td><td></td><td></td></tr><tr><td></td><td></td><td></td></tr></tbody></table>\n";

}  // namespace

std::string render_html(const Inspection& inspection, const InspectionDiff* diff) {
  const std::string title = escape(fmt::format("{} {}", inspection.channel, inspection.serial));
  Page page;
  page.raw("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n");
  page.raw(
      fmt::format("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{}'; "
                  "base-uri 'none'; form-action 'none'\">\n",
                  base64_of(base::sha256(k_style))));
  page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" + title + "</title>\n");
  page.raw(fmt::format("<style>{}</style></head><body>\n<h1>Transfer of {}</h1>\n", k_style, title));
  add_front(page, inspection, diff);
  add_checks(page, inspection);
  add_summary(page, inspection);
  if (diff != nullptr) {
    add_difference(page, *diff);
  }
  add_artifacts(page, "Artifacts", inspection.artifacts);
  add_volumes(page, inspection);
  page.raw(k_signatures);
  page.raw("</body></html>\n");
  return page.take();
}

}  // namespace airlock::bundle
