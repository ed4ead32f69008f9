// The documents about a bundle that travel in it as blobs: SBOM, provenance and the lock.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "bundle/authoring.hpp"
#include "bundle/volume_writer.hpp"
#include "model/lock.hpp"

namespace airlock::workflow {

struct StateDocuments {
  std::vector<bundle::Attachment> attachments;
  std::vector<std::string> texts;  // of each
};

// `state` is complete and has the layout's rows; the lock that travels has not. Ed25519 keys give the same bytes again.
StateDocuments make_documents(const model::Lock& state, base::Time created, std::uint64_t serial,
                              const bundle::SigningSet& keys);
// About how many bytes they will take while `state` is not complete.
std::uint64_t documents_bound(const model::Lock& state);
// Every row that has a blob has its digest and length.
bool is_complete(const model::Lock& state);

void add_document(StateDocuments& documents, std::string kind, std::string media_type, std::string text);

void write_documents(const StateDocuments& documents, bundle::BundleOutput& output);

// Kept in a folder, for a run that is interrupted after its state was signed: other keys than Ed25519, and a scanner,
// would say it otherwise a second time. nullopt: they are not all there as `attachments` says.
void save_documents(const StateDocuments& documents, const std::filesystem::path& folder);
std::optional<StateDocuments> load_documents(const std::vector<bundle::Attachment>& attachments,
                                             const std::filesystem::path& folder);

}  // namespace airlock::workflow
