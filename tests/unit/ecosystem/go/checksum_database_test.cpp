// Notes, trees and lookups, against a log that is really signed.
#include "ecosystem/go/go.hpp"
#include "ecosystem/go/note.hpp"
#include "ecosystem/go/transparent_log.hpp"
#include "go_fixture.hpp"
#include "resolve_fixture.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::go {

using base::ErrorCode;
using test::code_of;
using test::error_of;

namespace {

ChecksumLog log_of(std::size_t size) {
  ChecksumLog log;
  for (std::size_t i = 0; i < size; ++i) {
    log.add(fmt::format("a.b/m{0} v1.0.0 h1:{0}\n", i));
  }
  return log;
}

TreeHead head_of(const ChecksumLog& log, std::size_t size) {
  return parse_tree_head(verified_text(log.head(size), *parse_verifier_key(log.key())));
}

const Module k_module{"example.com/Lib", "v1.0.0"};

struct Site {
  explicit Site(std::size_t others = 300) : log(log_of(others)) {
    modules.add(k_module, "module example.com/Lib\ngo 1.20\n");
    log.add(modules.sum_lines(k_module));
    id = log.size() - 1;
    log.add("a.b/last v1.0.0 h1:x\n");
  }
  void serve() { log.serve(modules.server, "/db", {{"example.com/!lib@v1.0.0", id}}); }
  std::map<std::string, std::string> environment() const {
    auto variables = modules.environment();
    variables["GOSUMDB"] = log.key() + " " + modules.server.url("/db");
    return variables;
  }
  base::Error refusal() const {
    Resolution run(descriptor(), "go:\n  packages: [example.com/Lib@v1.0.0]\n", environment());
    return error_of([&] { return run.run().size(); });
  }
  ChecksumLog log;
  ModuleServer modules;
  std::size_t id = 0;
};

}  // namespace

TEST_CASE("keys of checksum databases", "[go][note]") {
  const ChecksumLog log;
  const auto key = parse_verifier_key(log.key());
  REQUIRE(key);
  CHECK(key->name == "sum.site.example");
  for (const std::string& bad :
       {std::string(), std::string("x"), "y" + log.key(), log.key().substr(0, log.key().size() - 4), log.key() + "AAAA",
        std::string("sum.site.example+00000000") + log.key().substr(25)}) {
    CHECK_FALSE(parse_verifier_key(bad));
  }
}

TEST_CASE("a note is believed only with its signature", "[go][note]") {
  const ChecksumLog log;
  const VerifierKey key = *parse_verifier_key(log.key());
  const std::string note = log.note("text\n");
  CHECK(verified_text(note, key) == "text\n");
  std::string changed = note;
  changed[0] = 'T';
  CHECK(code_of([&] { return verified_text(changed, key); }) == ErrorCode::untrusted);
  CHECK(code_of([&] { return verified_text(note, *parse_verifier_key(ChecksumLog().key())); }) == ErrorCode::untrusted);
  CHECK(code_of([&] { return verified_text(note, *parse_verifier_key(ChecksumLog("other.example").key())); }) ==
        ErrorCode::untrusted);
  for (const std::string& bad :
       {std::string(), std::string("text\n"), std::string("text\n\n"), note.substr(0, note.size() - 1),
        note.substr(0, note.size() - 40) + "\n", std::string("<html>\n\n</html>\n")}) {
    INFO(bad);
    const ErrorCode code = code_of([&] { return verified_text(bad, key); });
    CHECK((code == ErrorCode::malformed || code == ErrorCode::untrusted));
  }
}

TEST_CASE("every record is proved in trees of every shape, and no other one", "[go][log]") {
  const ChecksumLog log = log_of(600);
  for (const std::size_t size : std::initializer_list<std::size_t>{1, 2, 3, 7, 8, 255, 256, 257, 511, 512, 513, 600}) {
    const TreeHead head = head_of(log, size);
    const TileReader tiles = [&](const Tile& tile) {
      const std::string hashes = log.tile(tile.level, tile.number, size);
      CHECK(hashes.size() >= tile.width * 32);
      return hashes;
    };
    for (std::size_t id = 0; id < size; id += size < 10 ? 1 : 37) {
      INFO(id << " of " << size);
      CHECK_NOTHROW(prove_record(head, id, log.record(id), tiles));
      CHECK(code_of([&] { prove_record(head, id, log.record(id) + "x", tiles); }) == ErrorCode::tampered);
      if (size > 1) {
        CHECK(code_of([&] { prove_record(head, (id + 1) % size, log.record(id), tiles); }) == ErrorCode::tampered);
        const TileReader liar = [&](const Tile& tile) {
          std::string hashes = log.tile(tile.level, tile.number, size);
          for (char& c : hashes) {
            c = static_cast<char>(c ^ 1);
          }
          return hashes;
        };
        CHECK(code_of([&] { prove_record(head, id, log.record(id), liar); }) == ErrorCode::tampered);
      }
    }
    CHECK(code_of([&] { prove_record(head, size, log.record(0), tiles); }) == ErrorCode::tampered);
  }
  CHECK(code_of([&] {
          prove_record(head_of(log, 5), 1, log.record(1), [](const Tile&) { return std::string("short"); });
        }) == ErrorCode::malformed);
}

TEST_CASE("tiles have the names that all share", "[go][log]") {
  CHECK(tile_path({.level = 0, .number = 5}) == "tile/8/0/005");
  CHECK(tile_path({.level = 1, .number = 1234067, .width = 8}) == "tile/8/1/x001/x234/067.p/8");
}

TEST_CASE("answers that are no records", "[go][log]") {
  const LookupAnswer answer = parse_lookup("12\na v1 h1:x\nb\n\nnote\n");
  CHECK(answer.id == 12);
  CHECK(answer.record == "a v1 h1:x\nb\n");
  CHECK(answer.note == "note\n");
  for (const char* bad : {"", "12", "12\n", "x\ny\n\nz", "-1\ny\n\nz", "012\ny\n\nz", "99999999999999999999\ny\n\nz",
                          "12\n\nz", "<html>\n<body>\n\n"}) {
    INFO(bad);
    CHECK(code_of([&] { return parse_lookup(bad); }) == ErrorCode::malformed);
  }
  for (const char* bad : {"", "go.sum database tree\n", "other\n1\nAAAA\n", "go.sum database tree\n1\nAAAA\n"}) {
    CHECK(code_of([&] { return parse_tree_head(bad); }) == ErrorCode::malformed);
  }
}

TEST_CASE("a module without go.sum is proved by the checksum database", "[go][resolver]") {
  const std::size_t others = GENERATE(as<std::size_t>{}, 1, 254, 300);
  Site site(others);
  site.serve();
  Resolution run(descriptor(), "go:\n  packages: [example.com/Lib@v1.0.0]\n", site.environment());
  run.run();
  const auto& zip = run.row("example.com/!lib/@v/v1.0.0.zip");
  CHECK(zip.verified == model::Verified::checksum_database);
  CHECK(zip.pin == site.modules.sums().at(k_module).zip);
  CHECK(run.row("example.com/!lib/@v/v1.0.0.mod").verified == model::Verified::checksum_database);
}

TEST_CASE("the database is asked through the proxy where that carries it", "[go][resolver]") {
  Site site;
  site.log.serve(site.modules.server, "/proxy/sumdb/sum.site.example", {{"example.com/!lib@v1.0.0", site.id}});
  site.modules.server.script("/proxy/sumdb/sum.site.example/supported", {{.body = ""}});
  Resolution run(descriptor(), "go:\n  packages: [example.com/Lib@v1.0.0]\n", site.environment());
  run.run();
  CHECK(run.row("example.com/!lib/@v/v1.0.0.zip").verified == model::Verified::checksum_database);
}

TEST_CASE("a partial tile that is gone is read from the full one", "[go][resolver]") {
  Site site(254);
  const std::size_t size = site.log.size();
  REQUIRE(size == 256);
  site.serve();
  // The newest head is older than the tree: its tile is only there in full.
  site.modules.server.script("/db/latest", {{.body = site.log.head(255)}});
  Resolution run(descriptor(), "go:\n  packages: [example.com/Lib@v1.0.0]\n", site.environment());
  run.run();
  CHECK(run.row("example.com/!lib/@v/v1.0.0.zip").verified == model::Verified::checksum_database);
  CHECK(site.modules.server.requests("/db/tile/8/0/000").size() == 1);
}

TEST_CASE("what a checksum database cannot prove is refused", "[go][resolver]") {
  Site site;
  site.serve();
  const std::string lookup = "/db/lookup/example.com/!lib@v1.0.0";
  SECTION("a record that is not in the tree") {
    ModuleServer liar;
    liar.add(k_module, "module example.com/Lib\ngo 1.21\n");
    site.modules.server.script(lookup, {{.body = fmt::format("{}\n{}\n{}", site.id, liar.sum_lines(k_module),
                                                             site.log.head(site.log.size()))}});
    site.modules.add(k_module, "module example.com/Lib\ngo 1.21\n");
    CHECK(site.refusal().code() == ErrorCode::tampered);
  }
  SECTION("a head that somebody else signed") {
    const ChecksumLog other;
    site.modules.server.script("/db/latest", {{.body = other.note("go.sum database tree\n1\nAAAA\n")}});
    CHECK(site.refusal().code() == ErrorCode::untrusted);
  }
  SECTION("a record of another module") {
    site.modules.server.script(
        lookup, {{.body = fmt::format("0\n{}\n{}", site.log.record(0), site.log.head(site.log.size()))}});
    const ErrorCode code = site.refusal().code();
    CHECK((code == ErrorCode::tampered || code == ErrorCode::malformed));
  }
  SECTION("a go.mod with another hash") {
    site.modules.serve(k_module, ".mod", "module example.com/Lib\ngo 1.20\nrequire evil.example/x v1.0.0\n");
    const base::Error error = site.refusal();
    CHECK(error.code() == ErrorCode::tampered);
    CHECK(error.message().find("go.mod of example.com/Lib@v1.0.0") != std::string::npos);
  }
  SECTION("a module that it does not know") {
    site.modules.server.script(lookup, {{.status = 404}});
    const base::Error error = site.refusal();
    CHECK(error.code() == ErrorCode::not_found);
    CHECK(error.hint().find("GONOSUMDB") != std::string::npos);
  }
  SECTION("a web page") {
    site.modules.server.script(lookup, {{.fields = {{"Content-Type", "text/html"}}, .body = "<html>"}});
    CHECK(site.refusal().code() == ErrorCode::upstream);
  }
  SECTION("half a record") {
    site.modules.server.script(lookup, {{.body = "12\nexample.com/Lib v1.0.0 h1:"}});
    CHECK(site.refusal().code() == ErrorCode::malformed);
  }
  SECTION("tiles that are not there") {
    site.modules.server.script("/db/tile/8/0/000", {{.status = 404}});
    site.modules.server.script("/db/tile/8/0/001.p/46", {{.status = 404}});
    CHECK(site.refusal().code() == ErrorCode::upstream);
  }
}

}  // namespace airlock::ecosystem::go
