// An index of items says what each of them says, in the order in which they count.
#include "support/catch.hpp"

#include <string>
#include <vector>

#include "base/digest.hpp"
#include "model/item_index.hpp"

using namespace airlock::model;

namespace {

FileRow row_of(std::string ecosystem, std::string path, std::string artifact) {
  FileRow row;
  row.ecosystem = std::move(ecosystem);
  row.path = std::move(path);
  row.artifact = std::move(artifact);
  row.sha256 = airlock::base::sha256(row.path);
  return row;
}

}  // namespace

TEST_CASE("an index answers as its items would, one after the other", "[model][item]") {
  auto pinned = row_of("npm", "x/-/x-2.0.0.tgz", "pkg:npm/x@2.0.0");
  pinned.pin = "sha512:" + std::string(128, 'a');
  const std::vector<FileRow> rows = {row_of("npm", "@scope/name/-/name-1.0.0.tgz", "pkg:npm/%40scope/name@1.0.0"),
                                     row_of("npm", "name/-/name-1.0.0.tgz", "pkg:npm/name@1.0.0"),
                                     row_of("tool", "t/1/x", "pkg:generic/t@1?arch=amd64"),
                                     row_of("tool", "t/1/y", "pkg:generic/t?arch=amd64"),
                                     row_of("file", "docs/b.txt", "pkg:generic/docs/%ff"),
                                     row_of("file", "docs/c.txt", ""),
                                     pinned};
  const std::vector<std::string> texts = {rows[1].sha256->to_string(),
                                          "pkg:npm/%40scope/name",
                                          "pkg:npm/%40scope/name@1.0.0",
                                          "pkg:npm/name@1.0",
                                          "pkg:npm/name",
                                          "pkg:generic/t@1",
                                          "pkg:generic/t",
                                          "pkg:generic/t@1?arch=arm64",
                                          "pkg:generic/t@1?arch=amd64",
                                          "file:docs/c.txt",
                                          "npm:x",
                                          pinned.pin};
  ItemIndex index;
  CHECK(index.empty());
  std::vector<Item> items;
  for (std::size_t i = texts.size(); i-- > 0;) {  // the order of adding does not count
    index.add(Item::parse(texts[i]), i);
    items.insert(items.begin(), Item::parse(texts[i]));
  }
  for (const auto& row : rows) {
    CAPTURE(row.path);
    for (std::size_t from = 0; from <= items.size(); ++from) {
      std::optional<std::size_t> expected;
      for (std::size_t i = from; i < items.size() && !expected; ++i) {
        if (items[i].matches(row)) {
          expected = i;
        }
      }
      CHECK(index.find(row, [from](std::size_t number) { return number >= from; }) == expected);
    }
  }
}

TEST_CASE("a question to an index looks at few of its items", "[model][item]") {
  ItemIndex index;
  for (std::size_t i = 0; i < 20'000; ++i) {
    index.add(Item::parse("pkg:npm/name-" + std::to_string(i)), i);
  }
  std::size_t looked_at = 0;
  const auto count = [&looked_at](std::size_t) {
    ++looked_at;
    return true;
  };
  CHECK(index.find(row_of("npm", "a", "pkg:npm/name-777@1.0.0"), count) == 777);
  CHECK_FALSE(index.find(row_of("npm", "b", "pkg:npm/other@1.0.0"), count));
  CHECK(looked_at == 1);
}
