// A configuration or lock file is read or refused by place; what is read names providers that have an address.
#include "base/error.hpp"
#include "ecosystem/terraform/lock_file.hpp"
#include "ecosystem/terraform/project.hpp"
#include "fuzz_target.hpp"

using namespace airlock;

namespace {

template <typename Read>
void read_or_refuse(Read&& read) {
  try {
    read();
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::limit || error.position(), "every mistake has a place");
    fuzz::require(error.code() == base::ErrorCode::limit || error.code() == base::ErrorCode::manifest,
                  "every refusal is a mistake in the file");
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ecosystem::terraform;
  const std::string_view text = fuzz::as_text(data, size);
  read_or_refuse([&] {
    for (const auto& [name, wish] : parse_configuration(text, "input").required) {
      const auto again = parse_provider(wish.provider.to_string());
      fuzz::require(again && *again == wish.provider, "an address is read as it is written");
    }
  });
  read_or_refuse([&] {
    for (const LockedProvider& locked : parse_lock_file(text, "input")) {
      fuzz::require(!locked.provider.host.empty(), "a locked provider has its host");
      fuzz::require(
          parse_file_name(locked.provider, file_name(locked.provider, locked.version, "linux", "amd64")).has_value(),
          "a locked version gives a file name that is read again");
    }
  });
  return 0;
}
