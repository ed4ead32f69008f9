// An isolated site with a pinned root, and media that bundles arrive on.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/clock.hpp"
#include "base/files.hpp"
#include "store/state_db.hpp"
#include "support/bundle_maker.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/recording_reporter.hpp"
#include "workflow/import.hpp"
#include "workflow/status.hpp"
#include "workflow/verify.hpp"

namespace airlock::test {

namespace fs = std::filesystem;

struct Site {
  base::TempDir folder;
  workflow::Home home;
  base::FixedClock clock{bundle_time(1)};
  RecordingReporter reporter;

  // Pins the first root of `keys`, where there are any.
  explicit Site(const ProducerKeys* keys = nullptr);

  workflow::ImportOptions options(const std::vector<fs::path>& bundles) const;
  workflow::ImportReport import(const std::vector<fs::path>& bundles);
  workflow::VerifyReport verify(const fs::path& bundle, const std::vector<fs::path>& volumes = {});
  fs::path receipt(const std::string& name = "receipt.json") const;  // what it has now, written beside its home
  workflow::StatusReport status(std::chrono::days stale_after = std::chrono::days(90)) const;
  store::StateDb state() const { return {home.root, store::StateDb::Access::read}; }
  // Changes the state past every workflow, in one transaction; gives what `what` gives for the database.
  template <typename What>
  auto change(What&& what) const {
    store::StateDb state(home.root, store::StateDb::Access::change);
    auto transaction = state.change();
    if constexpr (std::is_void_v<decltype(what(state))>) {
      what(state);
      transaction.commit();
    } else {
      auto result = what(state);
      transaction.commit();
      return result;
    }
  }

  std::vector<store::Generation> generations() const;
  // The content that is served under a path; nullopt: the catalog has no such path, or no blob for it.
  std::optional<std::string> served(std::string_view ecosystem, std::string_view path) const;
  // Everything a run may change: generations, audit entries but those of refusals, catalog number. Equal before and
  // after what must change nothing.
  std::string fingerprint() const;
};

// A folder as it is found on a stick.
struct Medium {
  base::TempDir folder;
  fs::path path() const { return folder.path(); }
};

// A producer's states of one channel on one medium, each made a day after the one before, and a site that pinned the
// producer's root and has none of them yet. a.txt holds "state 1", "state 2", …
struct States {
  ProducerKeys keys;
  Site site{&keys};
  Medium medium;
  std::vector<MadeBundle> made;

  // `same`: files that each state has beside a.txt.
  explicit States(int count, const std::vector<BundleFile>& same = {});
  void take(std::size_t index);  // imports made[index], the day after it was made
};

// Three states of one channel, each with a file of its own; all imported, the third active.
struct ThreeStates : States {
  ThreeStates();
  bool has(std::string_view content) const;  // the blob is in the store
};

// A small file system of its own; only root can have one.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& size);  // as for mount: "64m"
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk();

  explicit operator bool() const { return m_mounted; }  // false: the test has warned that it is skipped
  fs::path path() const { return m_folder.path(); }
  void take_home_of(Site& site) const;  // its home lies here from now on
  void resize(const std::string& size) const;
  void fill() const;   // until nothing more goes in
  void empty() const;  // of what fill() wrote

 private:
  base::TempDir m_folder;
  bool m_mounted;
};

std::vector<BundleFile> big_files(int count, std::size_t size);  // distinct contents of ecosystem "file"
void flip_bit(const fs::path& file, std::uint64_t offset);
void cut(const fs::path& file, std::uint64_t length);
std::string text_of(const fs::path& file);
// Where `needle` begins in the file.
std::uint64_t offset_of(const fs::path& file, std::string_view needle);
bool has_finding(const workflow::VerifyReport& report, base::ErrorCode code, std::string_view in_text = "");

}  // namespace airlock::test
