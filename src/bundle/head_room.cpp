// How much room a head needs, before its content is known.
#include "base/tar.hpp"
#include "bundle/authoring.hpp"
#include "bundle/layout.hpp"
#include "bundle/state_rows.hpp"

namespace airlock::bundle {

namespace {

constexpr std::uint64_t k_index_entry = 512;      // bytes of index.json for an image, without its reference
constexpr std::uint64_t k_unknown_members = 128;  // bytes of a row: a sha256 and a length that are not there yet
constexpr std::uint64_t k_role_file = 16 * 1024;  // bytes of a role: keys, delegations, 64 signatures of Ed25519
constexpr std::uint64_t k_documents = 32 * 1024;  // bytes: hint, shipment, descriptor without waivers, attachments

// Whether index.json has an entry for it: a tag, or the manifest that its artifact is named by.
bool is_in_index(const model::FileRow& row) {
  return row.ecosystem == "oci" && (row.path.find('@') == std::string::npos ||
                                    row.artifact.find(row.path.substr(row.path.rfind(':') + 1)) != std::string::npos);
}

}  // namespace

std::uint64_t head_room_bound(const model::Lock& lock, const SigningSet& keys,
                              const std::optional<HeadContents>& previous) {
  std::uint64_t bound = k_documents;
  std::map<std::string, std::uint64_t> rows;
  for (const model::FileRow& row : lock.rows) {
    bound += model::to_json_line(row, model::RowForm::catalog).size() + 1 + k_sums_line_size;
    bound += row.sha256 && row.length ? 0 : k_unknown_members;
    if (is_in_index(row)) {
      bound += k_index_entry + row.path.size();
    }
    ++rows[row.ecosystem];
  }
  for (const model::Waiver& waiver : lock.waivers) {
    bound += 2 * (waiver.upstream.size() + waiver.what.size()) + 64;  // escapes may double a text
  }
  std::uint64_t members = 16;
  if (previous) {  // what was revoked stays, and so do the roles of ecosystems that are no longer in the state
    const auto revoked = previous->targets.find(std::string(k_revoked_target));
    bound += revoked == previous->targets.end() ? 0 : revoked->second.size();
    for (const auto& [name, bytes] : previous->metadata) {
      bound += name.ends_with(".root.json") ? 0 : bytes.size();
      ++members;
    }
  }
  for (const auto& [ecosystem, count] : rows) {
    bound += k_role_file;
    members += 2 + count / k_rows_per_catalog;
  }
  for (const std::string& root : keys.roots) {
    bound += root.size();
    ++members;
  }
  bound += 3 * k_role_file + members * 2 * base::k_tar_block;
  bound += bound / 4 + k_spare_room;
  return (bound + k_room_unit - 1) / k_room_unit * k_room_unit;
}

}  // namespace airlock::bundle
