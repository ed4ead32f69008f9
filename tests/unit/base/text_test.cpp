#include "base/text.hpp"

#include "support/errors.hpp"

using namespace airlock::base;
using airlock::test::code_of;

TEST_CASE("kinds of characters are those of ASCII alone", "[base][text]") {
  std::string digits, lower, upper, hex, alphanumeric;
  for (int value = 0; value < 256; ++value) {
    const char c = static_cast<char>(value);
    digits += is_digit(c) ? std::string(1, c) : "";
    lower += is_lower(c) ? std::string(1, c) : "";
    upper += is_upper(c) ? std::string(1, c) : "";
    hex += is_hex_digit(c) ? std::string(1, c) : "";
    alphanumeric += is_alphanumeric(c) ? std::string(1, c) : "";
    CHECK(is_letter(c) == (is_lower(c) || is_upper(c)));
  }
  CHECK(digits == "0123456789");
  CHECK(lower == "abcdefghijklmnopqrstuvwxyz");
  CHECK(upper == "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
  CHECK(hex == "0123456789abcdef");
  CHECK(alphanumeric == digits + upper + lower);
}

TEST_CASE("hexadecimal goes both ways", "[base][text]") {
  const std::array<std::uint8_t, 4> bytes = {0x00, 0x7F, 0xAB, 0xFF};
  CHECK(to_hex(bytes) == "007fabff");
  CHECK(from_hex("007fABff") == std::string("\x00\x7F\xAB\xFF", 4));
  CHECK(from_hex("") == "");
  for (const char* const bad : {"0", "0g", "0x", " 0", "00 "}) {
    CHECK_FALSE(from_hex(bad));
  }
}

TEST_CASE("base64 is that of RFC 4648, section 10", "[base][text]") {
  const auto [plain, encoded] = GENERATE(table<std::string, std::string>({{"", ""},
                                                                          {"f", "Zg=="},
                                                                          {"fo", "Zm8="},
                                                                          {"foo", "Zm9v"},
                                                                          {"foob", "Zm9vYg=="},
                                                                          {"fooba", "Zm9vYmE="},
                                                                          {"foobar", "Zm9vYmFy"},
                                                                          {"\xFF\xFE\xFB", "//77"}}));
  CHECK(base64_encode(plain) == encoded);
  CHECK(base64_decode(encoded) == plain);
  CHECK(base64_decode(encoded.substr(0, encoded.find('='))) == plain);
}

TEST_CASE("base64 of the URL alphabet is read, and what is ambiguous is refused", "[base][text]") {
  CHECK(base64_decode("__77") == "\xFF\xFE\xFB");
  CHECK(base64_decode("_-8") == "\xFF\xEF");
  for (const char* const bad :
       {"Z", "Zg=", "Zg===", "Z===", "Zh==", "Zm9=", "Zm 9", "Zm9v\n", "====", "=", "Z=g=", "Zm9vYg==Zm9v"}) {
    CAPTURE(bad);
    CHECK_FALSE(base64_decode(bad));
  }
}

TEST_CASE("splitting keeps empty parts and joining undoes it", "[base][text]") {
  CHECK(split("a,b,,c", ',') == std::vector<std::string>{"a", "b", "", "c"});
  CHECK(split("", ',') == std::vector<std::string>{""});
  CHECK(split(",", ',') == std::vector<std::string>{"", ""});
  CHECK(join({"a", "", "b"}, ", ") == "a, , b");
  CHECK(join({}, ",").empty());
}

TEST_CASE("trimming, lowering and prefixes are those of ASCII", "[base][text]") {
  CHECK(trim(" \t\r\n a b \v\f") == "a b");
  CHECK(trim("   ").empty());
  CHECK(to_lower("AbC-ÄZ") == "abc-Äz");
  CHECK(starts_with_ignoring_case("Bearer x", "bearer "));
  CHECK_FALSE(starts_with_ignoring_case("Bear", "bearer"));
}

TEST_CASE("only well-formed UTF-8 is valid", "[base][text]") {
  CHECK(is_valid_utf8(""));
  CHECK(is_valid_utf8("aä€😀"));
  for (const char* const bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
                                "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\xC3", "\xE2\x82", "\xFF"}) {
    CHECK_FALSE(is_valid_utf8(bad));
  }
}

TEST_CASE("printable text cannot control a terminal or mislead a reader", "[base][text]") {
  CHECK(printable("plain äöü €") == "plain äöü €");
  CHECK(printable("\x1B[31mred\n") == "\\x1b[31mred\\x0a");
  CHECK(printable(std::string("a\0b", 3)) == "a\\x00b");
  CHECK(printable("abc\xE2\x80\xAEgpj.exe") == "abc\\u{202e}gpj.exe");
  CHECK(printable("\xC2\x85") == "\\u{85}");
  CHECK(printable("\xEF\xBB\xBFx") == "\\u{feff}x");
  CHECK(printable("a\xFF") == "a\\xff");
  CHECK(printable("\x7F") == "\\x7f");
}

TEST_CASE("printable text ends at its limit, between characters", "[base][text]") {
  CHECK(printable("abcdef", 6) == "abcdef");
  CHECK(printable("abcdefg", 6) == "abcdef…");
  CHECK(printable("ääää", 5) == "ää…");
  CHECK(printable("\n\n", 5) == "\\x0a…");
}

TEST_CASE("the nearest candidate is found when it may be a misspelling", "[base][text]") {
  const std::vector<std::string> words = {"platforms", "images", "tools", "files"};
  CHECK(nearest("platform", words) == "platforms");
  CHECK(nearest("iamges", words) == "images");
  CHECK(nearest("Tools", words) == "tools");
  CHECK_FALSE(nearest("zebra", words));
  CHECK_FALSE(nearest("", words));
  CHECK_FALSE(nearest("x", {}));
}

TEST_CASE("globs know the star and the question mark", "[base][text]") {
  CHECK(glob_match("*", "abc"));
  CHECK(glob_match("", ""));
  CHECK(glob_match("a*c", "abbbc"));
  CHECK(glob_match("a*b*c", "a-b-b-c"));
  CHECK(glob_match("*.whl", "x-1.0.whl"));
  CHECK(glob_match("a?c", "abc"));
  CHECK(glob_match("a?c", "aäc"));
  CHECK(glob_match("**", "abc"));
  CHECK(glob_match("a*", "a"));
  CHECK(glob_match("*/*", "a/b"));
  CHECK(glob_match("[a]", "[a]"));
  CHECK_FALSE(glob_match("*", "a/b"));
  CHECK_FALSE(glob_match("a*c", "a/c"));
  CHECK_FALSE(glob_match("a?c", "a/c"));
  CHECK_FALSE(glob_match("a", ""));
  CHECK_FALSE(glob_match("", "a"));
  CHECK_FALSE(glob_match("a*b", "acd"));
  CHECK_FALSE(glob_match("[a]", "a"));
}

TEST_CASE("a hostile glob is answered quickly", "[base][text]") {
  std::string pattern;
  for (int i = 0; i < 1000; ++i) {
    pattern += "*a";
  }
  CHECK_FALSE(glob_match(pattern + "b", std::string(20000, 'a')));
}

TEST_CASE("sizes are shown in binary units", "[base][text]") {
  const auto [bytes, text] = GENERATE(table<std::uint64_t, std::string>({{0, "0 B"},
                                                                         {17, "17 B"},
                                                                         {1023, "1023 B"},
                                                                         {1024, "1 KiB"},
                                                                         {1536, "1.5 KiB"},
                                                                         {327155712, "312 MiB"},
                                                                         {1610612736, "1.5 GiB"},
                                                                         {1048575, "1023 KiB"},
                                                                         {UINT64_MAX, "15.9 EiB"}}));
  CHECK(format_bytes(bytes) == text);
}

TEST_CASE("sizes are read with binary and decimal units", "[base][text]") {
  CHECK(parse_bytes("0") == 0);
  CHECK(parse_bytes("123") == 123);
  CHECK(parse_bytes("123B") == 123);
  CHECK(parse_bytes("4GiB") == 4ULL << 30);
  CHECK(parse_bytes("4 GiB") == 4ULL << 30);
  CHECK(parse_bytes("4000M") == 4'000'000'000);
  CHECK(parse_bytes("512KiB") == 524288);
  CHECK(parse_bytes("512kb") == 512000);
  CHECK(parse_bytes("15EiB") == 15ULL << 60);
}

TEST_CASE("what is no size is refused", "[base][text]") {
  const std::string bad = GENERATE(values<std::string>(
      {"", "x", "-1", "+1", "1.5GiB", "GiB", "4GiBs", "4XB", "16EiB", "18446744073709551616", " 4", "0x10", "4iB"}));
  CAPTURE(bad);
  CHECK(code_of([&] { return parse_bytes(bad); }) == ErrorCode::usage);
}

TEST_CASE("digits are grouped for paper", "[base][text]") {
  CHECK(group_digits("abcdef0123") == "abcd ef01 23");
  CHECK(group_digits("abcd") == "abcd");
  CHECK(group_digits("abcd", 2) == "ab cd");
  CHECK(group_digits("").empty());
}
