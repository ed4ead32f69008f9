// The small parts that a create is made of.
#include <sys/mount.h>

#include "support/catch.hpp"
#include "unit/workflow/near_host.hpp"
#include "workflow/blob_plan.hpp"
#include "workflow/prefetch.hpp"
#include "workflow/readback.hpp"
#include "workflow/reuse.hpp"
#include "workflow/run_journal.hpp"
#include "workflow/target.hpp"
#include "workflow/volume_size.hpp"

namespace airlock::workflow {
namespace {

namespace fs = std::filesystem;

using base::ErrorCode;
using test::content_for;
using test::FaultServer;
using test::NearHost;
using test::url_entry;

model::FileRow row(const std::string& path, const std::string& content, bool known = true) {
  model::FileRow result;
  result.ecosystem = "file";
  result.path = path;
  result.artifact = "pkg:generic/" + path;
  if (known) {
    result.sha256 = base::sha256(content);
    result.length = content.size();
  }
  return result;
}

TEST_CASE("volume sizes are numbers or presets", "[workflow][volumes]") {
  CHECK(parse_volume_size("fat32") == 0xFFFFFFFF);
  CHECK(parse_volume_size("4GiB") == 4ULL << 30);
  CHECK(parse_volume_size("cd") < 737'280'000);
  CHECK(parse_volume_size("dvd") < 4'700'372'992);
  CHECK(parse_volume_size("bd25") <= 25'025'314'816);
  CHECK(test::code_of([] { return parse_volume_size("floppy"); }) == ErrorCode::usage);
  CHECK(test::code_of([] { return parse_volume_size("1KiB"); }) == ErrorCode::usage);
}

TEST_CASE("a file system with small files gets volumes that fit it", "[workflow][target]") {
  test::RecordingReporter reporter;
  base::SpaceInfo fat{.free_bytes = 0, .max_file_size = 0xFFFFFFFF, .file_system = "vfat", .removable = true};
  CHECK(settle_volume_size(fat, std::nullopt, reporter) == k_fat32_volume);
  CHECK(settle_volume_size(fat, 8ULL << 30, reporter) == 0xFFFFFFFF);
  CHECK(reporter.said().size() == 2);
  CHECK(settle_volume_size(fat, 1 << 20, reporter) == 1 << 20);
  fat.max_file_size = UINT64_MAX;
  CHECK_FALSE(settle_volume_size(fat, std::nullopt, reporter));
  CHECK(reporter.said().size() == 2);
}

TEST_CASE("unknown sizes matter where little is left beside what is known", "[workflow][target]") {
  constexpr std::uint64_t k_gibibyte = std::uint64_t{1} << 30;
  CHECK_FALSE(may_run_short(50 * k_gibibyte, 1 << 20));
  CHECK(may_run_short(2 * k_gibibyte, 1 << 20));
  CHECK(may_run_short(50 * k_gibibyte, 60 * k_gibibyte));
}

TEST_CASE("blobs are planned once, in the order of paths", "[workflow][plan]") {
  model::Lock lock;
  lock.rows = {row("a", "one"), row("b", "two", false), row("c", "one"), row("d", "three"), row("e", "four")};
  lock.rows[4].kind = model::Kind::known;
  const BlobPlan plan = make_blob_plan(lock, {base::sha256("three")});
  REQUIRE(plan.blobs.size() == 2);
  CHECK(plan.blobs[0].row == 0);
  CHECK(plan.blobs[1].row == 1);
  CHECK(plan.bytes == 3);
  CHECK(plan.unknown_lengths == 1);
  CHECK(plan.omitted == std::vector<base::Digest>{base::sha256("three")});
  CHECK(known_prefix(plan).size() == 1);
}

TEST_CASE("states with the same files are the same, whatever else is said of them", "[workflow][plan]") {
  const std::vector<model::FileRow> before = {row("a", "one"), row("b", "two")};
  std::vector<model::FileRow> after = before;
  after[0].origin = "https://elsewhere.example/a";
  CHECK(same_content(before, after));
  after[0].sha256 = base::sha256("other");
  CHECK_FALSE(same_content(before, after));
  after.pop_back();
  CHECK_FALSE(same_content(before, after));
}

TEST_CASE("an interrupted run is found with what it learned", "[workflow][journal]") {
  base::TempDir folder;
  RunJournal journal(folder.path() / "run");
  CHECK_FALSE(journal.read());
  model::Lock lock;
  lock.channel = "site-a";
  lock.rows = {row("a", "one", false), row("b", "two", false)};
  const RunPlan plan{.wish = base::sha256("wish"),
                     .serial = 7,
                     .created = base::parse_rfc3339("2026-07-01T12:00:00Z"),
                     .head = "/out/site-a-7.airlock",
                     .stem = "site-a-7",
                     .head_room = 1 << 20,
                     .volume_size = 4096,
                     .volumes = 2,
                     .learns = true};
  journal.begin(plan, lock);
  journal.learned(row("b", "two"));
  auto found = journal.read();
  REQUIRE(found);
  CHECK(found->plan.serial == 7);
  CHECK(found->plan.wish == plan.wish);
  CHECK(found->plan.created == plan.created);
  CHECK(found->plan.volume_size == 4096U);
  CHECK(found->plan.learns);
  CHECK_FALSE(found->lock.rows[0].sha256);
  CHECK(found->lock.rows[1].sha256 == base::sha256("two"));

  SECTION("a line that was cut short is left out") {
    std::string learned = test::read_whole(folder.path() / "run" / "learned.jsonl");
    base::write_file_atomic(folder.path() / "run" / "learned.jsonl", learned + "{\"ecosystem\":\"fi");
    found = RunJournal(folder.path() / "run").read();
    REQUIRE(found);
    RunJournal next(folder.path() / "run");
    next.go_on(*found);
    next.learned(row("a", "one"));
    CHECK(RunJournal(folder.path() / "run").read()->lock.rows[0].sha256 == base::sha256("one"));
    CHECK(RunJournal(folder.path() / "run").read()->lock.rows[1].sha256 == base::sha256("two"));
  }
  SECTION("a journal that cannot be read is no journal") {
    base::write_file_atomic(folder.path() / "run" / "run.json", "{");
    CHECK_FALSE(journal.read());
  }
  SECTION("the end leaves nothing") {
    journal.end();
    CHECK_FALSE(journal.read());
    CHECK_FALSE(fs::exists(folder.path() / "run"));
  }
}

class TextUpstream : public ecosystem::Fetchable {
 public:
  explicit TextUpstream(std::string text, int* asked = nullptr) : m_text(std::move(text)), m_asked(asked) {}
  void fetch(std::uint64_t offset, std::optional<std::uint64_t> length, base::ByteSink& sink) override {
    if (m_asked != nullptr) {
      ++*m_asked;
    }
    TextFetchable(m_text).fetch(offset, length, sink);
  }

 private:
  std::string m_text;
  int* m_asked;
};

std::string fetched(ecosystem::Fetchable& fetchable, std::uint64_t offset = 0,
                    std::optional<std::uint64_t> length = std::nullopt) {
  base::StringSink sink(1u << 30);
  fetchable.fetch(offset, length, sink);
  return sink.take();
}

TEST_CASE("a local copy that ends early goes on upstream", "[workflow][reuse]") {
  base::TempDir folder;
  const std::string content = content_for(3, 700'000);
  base::write_file_atomic(folder.path() / "part", content.substr(0, 400'000));
  auto fd = std::make_shared<const base::Fd>(base::open_for_reading(folder.path() / "part"));
  int asked = 0;
  LocalFetchable whole({.extents = {{.fd = fd, .file = "part", .offset = 0, .length = 700'000}}, .length = 700'000},
                       [&] { return std::make_shared<TextUpstream>(content, &asked); });
  CHECK((fetched(whole) == content));
  CHECK(asked == 1);
  CHECK((fetched(whole, 100'000, 200'000) == content.substr(100'000, 200'000)));
  CHECK(asked == 1);
  CHECK((fetched(whole, 390'000, 20'000) == content.substr(390'000, 20'000)));
  CHECK(asked == 2);
}

TEST_CASE("small files are fetched ahead, once, and asked for again where that failed", "[workflow][prefetch]") {
  std::atomic<int> opened = 0;
  const auto open = [&](const model::FileRow& wanted) -> std::shared_ptr<ecosystem::Fetchable> {
    ++opened;
    if (wanted.path == "broken") {
      throw base::Error(ErrorCode::network, "no");
    }
    return std::make_shared<TextUpstream>(wanted.path + " content");
  };
  const auto make_row = [](const std::string& path) { return row(path, path + " content"); };
  Prefetch prefetch(open, [](const model::FileRow& wanted) { return wanted.path != "unwanted"; },
                    {.memory = 1'000, .largest = 100, .threads = 2});
  for (const auto* path : {"a", "b", "a", "unwanted", "broken"}) {
    prefetch.add(make_row(path));
  }
  prefetch.add(row("large", std::string(101, 'x')));
  const auto upstream = [] { return std::make_shared<TextUpstream>("from upstream"); };
  auto a = prefetch.find(base::sha256("a content"), upstream);
  REQUIRE(a);
  CHECK(fetched(*a) == "a content");
  CHECK(fetched(*a) == "from upstream");  // its memory was given back
  auto broken = prefetch.find(base::sha256("broken content"), upstream);
  REQUIRE(broken);
  CHECK(fetched(*broken) == "from upstream");
  CHECK_FALSE(prefetch.find(base::sha256("unwanted content"), upstream));
  CHECK_FALSE(prefetch.find(base::sha256(std::string(101, 'x')), upstream));
  prefetch.close();
  prefetch.add(make_row("late"));
  CHECK_FALSE(prefetch.find(base::sha256("late content"), upstream));
  CHECK(opened <= 3);
}

TEST_CASE("what was found ahead of its turn is asked for upstream when nothing more is fetched ahead",
          "[workflow][prefetch]") {
  const auto open = [](const model::FileRow&) { return std::make_shared<TextUpstream>("a content"); };
  Prefetch prefetch(open, [](const model::FileRow&) { return true; }, {.threads = 0});
  prefetch.add(row("a", "a content"));
  auto found = prefetch.find(base::sha256("a content"), [] { return std::make_shared<TextUpstream>("from upstream"); });
  REQUIRE(found);
  prefetch.close();
  CHECK(fetched(*found) == "from upstream");  // hangs here where it waits for its turn
}

TEST_CASE("a medium that forgets is found out", "[workflow][readback]") {
  base::TempDir folder;
  test::RecordingReporter reporter;
  base::write_file_atomic(folder.path() / "a", "content");
  auto digests = hash_files({folder.path() / "a"}, Cache::use, reporter);
  read_back(digests, reporter);
  base::write_file_atomic(folder.path() / "a", "c0ntent");
  CHECK(test::code_of([&] {
          read_back(digests, reporter);
          return 0;
        }) == ErrorCode::tampered);
}

TEST_CASE("a target without room is refused before anything is fetched", "[workflow][target]") {
  base::TempDir folder;
  const fs::path small = folder.path() / "small";
  fs::create_directories(small);
  if (mount("tmpfs", small.c_str(), "tmpfs", 0, "size=4m") != 0) {
    return;  // needs root
  }
  struct Unmount {
    fs::path path;
    ~Unmount() { umount2(path.c_str(), MNT_DETACH); }
  } unmount{small};
  NearHost host;
  FaultServer server;
  const std::string content = content_for(1, 6u << 20);
  server.script("/f", {{.body = content}});
  auto options = host.options(host.manifest("name: site-a\nfiles:\n" + url_entry(server, "/f", content)));
  options.output = small.string() + "/";
  const auto error = test::error_of([&] { return host.create(options); });
  CHECK(error.code() == ErrorCode::no_space);
  CHECK(error.message().find("are missing") != std::string::npos);
  for (const auto& request : server.requests("/f")) {
    CHECK(request.method == "HEAD");
  }
  CHECK(fs::is_empty(small));
}

}  // namespace
}  // namespace airlock::workflow
