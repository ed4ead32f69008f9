#include <algorithm>

#include "base/tar.hpp"
#include "support/errors.hpp"
#include "unit/base/tar_text.hpp"

using namespace airlock::base;
using namespace airlock::test;

namespace {

// Sets the checksum right again, as an attacker would.
std::string sealed(std::string block) {
  std::fill_n(block.begin() + 148, 8, ' ');
  unsigned int sum = 0;
  for (const char c : block.substr(0, 512)) {
    sum += static_cast<unsigned char>(c);
  }
  for (std::size_t i = 0; i < 6; ++i) {
    block[153 - i] = static_cast<char>('0' + ((sum >> (3 * i)) & 7));
  }
  block[154] = '\0';
  return block;
}

// A header of which a part was replaced.
std::string header_with(std::size_t offset, std::string_view bytes) {
  std::string block = tar_header("name", 0, 0);
  block.replace(offset, bytes.size(), bytes);
  return sealed(block);
}

std::string pax(char type, std::string_view records) {
  std::string block = tar_header("x", records.size(), 0);
  block[156] = type;
  block.replace(0, 14, std::string("././@PaxHeader"));
  std::string text = sealed(block);
  text += records;
  text.append(tar_padding(records.size()), '\0');
  return text;
}

Error refusal(const std::string& text) {
  return error_of([&] { return TarFile(text).list(); });
}

void check_tampered(const std::string& text, std::string_view reason = "") {
  CAPTURE(reason);
  const Error error = refusal(text);
  CHECK(error.code() == ErrorCode::tampered);
  CHECK(error.message().find(reason) != std::string::npos);
}

}  // namespace

TEST_CASE("the tool that makes hostile headers makes good ones too", "[base][tar]") {
  CHECK(sealed(tar_header("name", 5, 7)) == tar_header("name", 5, 7));
}

TEST_CASE("everything but plain files is refused", "[base][tar]") {
  check_tampered(header_with(156, "1") + tar_end(), "hard link");
  check_tampered(header_with(156, "2") + tar_end(), "symbolic link");
  check_tampered(header_with(156, "3") + tar_end(), "device");
  check_tampered(header_with(156, "4") + tar_end(), "device");
  check_tampered(header_with(156, "5") + tar_end(), "directory");
  check_tampered(header_with(156, "6") + tar_end(), "fifo");
  check_tampered(header_with(156, "7") + tar_end());
  check_tampered(header_with(156, "S") + tar_end(), "sparse");
  check_tampered(header_with(156, "L") + tar_end(), "GNU long name");
  check_tampered(header_with(156, std::string(1, '\0')) + tar_end());
  check_tampered(header_with(157, "target") + tar_end());
}

TEST_CASE("a bad checksum is refused", "[base][tar]") {
  std::string block = tar_header("name", 0, 0);
  block[0] = 'm';
  check_tampered(block + tar_end(), "checksum");
  check_tampered(std::string(1024, 'x') + tar_end(), "checksum");
  std::string other = tar_header("name", 0, 0);
  std::swap(other[154], other[155]);
  check_tampered(other + tar_end(), "checksum");
}

TEST_CASE("names outside the grammar are refused", "[base][tar]") {
  const std::string name = GENERATE(
      values<std::string>({"../a", "/abs", "a/../b", "a//b", "./a", "a b", "a\\b", "a\x1B", "a/", "\xC3\xA4", ".."}));
  CAPTURE(name);
  check_tampered(header_with(0, name + std::string(20 - name.size(), '\0')) + tar_end(), "name");
}

TEST_CASE("bytes hidden in a header are refused", "[base][tar]") {
  check_tampered(header_with(0, std::string("name\0hidden", 11)) + tar_end());
  check_tampered(header_with(100, "0000755") + tar_end());
  check_tampered(header_with(108, "0000001") + tar_end());
  check_tampered(header_with(257, "ustar  ") + tar_end());
  check_tampered(header_with(265, "root") + tar_end());
  check_tampered(header_with(345, "prefix") + tar_end());
  check_tampered(header_with(500, "x") + tar_end());
}

TEST_CASE("sizes that are no plain octal are refused", "[base][tar]") {
  check_tampered(header_with(124, "\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01") + tar_end());
  check_tampered(header_with(124, std::string("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF")) + tar_end());
  check_tampered(header_with(124, "0000000008 ") + tar_end());
  check_tampered(header_with(124, "-0000000001") + tar_end());
  check_tampered(header_with(124, "          0") + tar_end());
  check_tampered(header_with(124, std::string("0\0\0\0\0\0\0\0\0\0\0\0", 12)) + tar_end());
  check_tampered(header_with(136, "9") + tar_end());
}

TEST_CASE("pax headers other than our own are refused", "[base][tar]") {
  const std::string file = tar_header("name", 0, 0) + tar_end();
  check_tampered(pax('g', "13 size=99999\n") + file, "global");
  check_tampered(pax('x', "12 path=abc\n") + file);
  check_tampered(pax('x', "11 size=10\n") + file);
  check_tampered(pax('x', "") + file + std::string(512, '\0'));
  check_tampered(pax('x', "19 size=8589934592\n12 path=abc\n") + file);
  check_tampered(pax('x', "19 size=8589934591\n") + file);
  check_tampered(pax('x', "18 size=8589934592\n") + file);
  check_tampered(pax('x', "29 size=99999999999999999999\n") + file);
  check_tampered(pax('x', "28 size=18446744073709551615\n") + file);
  check_tampered(pax('x', "28 size=-9223372036854775808\n") + file);
  check_tampered(pax('x', "30 GNU.sparse.size=8589934592\n") + file);
  check_tampered(pax('x', "19 size=8589934592\n") + pax('x', "19 size=8589934592\n") + file);
}

TEST_CASE("a pax header of our own must be followed by its own file header", "[base][tar]") {
  const std::string header = tar_header("name", k_eight_gib, 0);
  const std::string head = header.substr(0, 1024);
  check_tampered(head + tar_header("name", 5, 0) + tar_end());
  check_tampered(head + header_with(156, "2") + tar_end(), "");
  check_tampered(head + tar_end() + tar_end());
  CHECK(TarFile(head).list() == TarEnd::truncated);
  CHECK(TarFile(header).list() == TarEnd::truncated);
}

TEST_CASE("a huge pax size does not overflow", "[base][tar]") {
  std::vector<TarMember> members;
  const std::uint64_t size = static_cast<std::uint64_t>(INT64_MAX) - 4096;
  CHECK(TarFile(tar_header("name", size, 0) + "x").list(&members) == TarEnd::truncated);
  REQUIRE(members.size() == 1);
  CHECK(members[0].size == size);
}

TEST_CASE("data after the end, between members or in the padding is refused", "[base][tar]") {
  const std::string good = tar_member("a", "1");
  check_tampered(good + tar_end() + "x", "after its end");
  check_tampered(good + tar_end() + std::string(512, '\0'), "after its end");
  check_tampered(good + tar_end() + good + tar_end(), "after its end");
  check_tampered(good + std::string(512, '\0') + good + tar_end(), "after its end");
  std::string padded = good + tar_end();
  padded[600] = 'x';
  check_tampered(padded, "padding");
}

TEST_CASE("a file that shrinks while it is listed is truncated", "[base][tar]") {
  const TarFile file(tar_member("a", "1") + tar_end());
  const auto all = [](const TarMember&) { return true; };
  CHECK(code_of([&] { return list_tar(file.fd(), file.size() + 4096, "file", 10, all); }) == ErrorCode::truncated);
}
