// The list of a backup, the names in it, floors from paper and the kernel's list of mounts. A name that is a place
// never leads out of the home; a list that is read is written as one that is read the same.
#include "base/error.hpp"
#include "fuzz_target.hpp"
#include "workflow/backup.hpp"
#include "workflow/backup_places.hpp"
#include "workflow/floors.hpp"
#include "workflow/medium.hpp"

using namespace airlock;

namespace {

void check_name(std::string_view name) {
  if (workflow::find_backup_place(name) != nullptr) {
    fuzz::require(name.front() != '/' && name.front() != '.' && name.find("//") == std::string_view::npos &&
                      name.find("/.") == std::string_view::npos && name.find('\0') == std::string_view::npos &&
                      name.size() <= 100,
                  "a place lies in the home");
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::as_text(data, size);
  check_name(text);
  try {
    const auto list = workflow::parse_backup_list(text);
    for (const auto& entry : list.entries) {
      check_name(entry.member);
    }
    const auto again = workflow::parse_backup_list(workflow::to_text(list));
    fuzz::require(again.entries.size() == list.entries.size() && again.time == list.time && again.blobs == list.blobs,
                  "a list comes back as it was");
  } catch (const base::Error&) {
  }
  try {
    const auto wish = workflow::parse_floor(text);
    fuzz::require(!wish.channel.empty() && wish.channel.size() <= 63, "a floor has a channel");
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::usage || error.code() == base::ErrorCode::malformed,
                  "a floor that cannot be read is a mistake of the caller");
  }
  const auto medium = workflow::find_medium(text, "/media/stick/site-a-1.airlock");
  for (const char c : medium.source + medium.file_system + medium.mount_point) {
    fuzz::require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "a medium is printable");
  }
  return 0;
}
