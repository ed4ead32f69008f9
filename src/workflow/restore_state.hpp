// What a restore does to the state that came out of the backup before it is put into its place: floors, the log, what
// blobs are there, the catalog. For restore.cpp only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/reporter.hpp"
#include "workflow/backup_file.hpp"
#include "workflow/receipt.hpp"
#include "workflow/restore.hpp"
#include "workflow/restore_switch.hpp"

namespace airlock::workflow {

struct RestoredState {
  const RestoreOptions& options;
  const std::vector<Receipt>& receipts;
  const RestoreStaging& staging;
  const BackupList& backup;
  int fd;  // of the backup
  const std::vector<BackupBlob>& blobs;
  std::string aside;  // where what is there goes; empty: nothing is there
  base::Time now;
  base::Reporter& reporter;
};

// The connected side: which serials may have been used since, so that `create` uses none twice.
void settle_near_side(const RestoredState& restored, RestoreReport& report);
// The isolated side, where there is one in the backup.
void settle_far_side(const RestoredState& restored, RestoreReport& report);

}  // namespace airlock::workflow
