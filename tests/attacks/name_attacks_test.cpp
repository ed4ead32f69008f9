// Names of every hostile kind, at every place of a bundle that holds one.
#include "attack_kit.hpp"

using namespace airlock;
using namespace airlock::test;
using base::Json;

namespace {

const std::string k_file_catalog = "file/catalog/00.jsonl";

struct RowTexts {
  std::string path = "docs/guide.txt";
  std::string artifact = {};  // empty: the one that this path is of
  std::string media_type = "text/plain";
  std::string platform = "linux/amd64";
  std::string origin = "https://upstream.example/8";
};

// The one row of ecosystem "file" that the sample has, with other texts; they are JSON text already.
std::string row_of(const RowTexts& texts) {
  const std::string artifact = texts.artifact.empty() ? artifact_of(texts.path) : texts.artifact;
  return "{\"path\":\"" + texts.path + "\",\"length\":8,\"sha256\":\"" + base::sha256("read me\n").hex() +
         "\",\"artifact\":\"" + artifact + "\",\"kind\":\"file\",\"media_type\":\"" + texts.media_type +
         "\",\"platform\":\"" + texts.platform + "\",\"origin\":\"" + texts.origin + "\",\"verified\":\"none\"}\n";
}

Fate fate_of_row(Scene& scene, const ProducerKeys& keys, const RowTexts& texts) {
  DishonestProducer producer(keys, scene.made.contents);
  producer.set_target(k_file_catalog, row_of(texts));
  return scene.fate_with(producer.head);
}

// What may stand nowhere: it acts on a terminal, hides something, or is no text. As JSON text.
const std::vector<std::string> k_never = {"a\\u0000b",
                                          "a\\u0007",
                                          "a\\u001b[2J",
                                          "a\\nb",
                                          "a\\rb",
                                          "a\\tb",
                                          "a\\u007f",
                                          "a\\u0085b",
                                          "a\\u200bb",
                                          "a\\u200fb",
                                          "a\\u202etxt",
                                          "a\\u2066b",
                                          "a\\ufeffb",
                                          "a\\ud800",
                                          "a\\udc00",
                                          "a\xC0\xAF",
                                          "a\xED\xA0\x80",
                                          "a\xFF",
                                          "a\xF4\x90\x80\x80",
                                          "a\x01"
                                          "b"};

}  // namespace

TEST_CASE("what no name may hold is refused in every member of a row", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  REQUIRE(fate_of_row(scene, keys, {}) == "ok");
  for (const std::string& text : k_never) {
    CAPTURE(text);
    CHECK(fate_of_row(scene, keys, {.path = text}) == "tampered");
    CHECK(fate_of_row(scene, keys, {.artifact = "pkg:generic/" + text}) == "tampered");
    CHECK(fate_of_row(scene, keys, {.media_type = text}) == "tampered");
    CHECK(fate_of_row(scene, keys, {.platform = text}) == "tampered");
    CHECK(fate_of_row(scene, keys, {.origin = "https://upstream.example/" + text}) == "tampered");
  }
  CHECK(fate_of_row(scene, keys, {.artifact = "pkg:generic/a b"}) == "tampered");
  CHECK(fate_of_row(scene, keys, {.artifact = "generic/a"}) == "tampered");
  CHECK(fate_of_row(scene, keys, {.artifact = "pkg:npm/a"}) == "tampered");  // not this ecosystem's
  CHECK(fate_of_row(scene, keys, {.artifact = "pkg:generic/" + std::string(5000, 'a')}) == "tampered");
  CHECK(fate_of_row(scene, keys, {.media_type = std::string(5000, 'a')}) == "tampered");
  CHECK(fate_of_row(scene, keys, {.platform = "linux amd64"}) == "tampered");
  CHECK(fate_of_row(scene, keys, {.platform = std::string(5000, 'a')}) == "tampered");
  CHECK(fate_of_row(scene, keys, {.origin = "no scheme"}) == "tampered");
  CHECK(fate_of_row(scene, keys, {.origin = "https://user:secret@upstream.example/"}) == "tampered");
}

// Blocks and revocations compare package URLs as text, so that another spelling would escape them, and one that cannot
// be read would be in the way of every other.
TEST_CASE("a package URL has one spelling, or the row is refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  for (const std::string artifact :
       {"pkg:generic/docs/%ff", "pkg:generic/docs/guide%2Etxt", "pkg:generic/docs/guide.txt?b=1&a=1",
        "pkg:generic/docs%2Fguide.txt", "pkg:generic/docs/guide.txt?", "pkg:generic/docs/guide.txt@",
        "pkg:generic/docs//guide.txt", "pkg:generic/docs/guide.txt#sub", "pkg:generic/", "pkg:generic/docs/%2e%2e"}) {
    CAPTURE(artifact);
    const Fate outcome = fate_of_row(scene, keys, {.artifact = artifact});
    CHECK(outcome == "tampered");
    CHECK((outcome.says("not written as airlock writes it") || outcome.says("package URL")));
  }
  // Nor does an honest producer make such a state.
  const base::TempDir folder;
  BundleFile file = text_file("docs/b.txt", "b");
  file.artifact = "pkg:generic/docs/b%2Etxt";
  CHECK(code_of([&] { return make_bundle(folder.path(), {file}, keys).head; }) == base::ErrorCode::tampered);
}

// Whoever approves sees names, and clients ask for paths: a stolen build key could fill one under the name of another.
TEST_CASE("a path of another artifact than the row names is refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const auto refused = [&](const RowTexts& texts) {
    const Fate outcome = fate_of_row(scene, keys, texts);
    CHECK(outcome == "tampered");
    CHECK(outcome.says("which has no such path"));
  };
  refused({.path = "installers/prod-root-ca.sh", .artifact = "pkg:generic/release-notes.txt@1.0.0"});
  refused({.path = "installers/guide.txt", .artifact = "pkg:generic/guide.txt@1.0.0"});
  refused({.path = "docs/guide.txt", .artifact = "pkg:generic/docs/guide.txt/x"});

  // The image's rows: its manifest by digest, its layer, its tag.
  const std::string catalog = "oci/catalog/00.jsonl";
  const std::string rows = scene.made.contents.targets.at(catalog);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = rows;
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
    DishonestProducer producer(keys, scene.made.contents);
    producer.set_target(catalog, text);
    const Fate outcome = scene.fate_with(producer.head);
    CAPTURE(from, to);
    CHECK(outcome == "tampered");
    CHECK(outcome.says("which has no such path"));
  };
  const std::string path = "\"path\":\"registry.example_5000/library/debian";
  with(path + ":12", path + ":13");
  with(path + ":12", path.substr(0, path.size() - 1) + ":12");
  const std::size_t digest = rows.find(path + "@sha256:") + path.size() + 8;
  const std::string hex = rows.substr(digest, 64);
  // Other bytes than the path's own digest says; the order of rows stays as it is.
  std::string other = hex;
  other.back() = hex.back() == '0' ? '1' : '0';
  with(path + "@sha256:" + hex, path + "@sha256:" + other);
}

// What airlock makes for other tools is in no list that people see, so nothing else may call itself that.
TEST_CASE("a row hidden from approvers as layout is refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  std::string row = scene.made.contents.targets.at("oci/catalog/00.jsonl");
  DishonestProducer producer(keys, scene.made.contents);
  const std::string kind = "\"kind\":\"tag\"";
  row.replace(row.find(kind), kind.size(), "\"kind\":\"layout\"");
  producer.set_target("oci/catalog/00.jsonl", row);
  const Fate outcome = scene.fate_with(producer.head);
  CHECK(outcome == "tampered");
}

TEST_CASE("a path that leads anywhere is refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  for (const std::string path :
       {"../x", "a/../../x", "..", ".", "./x", "a/.", "a/..", "/etc/passwd", "//server/share", "a//b", "a/", "/", "",
        "\\\\server\\\\share", "a\\\\..\\\\b", "C:\\\\x", " a", "a ", " "}) {
    CAPTURE(path);
    CHECK(fate_of_row(scene, keys, {.path = path}) == "tampered");
  }
  CHECK(fate_of_row(scene, keys, {.path = std::string(1025, 'a')}) == "tampered");
  CHECK(fate_of_row(scene, keys, {.path = std::string(1024, 'a')}) == "ok");
  // Accents without end on one letter, which cost time to compare.
  std::string accents = "a";
  for (int i = 0; i < 30; ++i) {
    accents += "\xCC\x80";
  }
  CHECK(fate_of_row(scene, keys, {.path = accents}) == "ok");
  CHECK(fate_of_row(scene, keys, {.path = accents + "\xCC\x81"}) == "tampered");
}

// Names that harm only where somebody makes a file, a command or a URL of them. airlock does none of that with a path,
// so they are data; what happens to them later is in tests/unit/workflow_far/hostile_bundle_test.cpp.
TEST_CASE("a name that is only odd is a name", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  for (const std::string path : {"-rf",
                                 "--help",
                                 "CON",
                                 "nul.txt",
                                 "aux/lpt1",
                                 "a.",
                                 "a..b",
                                 "...",
                                 "%2e%2e/%2e%2e/etc/passwd",
                                 "..%5c..%5cx",
                                 "C:x",
                                 "a:stream",
                                 "~/.ssh/authorized_keys",
                                 "$(reboot)",
                                 "`reboot`",
                                 "a;b",
                                 "*",
                                 "?",
                                 "a'b",
                                 "<script>",
                                 "\xC3\xA9",
                                 "\xE6\x97\xA5"}) {
    CAPTURE(path);
    CHECK(fate_of_row(scene, keys, {.path = path}) == "ok");
  }
}

TEST_CASE("paths that one client takes for another are refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const auto fate_of = [&](const std::string& one, const std::string& other) {
    DishonestProducer producer(keys, scene.made.contents);
    bundle::Descriptor descriptor = bundle::parse_descriptor(producer.head.targets.at("descriptor.json"), "d");
    descriptor.rows["file"] = 2;
    ++descriptor.artifacts;
    producer.set_target(k_file_catalog, row_of({.path = one}) + row_of({.path = other}));
    producer.set_target("descriptor.json", bundle::to_text(descriptor));
    return scene.fate_with(producer.head);
  };
  CHECK(fate_of("docs/a.txt", "docs/b.txt") == "ok");
  CHECK(fate_of("docs/A.txt", "docs/a.txt") == "tampered");
  CHECK(fate_of("DOCS/a.txt", "docs/a.txt") == "tampered");
  CHECK(fate_of("\xC3\x89.txt", "\xC3\xA9.txt") == "tampered");  // E and e with an acute accent
  CHECK(fate_of("\xCE\xA3.txt", "\xCF\x82.txt") == "tampered");  // capital sigma and the final one
  CHECK(fate_of("STRASSE", "stra\xC3\x9F"
                           "e") == "tampered");  // with a sharp s
  const Fate composed =
      fate_of("e\xCC\x81.txt", "\xC3\xA9.txt");  // e with an acute accent, in two characters and in one
  CHECK(composed == "tampered");
  CHECK(composed.says("differs from another path only in case, or in how letters are composed"));
  CHECK(fate_of("A\xCC\x8A.txt", "\xE2\x84\xAB.txt") == "tampered");  // A with a ring, and the sign for angstrom
  CHECK(fate_of("\xE1\x84\x92\xE1\x85\xA1.txt", "\xED\x95\x98.txt") == "tampered");  // Hangul, by letters
  CHECK(fate_of("e.txt", "\xC3\xA9.txt") == "ok");
  // Nor does an honest producer make such a state.
  const base::TempDir folder;
  const auto made = [&](const std::string& one, const std::string& other) {
    return code_of([&] { return make_bundle(folder.path(), {text_file(one, "1"), text_file(other, "2")}, keys).head; });
  };
  CHECK(made("docs/A.txt", "docs/a.txt") == base::ErrorCode::tampered);
  CHECK(made("docs/e\xCC\x81.txt", "docs/\xC3\xA9.txt") == base::ErrorCode::tampered);
}

// Where case counts, what is composed has no twin, and nothing else is a path.
TEST_CASE("a path that is not composed is refused where case counts", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const std::string catalog = "oci/catalog/00.jsonl";
  std::string rows = scene.made.contents.targets.at(catalog);
  const std::string host = "\"path\":\"registry.example";
  for (std::size_t at = 0; (at = rows.find(host, at)) != std::string::npos; at += host.size()) {
    rows.insert(at + host.size(), "e\xCC\x81");
  }
  DishonestProducer producer(keys, scene.made.contents);
  producer.set_target(catalog, rows);
  const Fate outcome = scene.fate_with(producer.head);
  CHECK(outcome == "tampered");
  CHECK(outcome.says("is not composed as Unicode has it (NFC)"));
}

TEST_CASE("a channel's name has its grammar, wherever it stands", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const auto name = GENERATE(values<std::string>(
      {"", "-a", "A", "a b", "a/b", "../a", "a.b", "a\x1b[2J", "\xC3\xA9", "site-a\n", std::string(64, 'a')}));
  CAPTURE(name);
  bundle::HeadContents head = scene.made.contents;
  head.hint.channel = name;
  CHECK(scene.fate_with(head) == "tampered");
  for (const std::string role : {"timestamp", "snapshot", "targets", "oci"}) {
    DishonestProducer producer(keys, scene.made.contents);
    producer.edit_role(role, [&](Json& part) { part["channel"] = name; });
    producer.renew_shipment();
    CAPTURE(role);
    CHECK(scene.fate_with(producer.head) == "tampered");
  }
  DishonestProducer producer(keys, scene.made.contents);
  bundle::Descriptor descriptor = bundle::parse_descriptor(producer.head.targets.at("descriptor.json"), "d");
  descriptor.channel = name;
  producer.set_target("descriptor.json", bundle::to_text(descriptor));
  CHECK(scene.fate_with(producer.head) == "tampered");
}

TEST_CASE("a role's name has its grammar, in delegations and in snapshot", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const auto name =
      GENERATE(values<std::string>({"", "../evil", "a/b", ".", "..", "Oci", "o ci", "oci\x1b", "%2e%2e", "root",
                                    "timestamp", "snapshot", "targets", "-oci", "1oci", std::string(33, 'o')}));
  CAPTURE(name);
  DishonestProducer delegating(keys, scene.made.contents);
  delegating.edit_role("targets", [&](Json& part) { part["delegations"]["roles"][0]["name"] = name; });
  delegating.renew_shipment();
  const Fate delegated = scene.fate_with(delegating.head);
  CHECK(delegated == "tampered");
  CHECK(delegated.says("cannot be the name of a delegated role"));
  DishonestProducer listing(keys, scene.made.contents);
  listing.edit_role("snapshot", [&](Json& part) { part["meta"][name + ".json"] = part["meta"]["oci.json"]; });
  listing.renew_shipment();
  const Fate listed = scene.fate_with(listing.head);
  // Some are names, of files that stand in no snapshot, or there already.
  const bool is_name = name == "root" || name == "timestamp" || name == "snapshot" || name == "targets";
  CHECK(listed == "tampered");
  CHECK((is_name || listed.says("is not the name of")));
}

TEST_CASE("a target's path has its grammar", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  for (const std::string path :
       {"../x", "/x", "a b", "a\x1b", "\xC3\xA9", "oci/catalog/00.jsonl\n", "a\\b", "a?b", "a#b", "a%2fb", ""}) {
    for (const std::string role : {"targets", "oci"}) {
      DishonestProducer producer(keys, scene.made.contents);
      producer.edit_role(role, [&](Json& part) {
        part["targets"][path] = {{"length", 1}, {"hashes", {{"sha256", base::sha256("x").hex()}}}};
      });
      producer.renew_shipment();
      CAPTURE(path, role);
      const Fate outcome = scene.fate_with(producer.head);
      INFO("it says: " << outcome.message);
      CHECK(outcome.exit_code == 3);
      // What would leave the folder of targets is refused before that, as what was not delegated.
      const bool leaves = path.starts_with('/') || path.starts_with("..");
      CHECK((leaves || outcome.says("cannot be a target's path")));
    }
  }
}

TEST_CASE("what is revoked is named in its grammar", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const auto with_revoked = [&](const std::string& text) {
    DishonestProducer producer(keys, scene.made.contents);
    producer.set_target("revoked.jsonl", text);
    return scene.fate_with(producer.head);
  };
  const std::string good = "{\"digest\":\"sha256:" + std::string(64, 'a') + "\"}\n";
  CHECK(with_revoked(good) == "ok");
  CHECK(with_revoked("{\"artifact\":\"pkg:npm/left-pad@1.0.0\"}\n") == "ok");
  CHECK(with_revoked("{\"artifact\":\"left-pad\"}\n") == "tampered");
  CHECK(with_revoked("{\"artifact\":\"pkg:npm/a b\"}\n") == "tampered");
  CHECK(with_revoked("{\"artifact\":\"pkg:npm/\\u202e\"}\n") == "tampered");
  CHECK(with_revoked("{\"digest\":\"" + std::string(64, 'a') + "\"}\n") == "tampered");
  CHECK(with_revoked("{\"digest\":\"sha256:" + std::string(64, 'A') + "\"}\n") == "tampered");
  CHECK(with_revoked(good + good) == "tampered");
  CHECK(with_revoked(good + "\n") == "tampered");
}
