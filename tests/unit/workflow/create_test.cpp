#include "workflow/create.hpp"

#include "support/catch.hpp"
#include "trust/metadata.hpp"
#include "unit/workflow/near_host.hpp"
#include "workflow/keys.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/receipt.hpp"
#include "workflow/root_change.hpp"
#include "workflow/verify.hpp"

namespace airlock::workflow {
namespace {

namespace fs = std::filesystem;

using base::ErrorCode;
using test::content_for;
using test::FaultServer;
using test::NearHost;
using test::url_entry;

struct ThreeFiles {
  std::string a = content_for(1, 300'000), b = content_for(2, 10), c = content_for(3, 70'000);

  explicit ThreeFiles(FaultServer& server) {
    server.script("/a", {{.body = a}});
    server.script("/b", {{.body = b}});
    server.script("/c", {{.body = c}});
  }
  std::string manifest(const FaultServer& server) const {
    return "name: site-a\nfiles:\n" + url_entry(server, "/a", a) + url_entry(server, "/b") + url_entry(server, "/c", c);
  }
};

TEST_CASE("makes a sealed bundle and everything that is carried with it", "[workflow][create]") {
  NearHost host;
  FaultServer server;
  const ThreeFiles files(server);
  const CreateReport report = host.create(host.options(host.manifest(files.manifest(server))));
  CHECK(report.sealed);
  CHECK(report.serial == 1);
  CHECK(report.artifacts == 3);
  CHECK(report.blobs == 3);
  CHECK(report.blobs_included == 6);
  CHECK(report.unverified == 1);
  CHECK(report.changes.added.size() == 3);
  CHECK_FALSE(report.previous_serial);
  CHECK(report.bytes_fetched == 370'010);
  CHECK(report.bytes == fs::file_size(report.bundle));
  CHECK(report.bytes_written < report.bytes + 200'000 + (2u << 20));
  CHECK(host.names_in(host.out()) == std::vector<std::string>{"root.json", "site-a-1.airlock", "site-a-1.html",
                                                              "site-a-1.lock", "site-a-1.sha256", "site-a-1.txt"});
  const auto held = host.open(report.bundle);
  CHECK(held.present.at("files/a") == files.a);
  CHECK(held.present.at("files/b") == files.b);
  CHECK(held.present.at("files/c") == files.c);
  CHECK(held.attachments.size() == 3);
  CHECK(held.shipment.kind == bundle::Shipment::Kind::full);
  const model::Lock lock = model::Lock::read(host.out() / "site-a-1.lock");
  CHECK(lock.rows.at(1).sha256 == base::sha256(files.b));
  CHECK_FALSE(fs::exists(host.home().channel("site-a") / "run"));

  SECTION("as verify says too") {
    const auto verified =
        verify_bundle({.bundle = host.out(), .home = host.home(), .wall = host.clock().now()}, host.reporter());
    for (const auto& finding : verified.findings) {
      UNSCOPED_INFO(finding.subject << ": " << finding.message);
    }
    CHECK(verified.ok());
  }
  SECTION("and whose checksums are right") {
    std::string sums = test::read_whole(host.out() / "site-a-1.sha256");
    for (const auto* name : {"root.json", "site-a-1.airlock", "site-a-1.html", "site-a-1.lock", "site-a-1.txt"}) {
      const std::string line = base::sha256(test::read_whole(host.out() / name)).hex() + "  " + name + "\n";
      CHECK(sums.find(line) != std::string::npos);
    }
  }
}

TEST_CASE("a second bundle fetches only what is new", "[workflow][create]") {
  NearHost host;
  FaultServer server;
  const ThreeFiles files(server);
  const std::string first = "name: site-a\nfiles:\n" + url_entry(server, "/a", files.a);
  host.create(host.options(host.manifest(first)));
  const CreateReport report = host.create(host.options(host.manifest(first + url_entry(server, "/c", files.c))));
  CHECK(report.serial == 2);
  CHECK(report.bytes_fetched == 70'000);
  CHECK(report.bytes_reused == 300'000);
  CHECK(report.previous_serial == 1);
  CHECK(report.changes.added.size() == 1);
  CHECK(report.changes.kept == 1);
  CHECK_FALSE(report.unchanged);
  CHECK(host.open(report.bundle).present.size() == 2);

  SECTION("and says when nothing is") {
    const CreateReport third = host.create(host.options(host.root() / "site.yaml"));
    CHECK(third.serial == 3);
    CHECK(third.unchanged);
    CHECK(third.bytes_fetched == 0);
  }
  SECTION("and fetches again what lies damaged here") {
    std::string damaged = test::read_whole(host.out() / "site-a-1.airlock");
    const std::size_t at = damaged.find(files.a.substr(0, 100));
    REQUIRE(at != std::string::npos);
    damaged[at + 5] = static_cast<char>(damaged[at + 5] ^ 1);
    base::write_file_atomic(host.out() / "site-a-1.airlock", damaged);
    fs::remove(host.out() / "site-a-2.airlock");
    const CreateReport third = host.create(host.options(host.root() / "site.yaml"));
    CHECK(third.bytes_fetched == 370'000);
    CHECK(host.reporter().warnings().size() == 1);
    CHECK(host.open(third.bundle).present.at("files/a") == files.a);
  }
}

TEST_CASE("a delta leaves out what every base holds", "[workflow][create]") {
  NearHost host;
  FaultServer server;
  const ThreeFiles files(server);
  const std::string first = "name: site-a\nfiles:\n" + url_entry(server, "/a", files.a) + url_entry(server, "/b");
  const CreateReport base = host.create(host.options(host.manifest(first)));
  auto options = host.options(host.manifest(first + url_entry(server, "/c", files.c)));
  options.bases = {base.bundle};
  SECTION("a bundle") {}
  SECTION("a head") {
    options.bases = {host.home().channel("site-a") / "last.airlock"};
  }
  const CreateReport report = host.create(options);
  CHECK(report.delta);
  CHECK(report.blobs == 3);
  CHECK(report.blobs_omitted == 2);
  const auto held = host.open(report.bundle);
  CHECK(held.paths.size() == 3);
  CHECK(held.present.size() == 1);
  CHECK(held.shipment.kind == bundle::Shipment::Kind::delta);
  REQUIRE(held.shipment.bases.size() == 1);
  CHECK(held.shipment.bases.front().serial == 1);
}

TEST_CASE("of two producers' channels in a receipt this home's own is the base", "[workflow][create]") {
  NearHost host;
  const std::string own = read_own_root(host.home())->producer();
  const std::string other = base::sha256("another producer").hex();
  const std::string id = base::sha256("a state").hex();
  const auto named_serial = [&](const std::vector<std::string>& producers) {
    Receipt receipt;
    receipt.audit_head = id;
    receipt.blobs_digest = digest_of_list({});
    for (const std::string& producer : producers) {
      ReceiptChannel channel;
      channel.producer = producer;
      channel.channel = "site-a";
      channel.serial = producer == own ? 4 : 9;
      channel.bundle_id = channel.snapshot_sha256 = id;
      receipt.channels.push_back(channel);
    }
    const fs::path file = host.root() / "receipt.json";
    write_receipt_file(receipt, file);
    return read_base(file, host.home(), "site-a").named.serial;
  };
  CHECK(named_serial({other, own}) == 4);
  CHECK(named_serial({own, other}) == 4);
  CHECK(named_serial({other}) == 9);  // nothing tells that it is not meant
}

TEST_CASE("where a receipt has a home's channel under two of its roots, the newest state is the base",
          "[workflow][create]") {
  NearHost host;
  change_root(host.home(), {.kind = RootChange::Kind::renew}, {}, host.clock());
  Receipt receipt;
  receipt.audit_head = base::sha256("a state").hex();
  receipt.blobs_digest = digest_of_list({});
  for (const std::string& root : read_own_roots(host.home())) {
    ReceiptChannel channel;
    channel.producer = trust::identity(trust::parse_signed(root, "root", trust::k_root_limit)).hex();
    channel.channel = "site-a";
    channel.serial = 4 + receipt.channels.size();
    channel.bundle_id = channel.snapshot_sha256 = receipt.audit_head;
    receipt.channels.push_back(channel);
  }
  REQUIRE(receipt.channels.size() == 2);
  const fs::path file = host.root() / "receipt.json";
  write_receipt_file(receipt, file);
  CHECK(read_base(file, host.home(), "site-a").named.serial == 5);
  std::swap(receipt.channels[0], receipt.channels[1]);
  write_receipt_file(receipt, file);
  CHECK(read_base(file, host.home(), "site-a").named.serial == 5);
}

TEST_CASE("a need list of another producer's channel of that name is none for this home", "[workflow][create]") {
  const NearHost host;
  Receipt need;
  need.audit_head = need.need_bundle_id = base::sha256("a state").hex();
  need.blobs_digest = digest_of_list({});
  need.need_channel = "site-a";
  need.missing = {{base::sha256("lacking"), 7}};
  const fs::path file = host.root() / "need.json";
  const auto base_of = [&](const std::string& producer) {
    need.need_producer = producer;
    write_receipt_file(need, file);
    return read_base(file, host.home(), "site-a");
  };
  CHECK(base_of(read_own_root(host.home())->producer()).lacks.size() == 1);
  CHECK(base_of("").lacks_of == need.need_bundle_id);  // an older airlock wrote it
  CHECK(test::code_of([&] { base_of(base::sha256("another producer").hex()); }) == ErrorCode::foreign);
}

TEST_CASE("volumes hold whole blobs, and their head the rest", "[workflow][create]") {
  NearHost host;
  FaultServer server;
  const ThreeFiles files(server);
  auto options = host.options(host.manifest(files.manifest(server)));
  options.volume_size = 128 * 1024;
  const CreateReport report = host.create(options);
  CHECK(report.volumes.size() >= 3);
  for (const auto& volume : report.volumes) {
    CHECK(fs::file_size(volume) <= 128 * 1024);
  }
  const auto held = host.open(report.bundle);
  CHECK(held.present.size() == 3);
  CHECK(held.shipment.volumes.size() == report.volumes.size());
  CHECK(host.names_in(host.out()).front() == "root.json");
}

TEST_CASE("a dry run tells the plan and writes nothing", "[workflow][create]") {
  NearHost host;
  FaultServer server;
  const ThreeFiles files(server);
  auto options = host.options(host.manifest(files.manifest(server)));
  options.dry_run = true;
  const auto before = host.names_in(host.home().root);
  const CreateReport report = create_bundle(host.home(), options, nullptr, host.clock(), host.reporter());
  CHECK(report.dry_run);
  CHECK(report.serial == 1);
  CHECK(report.blobs_included == 3);
  CHECK(report.bytes_fetched == 370'010);
  CHECK(report.bytes > 370'010);
  CHECK(host.names_in(host.home().root) == before);
  CHECK(host.names_in(host.out()).empty());
}

TEST_CASE("needs keys to write", "[workflow][create]") {
  NearHost host;
  FaultServer server;
  const ThreeFiles files(server);
  const auto options = host.options(host.manifest(files.manifest(server)));
  const auto error = test::error_of([&] {
    create_bundle(host.home(), options, nullptr, host.clock(), host.reporter());
    return 0;
  });
  CHECK(error.code() == ErrorCode::config);
  CHECK(error.hint().find("keys init") != std::string::npos);
}

TEST_CASE("writes one file where one is named", "[workflow][create]") {
  NearHost host;
  FaultServer server;
  const ThreeFiles files(server);
  auto options = host.options(host.manifest("name: site-a\nfiles:\n" + url_entry(server, "/a", files.a)));
  options.output = (host.out() / "mine.airlock").string();
  const CreateReport report = host.create(options);
  CHECK(host.names_in(host.out()) == std::vector<std::string>{"mine.airlock"});
  CHECK(report.others.empty());

  SECTION("and volumes beside it, called after it") {
    options.output = (host.out() / "cut.airlock").string();
    options.volume_size = 128 * 1024;
    host.create(options);
    CHECK(fs::exists(host.out() / "cut.v001.tar"));
  }
  SECTION("never over another") {
    const auto error = test::error_of([&] { return host.create(options); });
    CHECK(error.code() == ErrorCode::conflict);
  }
}

TEST_CASE("continues a channel only where it knows its last state", "[workflow][create]") {
  NearHost first;
  FaultServer server;
  const ThreeFiles files(server);
  const auto manifest = first.manifest("name: site-a\nfiles:\n" + url_entry(server, "/a", files.a));
  const CreateReport made = first.create(first.options(manifest));
  fs::remove_all(first.home().channel("site-a"));

  const auto error = test::error_of([&] { return first.create(first.options(manifest)); });
  CHECK(error.code() == ErrorCode::conflict);
  CHECK(error.hint().find("--continue") != std::string::npos);

  auto options = first.options(manifest);
  options.continue_from = made.bundle;
  const CreateReport next = first.create(options);
  CHECK(next.serial == 2);
  CHECK(next.unchanged);
  CHECK(first.open(next.bundle).serial == 2);
}

TEST_CASE("adds to the last state, or to that of the base", "[workflow][create]") {
  NearHost host;
  FaultServer server;
  const ThreeFiles files(server);
  host.create(host.options(host.manifest("name: site-a\nfiles:\n" + url_entry(server, "/a", files.a))));
  SECTION("with --add") {
    auto options = host.options(host.manifest("name: site-a\nfiles:\n" + url_entry(server, "/c", files.c)));
    options.add = true;
    CHECK(host.open(host.create(options).bundle).present.size() == 2);
  }
  SECTION("with wants alone, for the only channel of the home") {
    auto options = host.options({});
    options.manifests.clear();
    options.wants = {host.manifest("images: []\n", "wants.yaml")};
    const CreateReport report = host.create(options);
    CHECK(report.channel == "site-a");
    CHECK(host.open(report.bundle).present.size() == 1);
  }
  SECTION("with wants that say more than what is wanted, nothing is done") {
    auto options = host.options(host.manifest("name: site-a\n"));
    options.wants = {host.manifest("files:\n" + url_entry(server, "/c", files.c), "wants.yaml")};
    CHECK(test::code_of([&] { return host.create(options); }) == ErrorCode::manifest);
  }
  SECTION("without --add it is replaced") {
    const auto report =
        host.create(host.options(host.manifest("name: site-a\nfiles:\n" + url_entry(server, "/c", files.c))));
    CHECK(host.open(report.bundle).present.size() == 1);
    CHECK(report.changes.removed.size() == 1);
  }
  SECTION("a channel without a state has nothing to add to") {
    auto options = host.options(host.manifest("name: other\nfiles:\n" + url_entry(server, "/c", files.c)));
    options.add = true;
    CHECK(test::code_of([&] { return host.create(options); }) == ErrorCode::base_missing);
  }
}

TEST_CASE("the same lock, state and time give the same bytes", "[workflow][create]") {
  NearHost host;
  FaultServer server;
  const ThreeFiles files(server);
  const test::ScopedEnvironment epoch("SOURCE_DATE_EPOCH", "1782907200");
  auto options = host.options(host.manifest(files.manifest(server)));
  const auto volume_size = GENERATE(std::optional<std::uint64_t>(), std::optional<std::uint64_t>(128 * 1024));
  options.volume_size = volume_size;
  host.create(options);
  fs::rename(host.out(), host.root() / "first");
  fs::create_directories(host.out());
  fs::remove_all(host.home().channel("site-a"));
  host.create(options);
  const auto names = host.names_in(host.out());
  CHECK(names == host.names_in(host.root() / "first"));
  for (const auto& name : names) {
    INFO(name);
    CHECK((test::read_whole(host.out() / name) == test::read_whole(host.root() / "first" / name)));
  }
}

TEST_CASE("two files with the same content are one blob, whether that was known before or not", "[workflow][create]") {
  NearHost host;
  FaultServer server;
  const std::string content = content_for(7, 200'000);
  server.script("/x", {{.body = content}});
  server.script("/y", {{.body = content}});
  server.script("/z", {{.body = content}});
  const auto report =
      host.create(host.options(host.manifest("name: site-a\nfiles:\n" + url_entry(server, "/x") +
                                             url_entry(server, "/y", content) + url_entry(server, "/z"))));
  CHECK(report.blobs == 1);
  CHECK(report.blobs_included == 4);
  CHECK(host.open(report.bundle).present.size() == 3);
}

}  // namespace
}  // namespace airlock::workflow
