// Where an extracted image goes: an OCI image layout (image-spec 1.1) as a folder or as a tar.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace airlock::workflow {

class LayoutOutput {
 public:
  virtual ~LayoutOutput() = default;
  // One member with exactly `length` bytes of `content`.
  virtual void add(const std::string& name, std::uint64_t length, base::ByteSource& content) = 0;
  // Gives everything its name. Without it, nothing is left behind.
  virtual void finish() = 0;
};

// A folder, or a tar for ".tar". Throws conflict when it exists.
std::unique_ptr<LayoutOutput> make_layout_output(const std::filesystem::path& path);
bool names_archive(const std::filesystem::path& path);

}  // namespace airlock::workflow
