// What the files*.cpp share: retrying, random names, and which system calls may be used.
#pragma once

#include <cerrno>
#include <filesystem>
#include <string>
#include <string_view>
#include <type_traits>

namespace airlock::base {

// Calls again as long as a signal came between.
template <typename Call>
auto retry(Call&& call) -> std::invoke_result_t<Call> {
  while (true) {
    const auto result = call();
    if (result != -1 || errno != EINTR) {
      return result;
    }
  }
}

// The kernel, a sandbox or the file system does not offer this call, as opposed to: it was tried and failed.
inline bool means_unsupported(int error) {
  return error == ENOSYS || error == EPERM || error == EOPNOTSUPP || error == EINVAL;
}

// For messages: the path as text, fit for a terminal, in quotes.
std::string quote_path(const std::filesystem::path& path);

// A name beside others in `directory` that nobody can guess.
std::filesystem::path random_name(const std::filesystem::path& directory);
bool is_temporary_name(std::string_view file_name);  // of random_name()

}  // namespace airlock::base
