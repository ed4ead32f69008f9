// Bad upstreams, and locks that no longer fit them.
#include "support/catch.hpp"
#include "unit/workflow/near_host.hpp"
#include "workflow/create.hpp"
#include "workflow/lock_manifests.hpp"

namespace airlock::workflow {
namespace {

namespace fs = std::filesystem;

using base::ErrorCode;
using test::content_for;
using test::FaultServer;
using test::NearHost;
using test::url_entry;

class LockedFile {
 public:
  explicit LockedFile(const std::string& content, bool pinned) {
    m_server.script("/f", {{.body = content}});
    m_manifest = m_host.manifest("name: site-a\nfiles:\n" + url_entry(m_server, "/f", pinned ? content : ""));
    m_options = m_host.options({});
    m_options.manifests.clear();
    m_options.lock = m_host.root() / "site.lock";
  }

  void lock() { lock_manifests({.manifests = {m_manifest}}, m_host.reporter()); }
  NearHost& host() { return m_host; }
  FaultServer& server() { return m_server; }
  CreateOptions& options() { return m_options; }
  const fs::path& manifest() const { return m_manifest; }

 private:
  NearHost m_host;
  FaultServer m_server;
  fs::path m_manifest;
  CreateOptions m_options;
};

TEST_CASE("a lock is fetched exactly, or not at all", "[workflow][create]") {
  const std::string content = content_for(1, 150'000);
  LockedFile file(content, true);
  file.lock();
  SECTION("what is still the same is fetched") {
    const auto report = file.host().create(file.options());
    CHECK(file.host().open(report.bundle).present.at("files/f") == content);
  }
  SECTION("other bytes of the same length") {
    const std::string other = content_for(2, 150'000);
    file.server().script("/f", {{.body = other}});
    const auto error = test::error_of([&] { return file.host().create(file.options()); });
    CHECK(error.code() == ErrorCode::tampered);
    CHECK(error.message().find(base::sha256(content).hex()) != std::string::npos);
    CHECK(error.message().find(base::sha256(other).hex()) != std::string::npos);
    CHECK(error.hint().find("changed upstream since the lock was made") != std::string::npos);
    CHECK(file.host().names_in(file.host().out()) == std::vector<std::string>{"site-a-1.airlock.partial"});
  }
  SECTION("other bytes of another length") {
    const std::string other = content_for(2, 90'000);
    file.server().script("/f", {{.body = other}});
    const auto error = test::error_of([&] { return file.host().create(file.options()); });
    CHECK(error.code() == ErrorCode::tampered);
    CHECK(error.message().find(base::sha256(content).hex()) != std::string::npos);
    CHECK(error.message().find(base::sha256(other).hex()) != std::string::npos);
  }
  SECTION("gone") {
    file.server().script("/f", {{.status = 404}});
    const auto error = test::error_of([&] { return file.host().create(file.options()); });
    CHECK(error.code() == ErrorCode::not_found);
    REQUIRE_FALSE(error.context().empty());
    CHECK(error.context().front().find("files/f") != std::string::npos);
    CHECK_FALSE(error.hint().empty());
  }
  SECTION("forbidden") {
    file.server().script("/f", {{.status = 403}});
    CHECK(test::code_of([&] { return file.host().create(file.options()); }) == ErrorCode::auth);
  }
  SECTION("with a manifest that asks for the same") {
    file.options().manifests = {file.manifest()};
    CHECK(file.host().create(file.options()).sealed);
  }
  SECTION("not with a manifest that asks for something else") {
    file.options().manifests = {
        file.host().manifest("name: site-a\nfiles:\n" + url_entry(file.server(), "/g"), "o.yaml")};
    CHECK(test::code_of([&] { return file.host().create(file.options()); }) == ErrorCode::lock);
  }
  SECTION("not with flags that change what it says") {
    file.options().platforms = {model::Platform::parse("linux/arm64")};
    CHECK(test::code_of([&] { return file.host().create(file.options()); }) == ErrorCode::usage);
  }
}

TEST_CASE("the first create learns what upstream does not pin, and the lock beside it says so", "[workflow][create]") {
  const std::string content = content_for(1, 150'000);
  LockedFile file(content, false);
  file.lock();
  CHECK_FALSE(model::Lock::read(file.host().root() / "site.lock").rows.at(0).sha256);
  file.options().output = (file.host().out() / "one.airlock").string();
  const auto report = file.host().create(file.options());
  REQUIRE(report.others.size() == 1);
  const model::Lock learned = model::Lock::read(report.others.front());
  CHECK(learned.rows.at(0).sha256 == base::sha256(content));
  CHECK(learned.rows.at(0).length == 150'000);
}

TEST_CASE("pins by other digests are checked", "[workflow][create]") {
  const std::string content = content_for(1, 150'000);
  LockedFile file(content, false);
  file.lock();
  model::Lock lock = model::Lock::read(file.host().root() / "site.lock");
  base::Hasher hasher(base::HashAlgorithm::sha512);
  hasher.update(content);
  lock.rows.at(0).pin = hasher.finish().to_string();
  SECTION("right") {
    lock.save(file.host().root() / "site.lock");
    CHECK(file.host().create(file.options()).sealed);
  }
  SECTION("wrong") {
    hasher.update("other");
    lock.rows.at(0).pin = hasher.finish().to_string();
    lock.save(file.host().root() / "site.lock");
    const auto error = test::error_of([&] { return file.host().create(file.options()); });
    CHECK(error.code() == ErrorCode::tampered);
    CHECK(error.message().find("sha512:") != std::string::npos);
  }
}

TEST_CASE("a body that is cut short is taken up again", "[workflow][create]") {
  const std::string content = content_for(1, 150'000);
  LockedFile file(content, true);
  file.lock();
  file.server().script("/f", {{.body = content, .cut_after = 60'000}, {.body = content}});
  const auto report = file.host().create(file.options());
  CHECK(file.host().open(report.bundle).present.at("files/f") == content);
}

TEST_CASE("a file that nothing proves is not put together from parts", "[workflow][create]") {
  NearHost host;
  FaultServer server;
  const std::string content = content_for(1, 5'000'000);
  server.script("/f", {{.body = content}});
  const auto options =
      host.options(host.manifest("name: site-a\nfiles:\n  - { url: \"" + server.url("/f") + "\", path: files/f }\n"));
  REQUIRE(content.size() > 10 * options.window.segment);
  const auto report = host.create(options);
  CHECK(host.open(report.bundle).present.at("files/f") == content);
  CHECK(std::ranges::count_if(server.requests("/f"),
                              [](const test::FaultRequest& request) { return request.method == "GET"; }) == 1);
}

TEST_CASE("an upstream that ignores ranges sends a large file once, not once for each part", "[workflow][create]") {
  NearHost host;
  FaultServer server;
  const std::string first = content_for(1, 5'000'000);
  const std::string second = content_for(2, 5'000'000);
  server.script("/f", {{.body = first, .range = test::FaultRange::ignore}});
  server.script("/g", {{.body = second, .range = test::FaultRange::ignore}});
  const auto options = host.options(
      host.manifest("name: site-a\nfiles:\n" + url_entry(server, "/f", first) + url_entry(server, "/g", second)));
  REQUIRE(first.size() / options.window.segment > 10 * options.window.workers);
  const auto report = host.create(options);
  const auto held = host.open(report.bundle);
  CHECK(held.present.at("files/f") == first);
  CHECK(held.present.at("files/g") == second);
  const auto gets = [&](const std::string& path) {
    return static_cast<std::size_t>(std::ranges::count_if(
        server.requests(path), [](const test::FaultRequest& request) { return request.method == "GET"; }));
  };
  // The parts that were under way when the first answer came, and the one that carries the file.
  CHECK(gets("/f") <= options.window.workers + 1);
  CHECK(gets("/g") == 1);
  CHECK(server.bytes_sent() <= first.size() * (options.window.workers + 1) + second.size());
}

TEST_CASE("lengths that upstream does not tell are learned", "[workflow][create]") {
  NearHost host;
  FaultServer server;
  const std::string content = content_for(1, 250'000);
  server.script("/f", {{.body = content, .no_length = true}});
  const auto pinned = GENERATE(true, false);
  const auto volume_size = GENERATE(std::optional<std::uint64_t>(), std::optional<std::uint64_t>(128 * 1024));
  auto options = host.options(host.manifest("name: site-a\nfiles:\n" + url_entry(server, "/f", pinned ? content : "")));
  options.volume_size = volume_size;
  const auto report = host.create(options);
  CHECK(host.open(report.bundle).present.at("files/f") == content);
}

TEST_CASE("a lock tells what changed since the one that is there", "[workflow][lock]") {
  NearHost host;
  FaultServer server;
  server.script("/a", {{.body = "one"}});
  server.script("/b", {{.body = "two"}});
  const std::string start = "name: site-a\nfiles:\n";
  const LockOptions options{.manifests = {host.manifest(start + url_entry(server, "/a", "one"))}};
  const LockReport first = lock_manifests(options, host.reporter());
  CHECK(first.created);
  CHECK(first.file == host.root() / "site.lock");
  CHECK(first.changes.size() == 1);
  const LockReport again = lock_manifests(options, host.reporter());
  CHECK_FALSE(again.created);
  CHECK(again.changes.empty());
  host.manifest(start + url_entry(server, "/b", "two"));
  const LockReport other = lock_manifests(options, host.reporter());
  CHECK(other.changes.size() == 2);
  for (const auto& request : server.requests()) {
    CHECK(request.method == "HEAD");
  }

  SECTION("and keeps what an earlier create learned, as long as the pin is the same") {
    model::Lock lock = model::Lock::read(first.file);
    lock.rows.at(0).sha256 = base::sha256("two");
    lock.save(first.file);
    CHECK(lock_manifests(options, host.reporter()).unknown == 0);
  }
  SECTION("and overwrites nothing that is no lock") {
    base::write_file_atomic(host.root() / "precious.txt", "my notes");
    LockOptions wrong = options;
    wrong.output = host.root() / "precious.txt";
    CHECK(test::code_of([&] { return lock_manifests(wrong, host.reporter()); }) == ErrorCode::lock);
    CHECK(test::read_whole(host.root() / "precious.txt") == "my notes");
  }
}

TEST_CASE("all entries that cannot be had are told together", "[workflow][resolve]") {
  NearHost host;
  FaultServer server;
  server.script("/a", {{.body = "one"}});
  std::string manifest = "name: site-a\nfiles:\n" + url_entry(server, "/a", "one");
  SECTION("one is told as it is, with its place") {
    const auto error =
        test::error_of([&] { return host.create(host.options(host.manifest(manifest + url_entry(server, "/gone")))); });
    CHECK(error.code() == ErrorCode::not_found);
    REQUIRE(error.position());
    CHECK(error.position()->line == 4);
  }
  SECTION("many are told in order, at most twenty") {
    for (int i = 0; i < 25; ++i) {
      manifest += url_entry(server, "/gone" + std::to_string(i));
    }
    const auto error = test::error_of([&] { return host.create(host.options(host.manifest(manifest))); });
    CHECK(error.code() == ErrorCode::not_found);
    CHECK(error.message().starts_with("25 of 26 entries"));
    CHECK(error.message().find("site.yaml:4:") < error.message().find("site.yaml:5:"));
    CHECK(error.message().find("and 5 more") != std::string::npos);
  }
}

}  // namespace
}  // namespace airlock::workflow
