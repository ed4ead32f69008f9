// A foreign file, beside a head and alone: whatever it claims, only what is listed is taken from it, and only where it
// fits.
#include <fstream>
#include <string>

#include "base/error.hpp"
#include "bundle/blob_map.hpp"
#include "fuzz_target.hpp"
#include "memory_file.hpp"
#include "support/bundle_maker.hpp"
#include "tar_checksums.hpp"

using namespace airlock;

namespace {

struct Scene {
  base::TempDir folder{fuzz::memory_place()};
  bundle::Head head;
  std::vector<bundle::VerifiedBundle::StateBlob> blobs;
  std::filesystem::path volume;

  Scene() {
    const test::ProducerKeys keys;
    const auto made = test::make_bundle(folder.path(), test::sample_files(), keys, {.volume_size = 8192});
    head = bundle::Head::read(made.head);
    bundle::EmptyStateStore state;
    blobs = bundle::verify_head(head, state, test::verify_options(keys)).blobs();
    for (const auto& path : made.volumes) {
      std::filesystem::remove(path);
    }
    volume = folder.path() / "any name";
  }
};

void check_map(const bundle::BlobMap& map, const Scene& scene, std::size_t size) {
  for (const auto& blob : scene.blobs) {
    if (const auto location = map.find(blob.sha256)) {
      std::uint64_t sum = 0;
      for (const auto& extent : location->extents) {
        fuzz::require(extent.offset <= size && extent.length <= size - extent.offset, "a blob lies inside its file");
        sum += extent.length;
      }
      fuzz::require(sum == location->length, "parts add up");
      bundle::BlobSource source(*location);
      base::NullSink nowhere;
      fuzz::require(base::copy(source, nowhere) == sum, "what is there can be read");
    }
  }
}

void look_at(const Scene& scene, std::string_view bytes) {
  std::ofstream(scene.volume, std::ios::binary | std::ios::trunc) << bytes;
  const auto map = bundle::BlobMap::scan(scene.head, {}, scene.blobs);
  check_map(map, scene, bytes.size());
  fuzz::require(map.volumes().size() <= 1, "there is one volume");
  // The same file without a head, as a volume or as a head that nobody read.
  check_map(bundle::BlobMap::scan(std::vector{scene.volume}, scene.blobs), scene, bytes.size());
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Scene scene;
  const std::string bytes(fuzz::as_text(data, size));
  const fuzz::MemoryFile file(bytes);
  static_cast<void>(bundle::peek_hint(file.fd(), bytes.size()));
  look_at(scene, bytes);
  const std::string mended = fuzz::with_checksums(bytes);
  if (mended != bytes) {
    look_at(scene, mended);
  }
  return 0;
}
