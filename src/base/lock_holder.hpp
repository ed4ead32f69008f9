// Who holds a FileLock (files.hpp), for those who only want to tell.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "base/files.hpp"

namespace airlock::base {

// The process that holds it, as the kernel lists locks; 0 where it does not tell which. nullopt: nobody, or no such
// file. Takes no lock itself, so it can stand in nobody's way.
std::optional<pid_t> lock_holder(const std::filesystem::path& path);
// Whether anybody holds it, for those who depend on the answer: the kernel lists no holder in another container, and on
// some file systems one of another file. Takes a share of it for a moment. False where there is no such file. Throws
// io.
bool is_locked(const std::filesystem::path& path);
// The lock of which others ask is_locked: the share that such a question takes is waited out, a fifth of a second at
// most. Throws what FileLock does.
FileLock lock_past_askers(const std::filesystem::path& path);

}  // namespace airlock::base
