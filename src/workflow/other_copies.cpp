#include "workflow/other_copies.hpp"

#include <memory>

#include "base/error.hpp"
#include "base/files.hpp"

namespace airlock::workflow {

std::set<std::string> changed_files(const bundle::Shipment& shipment, const bundle::BlobMap& map,
                                    const std::vector<BlobFailure>& failures, base::ProgressTask& progress) {
  std::set<std::string> files;
  for (const BlobFailure& failure : failures) {
    if (const auto location = map.find(failure.blob.sha256)) {
      for (const bundle::BlobExtent& extent : location->extents) {
        files.insert(extent.file);
      }
    }
  }
  std::set<base::Digest> signed_volumes;
  for (const bundle::VolumeRecord& record : shipment.volumes) {
    signed_volumes.insert(record.sha256);
  }
  for (const bundle::BlobMap::VolumeFile& volume : map.volumes()) {
    if (!files.contains(volume.name)) {
      continue;
    }
    try {
      auto fd = std::make_shared<const base::Fd>(base::open_for_reading(volume.path));
      const bundle::BlobLocation whole{.extents = {{fd, volume.name, 0, volume.length}}, .length = volume.length};
      if (signed_volumes.contains(hash_location(whole, progress))) {
        files.erase(volume.name);
      }
    } catch (const base::Error& error) {
      if (error.code() == base::ErrorCode::interrupted) {
        throw;
      }
      // What cannot be read to its end gives nothing of what it holds.
    }
  }
  return files;
}

}  // namespace airlock::workflow
