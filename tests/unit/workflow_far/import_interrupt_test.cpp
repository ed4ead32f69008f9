// Everything that can happen in the middle: kill -9, a full disk, two imports at once, a medium that cannot be written.
#include "far_fixture.hpp"

#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>

#include "base/interrupt.hpp"
#include "store/blob_store.hpp"
#include "store/catalog.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;

namespace {

struct Killed {};

struct Given {
  ProducerKeys keys;
  Medium medium;
  std::vector<BundleFile> files = big_files(30, 9'000);
  MadeBundle first = make_bundle(medium.path(), {text_file("data/0000.bin", "before")}, keys);
  MadeBundle second =
      make_bundle(medium.path(), files, keys, {.serial = 2, .created = bundle_time(1), .previous = first.contents});
};

// Either all of the old state is served or all of the new one.
void require_whole(const Site& site, const std::vector<BundleFile>& files) {
  const auto head = site.served("file", "data/0000.bin");
  REQUIRE(head);
  if (*head == "before") {
    CHECK_FALSE(site.served("file", "data/0001.bin"));
    return;
  }
  for (const auto& file : files) {
    CHECK(site.served(file.ecosystem, file.path) == file.content);
  }
}

const std::vector<std::string> k_steps = {"head-proven",   "planned",   "blob-stored", "blobs-stored",   "synced",
                                          "state-written", "committed", "published",   "receipt-written"};

}  // namespace

TEST_CASE("a process that is killed at any step leaves a whole state, and the same command finishes it") {
  for (const auto& step : k_steps) {
    Given given;
    Site site(&given.keys);
    site.import({given.first.head});
    site.clock.set(bundle_time(2));
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      auto options = site.options({given.second.head});
      std::atomic<int> blobs = 0;
      options.at_step = [&](std::string_view name) {
        if (name == step && (name != "blob-stored" || ++blobs == 17)) {
          _exit(9);
        }
      };
      try {
        base::SilentReporter silent;
        workflow::import_bundles(options, site.clock, silent);
      } catch (...) {
        _exit(2);
      }
      _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    INFO("killed at " << step);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 9);
    require_whole(site, given.files);

    site.import({given.second.head});
    CHECK(site.served("file", "data/0000.bin") == given.files[0].content);
    require_whole(site, given.files);
    CHECK(site.generations().size() == 2);
    CHECK(store::catalog_is_current(site.state(), site.home.root));
    CHECK(store::check_audit(site.state().audit_entries()).empty());
  }
}

TEST_CASE("what a step throws leaves a whole state as well") {
  for (const auto& step : k_steps) {
    Given given;
    Site site(&given.keys);
    site.import({given.first.head});
    site.clock.set(bundle_time(2));
    auto options = site.options({given.second.head});
    options.at_step = [&](std::string_view name) {
      if (name == step) {
        throw Killed{};
      }
    };
    CHECK_THROWS_AS(workflow::import_bundles(options, site.clock, site.reporter), Killed);
    INFO("stopped at " << step);
    require_whole(site, given.files);
    site.import({given.second.head});
    CHECK(site.served("file", "data/0029.bin") == given.files[29].content);
  }
}

TEST_CASE("a user who interrupts gets a run that continues") {
  struct Clear {
    ~Clear() { base::clear_interrupt(); }  // whatever happens here, the next test is not interrupted
  } const clear;
  Given given;
  Site site(&given.keys);
  auto options = site.options({given.second.head});
  site.clock.set(bundle_time(2));
  options.at_step = [](std::string_view name) {
    if (name == "blob-stored") {
      base::request_interrupt();
    }
  };
  const auto code = code_of([&] { return workflow::import_bundles(options, site.clock, site.reporter); });
  base::clear_interrupt();
  CHECK(code == ErrorCode::interrupted);
  site.import({given.second.head});
  require_whole(site, given.files);
}

TEST_CASE("a staged file whose bytes are bad is not adopted") {
  Given given;
  Site site(&given.keys);
  site.clock.set(bundle_time(2));
  auto options = site.options({given.second.head});
  options.at_step = [](std::string_view name) {
    if (name == "synced") {
      throw Killed{};
    }
  };
  CHECK_THROWS_AS(workflow::import_bundles(options, site.clock, site.reporter), Killed);
  // As after a power cut: the right name and length, other bytes.
  const auto digest = base::sha256(given.files[3].content);
  const auto file = site.home.blobs() / "sha256" / digest.hex().substr(0, 2) / digest.hex();
  fs::permissions(file, fs::perms::owner_all);
  flip_bit(file, 10);
  site.import({given.second.head});
  CHECK(site.served("file", "data/0003.bin") == given.files[3].content);
}

TEST_CASE("a second import at the same time is told to wait") {
  Given given;
  Site site(&given.keys);
  auto options = site.options({given.first.head});
  bool asked = false;
  options.at_step = [&](std::string_view name) {
    if (name == "planned") {
      asked = true;
      const auto error = error_of([&] {
        RecordingReporter reporter;
        return workflow::import_bundles(site.options({given.first.head}), site.clock, reporter);
      });
      CHECK(error.code() == ErrorCode::busy);
      CHECK(base::error_code_info(error.code()).exit_code == 4);
    }
  };
  workflow::import_bundles(options, site.clock, site.reporter);
  CHECK(asked);
  CHECK(site.served("file", "data/0000.bin") == "before");
}

TEST_CASE("a medium that cannot be written is read all the same") {
  Given given;
  Medium mounted;
  const bool root = geteuid() == 0;
  const bool bound = root &&
                     mount(given.medium.path().c_str(), mounted.path().c_str(), nullptr, MS_BIND, nullptr) == 0 &&
                     mount(nullptr, mounted.path().c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) == 0;
  const auto folder = bound ? mounted.path() : given.medium.path();
  if (!bound) {
    WARN("no read-only mount here; permissions only");
    fs::permissions(folder, fs::perms::owner_read | fs::perms::owner_exec);
  }
  {
    Site site(&given.keys);
    site.clock.set(bundle_time(2));
    CHECK(site.verify(folder / given.second.head.filename()).ok());
    site.import({folder});
    CHECK(site.served("file", "data/0029.bin") == given.files[29].content);
  }
  if (bound) {
    umount2(mounted.path().c_str(), MNT_DETACH);
  } else {
    fs::permissions(folder, fs::perms::owner_all);
  }
}

TEST_CASE("no space is said before the first byte, and nothing is changed") {
  SmallDisk small("24m");
  if (!small) {
    return;
  }
  const ProducerKeys keys;
  Medium medium;
  const auto files = big_files(12, 1'000'000);
  const auto bundle = make_bundle(medium.path(), files, keys);
  Site site(&keys);
  small.take_home_of(site);
  const auto error = error_of([&] { return site.import({bundle.head}); });
  CHECK(error.code() == ErrorCode::no_space);
  CHECK(base::error_code_info(error.code()).exit_code == 4);
  CHECK(site.generations().empty());
  CHECK_FALSE(fs::exists(site.home.blobs() / "sha256"));
  small.resize("64m");
  site.import({bundle.head});
  CHECK(site.served("file", "data/0011.bin") == files[11].content);
}

TEST_CASE("a disk that fills while blobs are written ends the run, and more room continues it") {
  SmallDisk small("40m");
  if (!small) {
    return;
  }
  const ProducerKeys keys;
  Medium medium;
  const auto files = big_files(12, 1'000'000);
  const auto bundle = make_bundle(medium.path(), files, keys);
  Site site(&keys);
  small.take_home_of(site);
  auto options = site.options({bundle.head});
  std::atomic<int> blobs = 0;
  options.at_step = [&](std::string_view name) {
    if (name == "blob-stored" && ++blobs == 3) {
      // Somebody else takes the room, all of it.
      small.fill();
    }
  };
  CHECK(code_of([&] { return workflow::import_bundles(options, site.clock, site.reporter); }) == ErrorCode::no_space);
  CHECK(site.generations().empty());
  small.empty();
  const auto report = site.import({bundle.head});
  CHECK(report.bundles.front().bytes_written < 12'000'000);
  CHECK(site.served("file", "data/0011.bin") == files[11].content);
}
