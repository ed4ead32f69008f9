// Texts and descriptors between the agent and the process that holds a job's walls, over a socket pair.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.hpp"

namespace airlock::agent {

struct CellMessage {
  std::string text;
  std::vector<base::Fd> descriptors;
};

// A pair of connected ends, close-on-exec.
std::pair<base::Fd, base::Fd> make_cell_channel();
// Throws io, also when the other end is gone.
void send_cell_message(int channel, std::string_view text, const std::vector<int>& descriptors = {});
// Waits for one message; nullopt when the other end is gone. Throws io, malformed.
std::optional<CellMessage> receive_cell_message(int channel);

}  // namespace airlock::agent
