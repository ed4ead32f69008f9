// A folder that a diode fills: what is refused or has no room keeps nothing else away.
#include "far_fixture.hpp"

#include <algorithm>

#include "base/files.hpp"
#include "workflow/import_watch.hpp"
#include "workflow/status.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;
using workflow::ServiceStatus;

namespace {

bool says(const std::vector<std::string>& lines, std::string_view text) {
  return std::ranges::any_of(lines, [&](const auto& line) { return line.find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("a bundle without room waits, and a small one behind it is taken") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium folder;
  make_bundle(folder.path(), {text_file("big.bin", std::string(100'000, 'b'))}, keys, {.channel = "big"});
  make_bundle(folder.path(), {text_file("a.txt", "1")}, keys, {.channel = "small"});
  auto options = site.options({});
  bool full = true;
  int planned = 0;
  int refusals = 0;
  options.at_step = [&](std::string_view step) {
    // Each look begins with the larger one.
    if (step == "planned" && full && planned++ % 2 == 0) {
      throw base::Error(ErrorCode::no_space, "the home has " + std::to_string(++refusals) + " bytes free")
          .with_hint("free space");
    }
  };
  std::vector<std::string> taken;
  std::vector<std::string> refused;
  workflow::FolderWatch watch(folder.path(), options,
                              {.taken = [&](const auto& report) { taken.push_back(report.bundles.front().channel); },
                               .refused =
                                   [&](const fs::path& head, const base::Error& error) {
                                     refused.push_back(head.filename().string());
                                     CHECK(error.code() == ErrorCode::no_space);
                                   }});
  const auto look = [&] { return watch.look(site.clock, site.reporter); };
  CHECK(look() == 0);  // may still be growing
  CHECK(look() == 1);
  CHECK(taken == std::vector<std::string>{"small"});
  CHECK(refused.size() == 1);
  CHECK(says(site.reporter.warnings(), "waiting: the home has"));
  CHECK(says(site.reporter.warnings(), "(free space)"));
  CHECK(look() == 0);
  planned = 0;
  site.clock.set(site.clock.now() + std::chrono::minutes(2));
  CHECK(look() == 0);
  CHECK(site.reporter.warnings().size() == 1);  // once, although another number is free
  full = false;
  site.clock.set(site.clock.now() + std::chrono::minutes(5));
  CHECK(look() == 1);
  CHECK(taken.back() == "big");
}

TEST_CASE("a watched folder says what to do about what it refused") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium folder;
  make_bundle(folder.path(), {text_file("a.txt", "1")}, ProducerKeys());
  workflow::FolderWatch watch(folder.path(), site.options({}));
  watch.look(site.clock, site.reporter);
  watch.look(site.clock, site.reporter);
  CHECK(says(site.reporter.warnings(), "`airlock trust show` lists the pinned roots"));
  CHECK(site.state().newest_audit_entries("import-refused", 10).size() == 1);
  site.clock.set(site.clock.now() + std::chrono::hours(2));
  watch.look(site.clock, site.reporter);
  CHECK(site.state().newest_audit_entries("import-refused", 10).size() == 1);
}

TEST_CASE("a file is no folder to watch") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto bundle = make_bundle(medium.path(), {text_file("a.txt", "1")}, keys);
  const auto error = error_of([&] {
    workflow::watch_folder(bundle.head, site.options({}), {}, site.clock, site.reporter);
    return 0;
  });
  CHECK(error.code() == ErrorCode::usage);
}

TEST_CASE("status tells of a watcher, also before the first import") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium folder;
  const auto services = [&] { return site.status(std::chrono::days(365)).services; };
  CHECK(services().empty());
  base::make_directories(workflow::watch_locks(site.home));
  {
    const base::FileLock lock(workflow::watch_locks(site.home) / "0123456789abcdef.lock");
    REQUIRE(services().size() == 1);
    CHECK(services().front().what == ServiceStatus::What::watcher);
  }
  CHECK(services().empty());
}
