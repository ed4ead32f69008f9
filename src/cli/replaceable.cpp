#include "cli/replaceable.hpp"

#include <fstream>
#include <system_error>

#include <fmt/format.h>

#include "base/error.hpp"

namespace airlock::cli {

namespace {

namespace fs = std::filesystem;

bool is_of_kind(const fs::path& file, const std::function<bool(const fs::path&)>& is_one) {
  std::error_code error;
  if (!fs::is_regular_file(file, error)) {
    return false;
  }
  if (fs::file_size(file, error) == 0 && !error) {
    return true;
  }
  try {
    return is_one(file);
  } catch (const base::Error&) {
    return false;
  }
}

}  // namespace

void require_replaceable(const fs::path& file, std::string_view kind,
                         const std::function<bool(const fs::path&)>& is_one) {
  std::error_code ignored;
  if (fs::symlink_status(file, ignored).type() == fs::file_type::not_found || is_of_kind(file, is_one)) {
    return;
  }
  throw base::Error(base::ErrorCode::conflict,
                    fmt::format("{} is there already and is no {}, so it is not overwritten", file.string(), kind))
      .with_hint("give another name, or move that file away first");
}

void require_replaceable_token(const fs::path& file) {
  require_replaceable(file, "token", [](const fs::path& path) { return beginning_of(path, 8) == "airlock_"; });
}

std::string beginning_of(const fs::path& file, std::size_t length) {
  std::ifstream stream(file, std::ios::binary);
  std::string text(length, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

}  // namespace airlock::cli
