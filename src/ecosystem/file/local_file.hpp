// A file on this host's disk, read in place.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "base/digest.hpp"
#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::file {

struct LocalContent {
  std::uint64_t length = 0;  // bytes
  base::Digest sha256;
};
LocalContent read_content(const std::filesystem::path& path);  // reads the whole file once

class LocalFetchable : public Fetchable {
 public:
  LocalFetchable(std::filesystem::path path, std::optional<std::uint64_t> length)
      : m_path(std::move(path)), m_length(length) {}
  // Throws lock when the file has another length than the row says.
  void fetch(std::uint64_t offset, std::optional<std::uint64_t> length, base::ByteSink& sink) override;

 private:
  std::filesystem::path m_path;
  std::optional<std::uint64_t> m_length;
};

}  // namespace airlock::ecosystem::file
