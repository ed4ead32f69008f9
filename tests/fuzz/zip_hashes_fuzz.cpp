// Archives whose members are hashed by name: a Go module's zip as it passes by, a provider's package in the store.
// However the bytes of the one are cut, the verdict is the same.
#include <algorithm>
#include <string>

#include "base/error.hpp"
#include "ecosystem/go/zip_check.hpp"
#include "ecosystem/terraform/package_hash.hpp"
#include "fuzz_target.hpp"
#include "memory_file.hpp"

using namespace airlock;

namespace {

constexpr std::size_t k_hash_size = 3 + 44;   // "h1:" and a SHA-256 in base64
constexpr std::size_t k_largest = 64 * 1024;  // bytes; what is packed well takes long

// The hash, or nothing where it is refused.
template <typename Read>
std::string hash_of(Read&& read) {
  try {
    const std::string hash = read();
    fuzz::require(hash.starts_with("h1:") && hash.size() == k_hash_size, "a hash has its form");
    return hash;
  } catch (const base::Error& error) {
    fuzz::require(error.code() != base::ErrorCode::internal, "a refusal is no fault of airlock's");
    return "";
  }
}

std::string module_hash(std::string_view zip, std::size_t piece) {
  const model::FileRow row{.ecosystem = "go", .path = "site.example/m/@v/v1.0.0.zip", .pin = "h1:x"};
  return hash_of([&] {
    const auto check = ecosystem::go::pin_check(row);
    for (std::string_view rest = zip; !rest.empty(); rest.remove_prefix(std::min(piece, rest.size()))) {
      check->write(base::as_bytes(rest.substr(0, piece)));
    }
    return check->finish();
  });
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > k_largest) {
    return 0;
  }
  const std::string_view zip = fuzz::as_text(data, size);
  const std::string whole = module_hash(zip, size + 1);
  fuzz::require(module_hash(zip, 1) == whole && module_hash(zip, 7) == whole, "cuts change nothing");
  const fuzz::MemoryFile file(zip);
  hash_of([&] { return ecosystem::terraform::directory_hash(file.path()); });
  return 0;
}
