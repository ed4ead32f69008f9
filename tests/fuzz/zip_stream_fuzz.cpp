// What is accepted is the same however it is cut, and is just what a reader finds that begins at the end.
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/zip_stream.hpp"
#include "fuzz_target.hpp"

using namespace airlock;

namespace {

std::vector<base::ZipMember> read(std::string_view bytes, std::size_t piece) {
  base::ZipStream zip({.content = 1 << 16, .members = 1000, .name = 1000, .names = 100'000});
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    zip.write(base::as_bytes(bytes.substr(at, piece)));
  }
  return zip.finish();
}

std::uint64_t number(std::string_view bytes, std::size_t at, std::size_t size) {
  fuzz::require(at + size <= bytes.size(), "the directory lies within the archive");
  std::uint64_t value = 0;
  for (std::size_t i = size; i > 0; --i) {
    value = value << 8 | static_cast<unsigned char>(bytes[at + i - 1]);
  }
  return value;
}

// As clients do it: the last end, the directory that it names, and each name in that.
std::vector<std::string> names_from_the_end(std::string_view bytes) {
  const std::size_t end = bytes.rfind("PK\x05\x06");
  fuzz::require(end != std::string_view::npos, "there is an end");
  std::uint64_t count = number(bytes, end + 10, 2);
  std::uint64_t at = number(bytes, end + 16, 4);
  const bool wide = end >= 20 && bytes.substr(end - 20, 4) == "PK\x06\x07";
  if (wide && (count == 0xffff || at == 0xffffffff || number(bytes, end + 12, 4) == 0xffffffff)) {
    const auto end64 = static_cast<std::size_t>(number(bytes, end - 12, 8));
    count = number(bytes, end64 + 32, 8);
    at = number(bytes, end64 + 48, 8);
  }
  std::vector<std::string> names;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto start = static_cast<std::size_t>(at);
    fuzz::require(number(bytes, start, 4) == 0x02014b50, "the directory is where the end says");
    const auto name = static_cast<std::size_t>(number(bytes, start + 28, 2));
    const auto local = static_cast<std::size_t>(number(bytes, start + 42, 4));
    fuzz::require(start + 46 + name <= bytes.size(), "a name lies within the archive");
    names.emplace_back(bytes.substr(start + 46, name));
    fuzz::require(number(bytes, local, 4) == 0x04034b50, "a member is where the directory says");
    fuzz::require(bytes.substr(local + 30, name) == names.back(), "a member has the name that the directory says");
    at += 46 + name + number(bytes, start + 30, 2) + number(bytes, start + 32, 2);
  }
  return names;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::as_text(data, size);
  std::vector<base::ZipMember> whole;
  bool accepted = false;
  try {
    whole = read(bytes, bytes.size() + 1);
    accepted = true;
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::malformed || error.code() == base::ErrorCode::limit,
                  "every refusal is about the archive");
  }
  try {
    const auto pieces = read(bytes, 1);
    fuzz::require(accepted && pieces.size() == whole.size(), "cutting changes nothing");
    for (std::size_t i = 0; i < whole.size(); ++i) {
      fuzz::require(pieces[i].name == whole[i].name && pieces[i].sha256 == whole[i].sha256, "cutting changes nothing");
    }
  } catch (const base::Error&) {
    fuzz::require(!accepted, "cutting changes nothing");
  }
  if (!accepted) {
    return 0;
  }
  const auto names = names_from_the_end(bytes);
  fuzz::require(names.size() == whole.size(), "both readers find as many members");
  for (std::size_t i = 0; i < names.size(); ++i) {
    fuzz::require(names[i] == whole[i].name, "both readers find the same members");
  }
  return 0;
}
