// Image archives of other tools.
#include "base/error.hpp"
#include "ecosystem/oci/fetchables.hpp"
#include "ecosystem/oci/layout_source.hpp"
#include "ecosystem/oci/tar_index.hpp"
#include "fuzz_target.hpp"
#include "memory_file.hpp"
#include "tar_checksums.hpp"

using namespace airlock;

namespace {

void index(std::string_view bytes) {
  const fuzz::MemoryFile file(bytes);
  try {
    ecosystem::oci::index_tar(
        file.fd(), bytes.size(), "input", [&](const std::string&, std::uint64_t offset, std::uint64_t length) {
          fuzz::require(offset <= bytes.size() && length <= bytes.size() - offset, "a member lies inside its file");
        });
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::malformed || error.code() == base::ErrorCode::limit,
                  "every refusal is about the archive");
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  index(text);
  index(fuzz::with_checksums(std::string(text)));
  if (const auto origin = ecosystem::oci::parse_registry_origin(text)) {
    fuzz::require(!origin->host.empty() && !origin->repository.empty(), "an origin has a host and a repository");
  }
  static_cast<void>(ecosystem::oci::parse_layout_origin(text));
  return 0;
}
