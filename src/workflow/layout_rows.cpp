#include "workflow/layout_rows.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "bundle/oci_index.hpp"
#include "model/purl.hpp"

namespace airlock::workflow {

namespace {

using model::FileRow;
using model::Kind;

bool is_docker_manifest(const FileRow& row) {
  return row.ecosystem == "oci" && row.sha256 &&
         (row.media_type == bundle::k_docker_manifest_type || row.media_type == bundle::k_docker_list_type);
}

// An image that was asked for by digest: its package URL names that very manifest.
bool is_image(const FileRow& row) {
  try {
    return model::Purl::parse(row.artifact).version == row.sha256->to_string();
  } catch (const base::Error&) {
    return false;
  }
}

}  // namespace

std::map<base::Digest, std::string> add_layout_rows(model::Lock& lock,
                                                    const std::function<std::string(const FileRow&)>& read) {
  remove_layout_rows(lock);
  std::set<std::pair<std::string_view, base::Digest>> tagged;  // by package URL
  for (const FileRow& row : lock.rows) {
    if (row.kind == Kind::tag && row.sha256) {
      tagged.insert({row.artifact, *row.sha256});
    }
  }
  std::map<base::Digest, std::string> contents;
  std::vector<FileRow> added;
  for (const FileRow& row : lock.rows) {
    if (!is_docker_manifest(row) ||
        (row.kind != Kind::tag && (!is_image(row) || tagged.contains({row.artifact, *row.sha256})))) {
      continue;
    }
    const auto index = bundle::layout_only_index_of(row.media_type, read(row));
    if (!index) {
      continue;
    }
    FileRow entry;
    entry.ecosystem = row.ecosystem;
    entry.path = bundle::layout_row_path(row.path);
    entry.artifact = row.artifact;
    entry.kind = Kind::layout;
    entry.media_type = bundle::k_oci_index_type;
    entry.sha256 = base::sha256(*index);
    entry.length = index->size();
    contents.emplace(*entry.sha256, *index);
    added.push_back(std::move(entry));
  }
  lock.rows.insert(lock.rows.end(), added.begin(), added.end());
  lock.normalise();
  return contents;
}

void remove_layout_rows(model::Lock& lock) {
  std::erase_if(lock.rows, [](const FileRow& row) { return row.kind == Kind::layout; });
}

}  // namespace airlock::workflow
