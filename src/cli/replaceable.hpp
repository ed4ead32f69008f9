// Files that a command writes anew each time it is asked.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace airlock::cli {

// A file of the same kind, or an empty one, may be replaced; anything else that has the name is somebody's, a bundle
// perhaps, and stays. Throws conflict. `kind`: "receipt"; `is_one` may throw for what is none.
void require_replaceable(const std::filesystem::path& file, std::string_view kind,
                         const std::function<bool(const std::filesystem::path&)>& is_one);

// For a file that takes a token of the server, which is shown once: asked before the token is made.
void require_replaceable_token(const std::filesystem::path& file);

// How a file begins: at most `length` bytes of it.
std::string beginning_of(const std::filesystem::path& file, std::size_t length);

}  // namespace airlock::cli
