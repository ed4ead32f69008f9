#include "bundle/catalog_text.hpp"
#include "bundle/state_rows.hpp"
#include "support/bundle_maker.hpp"
#include "support/errors.hpp"

using namespace airlock;
using namespace airlock::bundle;
using namespace airlock::test;
using airlock::base::ErrorCode;

namespace {

std::string line(const std::string& ecosystem, const std::string& path, const std::string& artifact = "",
                 model::Kind kind = model::Kind::file) {
  model::FileRow row{.ecosystem = ecosystem, .path = path, .artifact = artifact, .kind = kind};
  if (kind != model::Kind::known) {
    row.length = path.size();
    row.sha256 = base::sha256(path);
  }
  return model::to_json_line(row, model::RowForm::catalog) + "\n";
}

ErrorCode refusal(const std::string& ecosystem, const std::string& text) {
  return code_of([&] {
    StateRows rows;
    rows.add_ecosystem(
        ecosystem, 1, [&](std::size_t) { return text; }, [](const model::FileRow&) {});
    return 0;
  });
}

}  // namespace

TEST_CASE("rows of a catalog are read in order", "[bundle][catalog]") {
  StateRows rows;
  std::vector<std::string> paths;
  rows.add_ecosystem(
      "npm", 2, [](std::size_t i) { return i == 0 ? line("npm", "a") + line("npm", "b") : line("npm", "c"); },
      [&](const model::FileRow& row) { paths.push_back(row.path); });
  CHECK(paths == std::vector<std::string>{"a", "b", "c"});
  Descriptor descriptor;
  rows.count_into(descriptor);
  CHECK(descriptor.rows.at("npm") == 3);
  CHECK(descriptor.blobs == 3);
  CHECK(descriptor.bytes == 3);
}

TEST_CASE("catalogs that airlock would not write are refused", "[bundle][catalog]") {
  const std::string a = line("npm", "a");
  const std::string b = line("npm", "b");
  CHECK(refusal("npm", "") == ErrorCode::tampered);
  CHECK(refusal("npm", a.substr(0, a.size() - 1)) == ErrorCode::tampered);  // ends inside a row
  CHECK(refusal("npm", "\n" + a) == ErrorCode::tampered);
  CHECK(refusal("npm", a + "\n" + b) == ErrorCode::tampered);
  CHECK(refusal("npm", b + a) == ErrorCode::tampered);
  CHECK(refusal("npm", a + a) == ErrorCode::tampered);
  CHECK(refusal("npm", " " + a) == ErrorCode::tampered);
  CHECK(refusal("npm", "{}\n") == ErrorCode::tampered);
  CHECK(refusal("npm", "[1]\n") == ErrorCode::tampered);
  CHECK(refusal("npm", a.substr(0, a.size() - 2) + ",\"evil\":\"1\"}\n") == ErrorCode::tampered);
}

TEST_CASE("hostile paths are refused", "[bundle][catalog]") {
  for (const std::string path :
       {"../a", "/a", "a/../b", "a//b", "a/", ".", "a\\\\b", "a\\u0000b", "a\\u202eb", "a\\nb", " a", "a "}) {
    CAPTURE(path);
    const std::string row = "{\"path\":\"" + path + "\",\"length\":1,\"sha256\":\"" + base::sha256("x").hex() +
                            "\",\"kind\":\"file\",\"verified\":\"none\"}\n";
    CHECK(refusal("npm", row) == ErrorCode::tampered);
  }
}

TEST_CASE("a row may not speak for another ecosystem", "[bundle][catalog]") {
  CHECK(refusal("npm", line("npm", "a", "pkg:pypi/evil@1")) == ErrorCode::tampered);
  CHECK(refusal("npm", line("npm", "a", "pkg:npmx/evil@1")) == ErrorCode::tampered);
  StateRows rows;
  rows.add_ecosystem(
      "npm", 1, [](std::size_t) { return line("npm", "a", "pkg:npm/fine@1"); }, [](const auto&) {});
  rows.add_ecosystem(
      "new", 1, [](std::size_t) { return line("new", "a", "pkg:whatever/x@1"); }, [](const auto&) {});
}

TEST_CASE("a package URL that is none, or not in its one spelling, is refused", "[bundle][catalog]") {
  CHECK(refusal("npm", line("npm", "a", "pkg:npm/%ff@1")) == ErrorCode::tampered);
  CHECK(refusal("npm", line("npm", "a", "pkg:npm/@scope/a@1")) == ErrorCode::tampered);
  CHECK(refusal("npm", line("npm", "a", "pkg:npm/b%2Etxt@1")) == ErrorCode::tampered);
  // The second row of one package, too.
  const std::string fine = "pkg:npm/%40scope/a@1";
  StateRows rows;
  rows.add_ecosystem(
      "npm", 1, [&](std::size_t) { return line("npm", "a", fine) + line("npm", "b", fine); }, [](const auto&) {});
  CHECK(refusal("npm", line("npm", "a", fine) + line("npm", "b", "pkg:npm/%40scope%2Fa@1")) == ErrorCode::tampered);
}

TEST_CASE("a bundle withholds nothing", "[bundle][catalog]") {
  CHECK(refusal("npm", line("npm", "a", "", model::Kind::withheld)) == ErrorCode::tampered);
}

TEST_CASE("one blob has one length", "[bundle][catalog]") {
  model::FileRow row{.ecosystem = "npm", .path = "a", .length = 1, .sha256 = base::sha256("x")};
  std::string text = model::to_json_line(row, model::RowForm::catalog) + "\n";
  row.path = "b";
  row.length = 2;
  text += model::to_json_line(row, model::RowForm::catalog) + "\n";
  CHECK(refusal("npm", text) == ErrorCode::tampered);
}

TEST_CASE("names that differ only in case are refused where clients fold case", "[bundle][catalog]") {
  for (const std::string ecosystem : {"file", "tool", "nuget", "pypi"}) {
    CHECK(refusal(ecosystem, line(ecosystem, "A/x") + line(ecosystem, "a/X")) == ErrorCode::tampered);
    CHECK(refusal(ecosystem, line(ecosystem, "\xC3\x84rger") + line(ecosystem, "\xC3\xA4rger")) == ErrorCode::tampered);
  }
  StateRows rows;
  rows.add_ecosystem(
      "go", 1, [](std::size_t) { return line("go", "A/x") + line("go", "a/X"); }, [](const auto&) {});
}

TEST_CASE("names that differ only in composition are refused, where case counts too", "[bundle][catalog]") {
  const std::string composed = "\xC3\xA9";     // é in one character
  const std::string apart = "e\xCC\x81";       // and in two
  const std::string other_case = "E\xCC\x81";  // É in two
  for (const std::string ecosystem : {"file", "tool", "nuget", "pypi"}) {
    CHECK(refusal(ecosystem, line(ecosystem, apart) + line(ecosystem, composed)) == ErrorCode::tampered);
    CHECK(refusal(ecosystem, line(ecosystem, other_case) + line(ecosystem, composed)) == ErrorCode::tampered);
    StateRows rows;
    rows.add_ecosystem(
        ecosystem, 1, [&](std::size_t) { return line(ecosystem, apart); }, [](const model::FileRow&) {});
  }
  for (const std::string ecosystem : {"go", "new"}) {
    CHECK(refusal(ecosystem, line(ecosystem, apart)) == ErrorCode::tampered);
    CHECK(refusal(ecosystem, line(ecosystem, "\xE2\x84\xAA")) == ErrorCode::tampered);  // the sign for kelvin
    StateRows rows;
    rows.add_ecosystem(
        ecosystem, 1, [&](std::size_t) { return line(ecosystem, "K") + line(ecosystem, composed); },
        [](const model::FileRow&) {});
  }
}

TEST_CASE("too many rows in one catalog are refused", "[bundle][catalog]") {
  std::string text;
  for (std::uint64_t i = 0; i <= k_rows_per_catalog; ++i) {
    text += line("npm", "p" + std::to_string(1'000'000 + i), "", model::Kind::known);
  }
  CHECK(refusal("npm", text) == ErrorCode::limit);
}

TEST_CASE("catalogs are cut, sums list each blob once", "[bundle][catalog]") {
  model::Lock lock;
  lock.channel = "c";
  for (std::uint64_t i = 0; i < k_rows_per_catalog + 5; ++i) {
    lock.rows.push_back({.ecosystem = "npm",
                         .path = "p" + std::to_string(1'000'000 + i),
                         .kind = model::Kind::file,
                         .length = 1,
                         .sha256 = base::sha256(std::to_string(i % 7))});
  }
  const auto targets = build_catalogs(lock);
  CHECK(targets.size() == 3);
  CHECK(targets.contains("npm/catalog/00.jsonl"));
  CHECK(targets.contains("npm/catalog/01.jsonl"));
  const std::string& sums = targets.at("SHA256SUMS");
  CHECK(sums.size() == 7 * k_sums_line_size);
  const std::string hex = base::sha256("0").hex();
  CHECK(sums.starts_with(hex + "  blobs/sha256/" + hex + "\n"));
}

TEST_CASE("names of catalogs are read back", "[bundle][catalog]") {
  CHECK(parse_catalog_target("oci/catalog/07.jsonl")->number == 7);
  CHECK(parse_catalog_target("oci/catalog/07.jsonl")->ecosystem == "oci");
  for (const std::string name :
       {"oci/catalog/7.jsonl", "oci/catalog/007.jsonl", "oci/catalog/07.json", "Oci/catalog/07.jsonl",
        "oci/catalog/0x.jsonl", "catalog/07.jsonl", "descriptor.json", "oci/catalog/07.jsonl/x"}) {
    CHECK_FALSE(parse_catalog_target(name));
  }
}

TEST_CASE("a table of blobs keeps order and finds what it holds", "[bundle][catalog]") {
  BlobTable table;
  CHECK_FALSE(table.contains(base::sha256("0")));
  for (int round = 0; round < 2; ++round) {
    for (std::uint64_t i = 0; i < 5000; ++i) {
      CHECK(table.add(base::sha256(std::to_string(i)), i) == (round == 0));
    }
  }
  CHECK(table.blobs().size() == 5000);
  CHECK(table.blobs()[4321].sha256 == base::sha256("4321"));
  CHECK(table.contains(base::sha256("4999")));
  CHECK_FALSE(table.contains(base::sha256("5000")));
}
