// A head as a file by itself, as for statements alone.
#pragma once

#include <filesystem>
#include <optional>

#include "base/files.hpp"
#include "bundle/head.hpp"

namespace airlock::test {

// Whatever is in it; returns `path`.
inline std::filesystem::path write_head(const std::filesystem::path& path, const bundle::HeadContents& head) {
  base::write_file_atomic(path, bundle::build_head(head, std::nullopt, bundle::HeadEnd::alone).value());
  return path;
}

}  // namespace airlock::test
