// A backup as it lies somewhere, that anybody could write to. The input is the file, or its members in parts
// (sections.hpp): then a list is made for them that fits, where they hold none, and its digests are right.
#include <string>

#include "backup_maker.hpp"
#include "base/error.hpp"
#include "fuzz_target.hpp"
#include "memory_file.hpp"
#include "sections.hpp"
#include "tar_checksums.hpp"
#include "workflow/backup_file.hpp"
#include "workflow/backup_places.hpp"

using namespace airlock;

namespace {

void check(const workflow::OpenBackup& backup, std::string_view bytes) {
  const auto is_inside = [&](std::uint64_t offset, std::uint64_t length) {
    return offset <= bytes.size() && length <= bytes.size() - offset;
  };
  for (const auto& [name, member] : backup.files) {
    fuzz::require(workflow::find_backup_place(name) != nullptr, "a member has its place");
    fuzz::require(is_inside(member.offset, member.size), "a member lies in its file");
    fuzz::require(backup.digests.contains(name), "a member has a digest");
  }
  fuzz::require(backup.digests.size() == backup.files.size(), "a digest is a member's");
  for (const auto& blob : backup.blobs) {
    fuzz::require(is_inside(blob.offset, blob.length), "a blob lies in its file");
  }
  fuzz::require(backup.list.blobs == backup.blobs.size(), "blobs are counted");
}

void read(std::string_view bytes) {
  const fuzz::MemoryFile file(bytes);
  try {
    const workflow::OpenBackup backup = workflow::open_backup(file.path());
    check(backup, bytes);
    base::SilentReporter reporter;
    fuzz::require(workflow::digest_of_backup(backup, reporter) == base::sha256(bytes), "it is read whole");
  } catch (const base::Error& error) {
    using base::ErrorCode;
    fuzz::require(error.code() == ErrorCode::tampered || error.code() == ErrorCode::truncated ||
                      error.code() == ErrorCode::limit || error.code() == ErrorCode::unsupported,
                  "every refusal is about the backup");
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  if (!text.starts_with(fuzz::k_section_mark)) {
    read(text);
    read(fuzz::with_checksums(std::string(text)));
    return 0;
  }
  std::string bytes;
  try {
    bytes = fuzz::backup_of(fuzz::linked_sections(text));
  } catch (const base::Error&) {
    return 0;
  }
  read(bytes);
  return 0;
}
