#include "workflow/state_documents.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "base/files.hpp"
#include "workflow/blob_plan.hpp"
#include "workflow/layout_rows.hpp"

namespace airlock::workflow {

namespace {

constexpr std::uint64_t k_documents_base = 64 * 1024;  // bytes
constexpr std::uint64_t k_row_in_documents = 1'200;    // bytes of a row in lock and SBOM together

}  // namespace

void add_document(StateDocuments& documents, std::string kind, std::string media_type, std::string text) {
  documents.attachments.push_back({.kind = std::move(kind),
                                   .media_type = std::move(media_type),
                                   .sha256 = base::sha256(text),
                                   .length = text.size()});
  documents.texts.push_back(std::move(text));
}

StateDocuments make_documents(const model::Lock& state, base::Time created, std::uint64_t serial,
                              const bundle::SigningSet& keys) {
  model::Lock lock = state;
  remove_layout_rows(lock);
  StateDocuments documents;
  add_document(documents, "lock", "application/vnd.airlock.lock+jsonl", lock.to_text());
  add_document(documents, "sbom", "application/spdx+json", bundle::build_sbom(state, created, state.channel, serial));
  add_document(documents, "provenance", "application/vnd.dsse.envelope.v1+json",
               bundle::build_provenance(state, bundle::build_catalogs(state), created, serial, keys));
  return documents;
}

std::uint64_t documents_bound(const model::Lock& state) {
  return k_documents_base + state.rows.size() * k_row_in_documents;
}

bool is_complete(const model::Lock& state) {
  return std::ranges::all_of(state.rows,
                             [](const model::FileRow& row) { return !has_blob(row) || (row.sha256 && row.length); });
}

void write_documents(const StateDocuments& documents, bundle::BundleOutput& output) {
  for (std::size_t i = 0; i < documents.texts.size(); ++i) {
    const bundle::Attachment& attachment = documents.attachments[i];
    if (output.contains(attachment.sha256)) {
      continue;
    }
    output.begin_blob(attachment.sha256, attachment.length);
    output.append(base::as_bytes(documents.texts[i]));
    output.finish_blob();
  }
}

void save_documents(const StateDocuments& documents, const std::filesystem::path& folder) {
  base::make_directories(folder, 0700);
  for (std::size_t i = 0; i < documents.texts.size(); ++i) {
    base::write_file_atomic(folder / documents.attachments[i].sha256.hex(), documents.texts[i], 0600);
  }
}

std::optional<StateDocuments> load_documents(const std::vector<bundle::Attachment>& attachments,
                                             const std::filesystem::path& folder) {
  StateDocuments documents;
  for (const bundle::Attachment& attachment : attachments) {
    auto text = base::read_file_if_exists(folder / attachment.sha256.hex(), attachment.length);
    if (!text || base::sha256(*text) != attachment.sha256) {
      return std::nullopt;
    }
    documents.attachments.push_back(attachment);
    documents.texts.push_back(std::move(*text));
  }
  return documents;
}

}  // namespace airlock::workflow
