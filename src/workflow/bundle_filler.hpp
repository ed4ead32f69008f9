// Writes the planned blobs, one after the other, while the fetch window brings them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/reporter.hpp"
#include "bundle/volume_writer.hpp"
#include "model/lock.hpp"
#include "workflow/blob_plan.hpp"
#include "workflow/blob_sources.hpp"
#include "workflow/changed_upstream.hpp"
#include "workflow/fetch_window.hpp"
#include "workflow/run_journal.hpp"

namespace airlock::workflow {

struct FillOptions {
  WindowOptions window;
  DigestsFrom digests = DigestsFrom::this_run;
  std::vector<base::Digest> held;            // sorted; a blob that turns out to be one of these is left out
  std::optional<std::uint64_t> volume_size;  // bytes
  // Where an interrupted run stopped (BundleOutput::resume).
  std::size_t complete = 0;
  std::uint64_t begun = 0;
};

class BundleFiller {
 public:
  BundleFiller(model::Lock& lock, const BlobPlan& plan, BlobSources& sources, bundle::BundleOutput& output,
               RunJournal& journal, base::Reporter& reporter, FillOptions options);

  // Fills in digest and length of every row whose blob was not known, and tells the journal. Throws tampered when
  // upstream gives other bytes than are expected, or than it pins by another digest; and what fetching throws.
  void run();

  std::uint64_t bytes_spooled() const { return m_spooled; }
  // Blobs that were found to be held already when they had arrived.
  const std::vector<base::Digest>& left_out() const { return m_left_out; }

 private:
  class PinCheck;
  WindowBlob window_blob(const PlannedBlob& planned, bool first) const;
  void write(FetchWindow& window, const FetchWindow::Delivery& delivery, const PlannedBlob& planned, bool first);
  void pass_on(FetchWindow& window, PinCheck& pins, bool to_output);
  void write_known(FetchWindow& window, const PlannedBlob& planned, std::uint64_t length, bool first);
  void write_gathered(FetchWindow& window, const FetchWindow::Delivery& delivery, const PlannedBlob& planned);
  void write_unknown(FetchWindow& window, const FetchWindow::Delivery& delivery, const PlannedBlob& planned);
  using Opener = std::function<std::shared_ptr<ecosystem::Fetchable>(const model::FileRow&)>;
  void fetch_again(const PlannedBlob& planned, std::uint64_t length, const Opener& open);
  void learn(const PlannedBlob& planned, const base::Digest& sha256, std::uint64_t length);
  bool is_held(const base::Digest& sha256) const;

  model::Lock& m_lock;
  const BlobPlan& m_plan;
  BlobSources& m_sources;
  bundle::BundleOutput& m_output;
  RunJournal& m_journal;
  base::Reporter& m_reporter;
  const FillOptions m_options;
  std::unique_ptr<base::ProgressTask> m_progress;
  std::uint64_t m_spooled = 0;
  std::vector<base::Digest> m_left_out;
};

}  // namespace airlock::workflow
