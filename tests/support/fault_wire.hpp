// HTTP as the fault server has it, without airlock's code: requests off a socket, bytes onto it, fields by name.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/fault_server.hpp"

namespace airlock::test {

// The first of that name, compared without case.
std::optional<std::string> find_field(const std::vector<std::pair<std::string, std::string>>& fields,
                                      std::string_view name);

// Bytes off a socket with what came too early kept for the next read. nullopt, false: the other side has gone.
class Wire {
 public:
  explicit Wire(int fd) : m_fd(fd) {}

  std::optional<std::string> read_until(std::string_view mark);  // without the mark
  std::optional<std::string> read_exactly(std::size_t count);
  // `count` is raised by what was sent, as it goes.
  bool write(std::string_view data, std::atomic<std::uint64_t>* count = nullptr) const;
  bool fill();  // takes in what has come, or waits for it

 private:
  int m_fd;
  std::string m_kept;
};

// The next request, its body with it.
std::optional<FaultRequest> read_request(Wire& wire);

}  // namespace airlock::test
