#include "model/name_folding.hpp"

#include "support/catch.hpp"

namespace airlock::model {

namespace {

bool one_name(const std::string& a, const std::string& b) {
  return fold_name(a) == fold_name(b);
}

std::string repeated(std::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) {
    result += text;
  }
  return result;
}

}  // namespace

TEST_CASE("names that differ only in case are one", "[model][name_folding]") {
  CHECK(fold_name("AbC-1_") == "abc-1_");
  CHECK(fold_name("\xC3\x84\xC3\x96\xC3\x97") == "\xC3\xA4\xC3\xB6\xC3\x97");  // Ä Ö ×
  CHECK(fold_name("\xC4\x80\xC5\xB9") == "\xC4\x81\xC5\xBA");                  // Ā Ź
  CHECK(fold_name("\xCE\x91\xCF\x82") == "\xCE\xB1\xCF\x83");                  // Α ς
  CHECK(fold_name("\xD0\x90\xD0\x81") == "\xD0\xB0\xD1\x91");                  // А Ё
  CHECK(fold_name("\xE6\x97\xA5") == "\xE6\x97\xA5");                          // 日
  CHECK(one_name("\xE1\x82\xA0", "\xE2\xB4\x80"));                             // Georgian, above U+0800
  CHECK(one_name("\xF0\x90\x90\x80", "\xF0\x90\x90\xA8"));                     // Deseret, above U+FFFF
  CHECK(one_name("STRASSE", "stra\xC3\x9F"
                            "e"));         // full folding: ß is ss
  CHECK_FALSE(one_name("I", "\xC4\xB1"));  // the Turkish i without a dot
  CHECK_FALSE(one_name("a", "b"));
}

TEST_CASE("names that differ only in composition are one", "[model][name_folding]") {
  CHECK(one_name("\xC3\xA9", "e\xCC\x81"));                     // é
  CHECK(one_name("\xC3\x89", "e\xCC\x81"));                     // É and é
  CHECK(one_name("\xE2\x84\xAB", "\xC3\x85"));                  // the sign for angstrom, Å
  CHECK(one_name("\xE2\x84\xAA", "k"));                         // the sign for kelvin
  CHECK(one_name("\xED\x95\x98", "\xE1\x84\x92\xE1\x85\xA1"));  // Hangul: one syllable, its two letters
  CHECK(one_name("q\xCC\x87\xCC\xA3", "q\xCC\xA3\xCC\x87"));    // a dot above and one below, either first
  CHECK(one_name("\xCE\xB1\xCD\x85\xCC\x81", "\xE1\xBE\xB4"));  // ᾴ: the iota below in front of the accent
  CHECK(one_name("\xE1\xBE\xB4", "\xCE\x91\xCC\x81\xCE\x99"));  // and its capitals
  CHECK_FALSE(one_name("\xC3\xA9", "e"));
  CHECK_FALSE(one_name("\xC3\xA9", "e\xCC\x80"));  // é and è
  CHECK_FALSE(one_name("\xEF\xBC\xA1", "A"));      // full-width: looks alike, is another letter
}

TEST_CASE("what is composed is told", "[model][name_folding]") {
  for (const std::string name : {"", "plain/path-1.0", "\xC3\xA9", "\xED\x95\x98", "q\xCC\xA3\xCC\x87", "\xFF"}) {
    CAPTURE(name);
    CHECK(is_composed(name));
  }
  for (const std::string name :
       {"e\xCC\x81", "\xE2\x84\xAB", "\xE2\x84\xAA", "\xE1\x84\x92\xE1\x85\xA1", "q\xCC\x87\xCC\xA3"}) {
    CAPTURE(name);
    CHECK_FALSE(is_composed(name));
  }
}

TEST_CASE("a name that is no UTF-8 is compared as it is", "[model][name_folding]") {
  for (const std::string name : {"A\xFF", "\xC3", "\xED\xA0\x80", "\xF4\x90\x80\x80", "e\xCC\x81\xC0\xAF"}) {
    CAPTURE(name);
    CHECK(fold_name(name) == name);
    CHECK(is_composed(name));
    CHECK(longest_mark_row(name) <= 1);
  }
}

TEST_CASE("the longest names fold within bounds", "[model][name_folding]") {
  const std::string letters = repeated("\xCE\x90", 512);  // ΐ folds to three characters, and composes again
  CHECK(fold_name(letters) == letters);
  CHECK(fold_name(repeated("\xE1\xBE\x82", 341)).size() <= 341 * 3 * 8);
  CHECK(fold_name(std::string(1'000'000, 'A')) == std::string(1'000'000, 'a'));
  CHECK(fold_name(std::string("A\0B", 3)) == std::string("a\0b", 3));
}

TEST_CASE("marks in a row are counted", "[model][name_folding]") {
  CHECK(longest_mark_row("") == 0);
  CHECK(longest_mark_row("abc") == 0);
  CHECK(longest_mark_row("\xC3\xA9") == 0);
  CHECK(longest_mark_row("e\xCC\x81" + repeated("\xCC\x80", 2) + "a\xCC\x80") == 3);
  CHECK(longest_mark_row(repeated("\xCC\x80", 100)) == 100);
}

}  // namespace airlock::model
