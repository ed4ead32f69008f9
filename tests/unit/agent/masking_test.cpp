#include "agent/masking.hpp"
#include "support/catch.hpp"

namespace airlock::agent {
namespace {

Masker with(std::initializer_list<const char*> secrets) {
  Masker masker;
  for (const auto* const each : secrets) {
    masker.add(base::Secret(each));
  }
  return masker;
}

// What comes out when `text` comes in pieces of `size` bytes.
std::string in_pieces(Masker masker, std::string_view text, std::size_t size) {
  std::string shown;
  for (std::size_t at = 0; at < text.size(); at += size) {
    shown += masker.pass(text.substr(at, size));
  }
  return shown + masker.finish();
}

TEST_CASE("a secret is masked wherever it is cut", "[agent][masking]") {
  const auto masker = with({"hunter22", "hunter22-and-more", "abcd", "cdxyz12"});
  const auto size = GENERATE(range(std::size_t{1}, std::size_t{12}));
  CHECK(in_pieces(masker, "a hunter22 b", size) == "a [secret] b");
  CHECK(in_pieces(masker, "hunter22-and-more!", size) == "[secret]!");
  CHECK(in_pieces(masker, "hunter22-and-less", size) == "[secret]-and-less");
  CHECK(in_pieces(masker, "hunter2", size) == "hunter2");
  CHECK(in_pieces(masker, "abcdxyz12 abcd!!", size) == "[secret] [secret]!!");
  CHECK(in_pieces(masker, "hunter22hunter22", size) == "[secret][secret]");
}

TEST_CASE("secrets that overlap without an end are not kept", "[agent][masking]") {
  auto masker = with({"aaaa", "ababab-and-a-tail"});
  const std::string piece(1000, 'a');
  std::string shown;
  for (int i = 0; i < 100; ++i) {
    shown += masker.pass(piece);
    CHECK(masker.held() < 17);
  }
  CHECK(shown.empty());  // one stretch, which has not ended yet
  shown += masker.pass("b!");
  CHECK(shown + masker.finish() == "[secret]b!");
  CHECK(masker.held() == 0);
  const auto size = GENERATE(range(std::size_t{1}, std::size_t{12}));
  CHECK(in_pieces(with({"aaaa", "ababab-and-a-tail"}), "aaaaaaababab-and-a-tail aaa aaaa", size) ==
        "[secret] aaa [secret]");
}

TEST_CASE("a secret is masked in the forms in which tools print it", "[agent][masking]") {
  const auto masker = with({"pa\"ss/wo rd", "-----BEGIN KEY-----\nMIIabcdef\n-----END KEY-----"});
  CHECK(masker.mask(R"({"p":"pa\"ss/wo rd"})") == R"({"p":"[secret]"})");
  CHECK(masker.mask("https://u:pa%22ss%2Fwo%20rd@host/") == "https://u:[secret]@host/");
  CHECK(masker.mask("cGEic3Mvd28gcmQ=") == "[secret]=");
  CHECK(masker.mask("  MIIabcdef\n") == "  [secret]\n");
}

TEST_CASE("what is too short to be a secret stays", "[agent][masking]") {
  CHECK(with({"1", "abc"}).mask("1 abc") == "1 abc");
}

}  // namespace
}  // namespace airlock::agent
