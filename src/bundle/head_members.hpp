// What may stand in a head, in which order, and where its bytes are kept once they were read. For the files of this
// folder only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/files.hpp"
#include "bundle/layout.hpp"

namespace airlock::bundle {

inline constexpr std::string_view k_oci_layout_text = "{\"imageLayoutVersion\":\"1.0.0\"}";
inline constexpr std::uint64_t k_head_member_limit = 100'000;  // members in front of the first blob

// The parts of a head in the order in which they stand.
enum class HeadPart { hint, metadata, shipment, room, target, oci_layout, oci_index, blob };

// nullopt: no member of a head has such a name.
std::optional<HeadPart> head_part(std::string_view member_name);

// Lets members through in their order only: parts ascend, names within a part ascend, single members stand once.
class MemberOrder {
 public:
  // Throws tampered naming `file`.
  HeadPart accept(std::string_view member_name, std::string_view file);

 private:
  std::optional<HeadPart> m_last_part;
  std::string m_last_name;
};

// The most bytes that a metadata file of this name ("3.root.json") can have, whatever signed metadata says of it.
std::uint64_t metadata_file_limit(std::string_view name);

// The bytes of members: in memory up to a budget, the rest in one unnamed private file.
class MemberStore {
 public:
  explicit MemberStore(std::uint64_t memory_budget) : m_budget(memory_budget) {}

  struct InFile {
    std::uint64_t offset;
    std::uint64_t length;
  };
  using Stored = std::variant<std::string, InFile>;

  Stored keep(int fd, std::uint64_t offset, std::uint64_t length, std::string_view file);
  std::string load(const Stored& stored) const;
  // Bytes that load would need. What is not signed says them, so they are asked first.
  static std::uint64_t length(const Stored& stored);

 private:
  std::uint64_t m_budget;
  std::uint64_t m_used = 0;
  std::optional<base::UnnamedFile> m_spill;
  std::uint64_t m_spilled = 0;
};

}  // namespace airlock::bundle
