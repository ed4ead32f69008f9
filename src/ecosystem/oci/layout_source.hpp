// An OCI image layout as a source: what index.json lists, by the names that docker, podman, skopeo, oras and
// others write there.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ecosystem/oci/layout_files.hpp"
#include "ecosystem/oci/reference.hpp"
#include "ecosystem/oci/source.hpp"

namespace airlock::ecosystem::oci {

class LayoutSource : public Source {
 public:
  explicit LayoutSource(std::shared_ptr<const LayoutFiles> files);  // reads index.json; throws malformed

  // The entry that `from` names: its name in index.json, in full or its tag, or its digest. Without `from`,
  // the only entry, or that which is called like `reference`. Throws not_found and says which entries there
  // are.
  Descriptor find_entry(std::string_view from, const Reference& reference) const;

  std::optional<FetchedManifest> by_tag(std::string_view tag) override;
  std::optional<FetchedManifest> by_digest(const base::Digest& digest) override;
  std::vector<Descriptor> referrers(const base::Digest& subject) override;
  std::vector<std::string> tags() override;
  // "oci-layout:NAME@sha256:HEX", NAME being the last component of its path.
  std::string origin(Part part, const base::Digest& digest) const override;

 private:
  void find_subjects();

  std::shared_ptr<const LayoutFiles> m_files;
  std::vector<Descriptor> m_entries;
  std::once_flag m_subjects_found;
  std::multimap<base::Digest, Descriptor> m_by_subject;
};

// The parts of such an origin; nullopt when it is none.
struct LayoutOrigin {
  std::string name;
  base::Digest digest;
};
std::optional<LayoutOrigin> parse_layout_origin(std::string_view origin);
// NAME of a layout's path.
std::string layout_name(const std::filesystem::path& path);

}  // namespace airlock::ecosystem::oci
