#include "ecosystem/checksums.hpp"

#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem {

namespace {

const std::string k_a(64, 'a');
const std::string k_b(64, 'b');

std::optional<std::string> found(const std::string& text, ChecksumFormat format, std::string_view name = "tool.zip") {
  const auto digest = find_checksum(text, format, name);
  return digest ? std::optional(digest->hex()) : std::nullopt;
}

}  // namespace

TEST_CASE("checksum files in all spellings of sha256sum are understood", "[ecosystem]") {
  const std::string line =
      GENERATE(as<std::string>{}, k_a + "  tool.zip", k_a + " *tool.zip", k_a + "  ./tool.zip", k_a + "  dist/tool.zip",
               k_a + "\ttool.zip", std::string(64, 'A') + "  tool.zip", k_a + "  tool.zip\r");
  const std::string text = "# by hand\n\n" + k_b + "  other.zip\n" + line + "\n" + k_b + "  tool.zip.sig\n";
  INFO(line);
  CHECK(found(text, ChecksumFormat::sha256sums) == k_a);
  CHECK(found(text, ChecksumFormat::sha256sums, "other.zip") == k_b);
}

TEST_CASE("lines for other names or algorithms are not taken", "[ecosystem]") {
  const std::string text = GENERATE(as<std::string>{}, "", "\n", k_a + "  my-tool.zip", k_a + "  tool.zip2",
                                    std::string(128, 'a') + "  tool.zip", std::string(40, 'a') + "  tool.zip",
                                    k_a + "tool.zip", "tool.zip  " + k_a, "g" + k_a.substr(1) + "  tool.zip");
  INFO(text);
  CHECK_FALSE(found(text, ChecksumFormat::sha256sums));
}

TEST_CASE("a file with one digest and nothing else speaks of the only file there is", "[ecosystem]") {
  CHECK(found(k_a + "\n", ChecksumFormat::single) == k_a);
  CHECK(found("  " + k_a + "  ", ChecksumFormat::single) == k_a);
  CHECK(found(k_a, ChecksumFormat::sha256sums) == k_a);
  CHECK_FALSE(found(k_a + "  tool.zip\n", ChecksumFormat::single));
  CHECK_FALSE(found(k_a + "\n" + k_b, ChecksumFormat::single));
  CHECK_FALSE(found("", ChecksumFormat::single));
  CHECK_FALSE(found(k_a, ChecksumFormat::bsd));
}

TEST_CASE("BSD lines name their algorithm, and only SHA256 counts", "[ecosystem]") {
  const std::string text = "CRC32 (tool.zip) = 1167c4b7\nSHA3-256 (tool.zip) = " + k_b +
                           "\nSHA256  (tool.zip) = " + k_a + "\nSHA256 (other.zip) = " + k_b +
                           "\nSHA512-256 (tool.zip) = " + k_b + "\n";
  CHECK(found(text, ChecksumFormat::bsd) == k_a);
  CHECK(found("SHA256 (dir/tool.zip) = " + k_a, ChecksumFormat::bsd) == k_a);
  CHECK_FALSE(found("SHA256 (tool.zip)", ChecksumFormat::bsd));
  CHECK_FALSE(found("SHA256 tool.zip = " + k_a, ChecksumFormat::bsd));
  CHECK_FALSE(found("SHA256", ChecksumFormat::bsd));
}

TEST_CASE("two digests for one name are refused", "[ecosystem]") {
  CHECK(found(k_a + "  tool.zip\n" + k_a + "  x/tool.zip\n", ChecksumFormat::sha256sums) == k_a);
  CHECK(test::code_of([] { return found(k_a + "  tool.zip\n" + k_b + "  tool.zip\n", ChecksumFormat::sha256sums); }) ==
        base::ErrorCode::upstream);
}

}  // namespace airlock::ecosystem
