// Blobs that lie on this host already, into a bundle: in order, read ahead of the writer, hashed on the way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/reporter.hpp"
#include "bundle/volume_writer.hpp"
#include "workflow/fetch_window.hpp"
#include "workflow/reuse.hpp"

namespace airlock::workflow {

struct CopyStart {  // where an interrupted run stopped (BundleOutput::resume)
  std::size_t complete = 0;
  std::uint64_t begun = 0;  // bytes of the next
};

// Each blob is read once. A copy that cannot be read to its end, or has another digest, is replaced by the next copy
// of it that `local` knows. Throws tampered, naming the file, when no good copy is left; io when none can be read.
void copy_blobs(const std::vector<bundle::WrittenBlob>& blobs, const CopyStart& start, const LocalBlobs& local,
                bundle::BundleOutput& output, const WindowOptions& window, base::Reporter& reporter);

}  // namespace airlock::workflow
