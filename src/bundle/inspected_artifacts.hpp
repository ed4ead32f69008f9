// Rows put together into artifacts, for inspection. For the files of this folder only.
#pragma once

#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "bundle/inspection.hpp"

namespace airlock::bundle {

class ArtifactCollector {
 public:
  ArtifactCollector(Inspection& inspection, const model::BelongingRule& belongs)
      : m_inspection(inspection), m_belongs(belongs) {}

  void add(const model::FileRow& row);
  void finish();  // sorts, and counts per ecosystem

 private:
  struct Entry {
    InspectedArtifact artifact;
    std::set<std::string> platforms, origins;
    base::Hasher content;
    bool has_content = false;
    bool has_file = false, has_known = false;
    model::Verified files_verified = model::Verified::checksum_database;  // the least of them
  };
  Entry& entry_for(const model::FileRow& row);

  Inspection& m_inspection;
  const model::BelongingRule& m_belongs;
  std::unordered_map<std::string, Entry> m_entries;
  std::unordered_map<std::string, std::unordered_set<base::Digest>> m_blobs;  // by ecosystem
};

}  // namespace airlock::bundle
