// A text that is received once and then read here and there: short ones in memory, long ones in a file without a name.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/files.hpp"

namespace airlock::ecosystem::npm {

class SpilledText : public base::ByteSink {
 public:
  // `what` stands in messages. write() throws limit beyond `limit` bytes.
  SpilledText(std::string what, std::size_t limit) : m_what(std::move(what)), m_limit(limit) {}
  SpilledText(const SpilledText&) = delete;
  SpilledText& operator=(const SpilledText&) = delete;
  ~SpilledText() override;

  void write(std::span<const std::byte> data) override;
  void finish();                  // once, after the last write
  std::string_view text() const;  // after finish(); valid while this lives

 private:
  std::string m_what;
  std::size_t m_limit;
  std::size_t m_size = 0;
  std::string m_memory;
  std::optional<base::UnnamedFile> m_file;
  const char* m_mapped = nullptr;
};

}  // namespace airlock::ecosystem::npm
