// One connection of a job, carried to where it may go.
#pragma once

#include <optional>

#include "base/files.hpp"
#include "base/ip_address.hpp"

namespace airlock::agent {

// A connection from here to there, not blocking; nullopt when it was refused, took too long, or `stopped` became
// readable.
std::optional<base::Fd> connect_to(const base::IpAddress& address, std::uint16_t port, int stopped);

// Moves bytes both ways, with each direction's end passed on by itself, until both are at their end, one breaks, or
// `stopped` becomes readable.
void relay(base::Fd inside, base::Fd outside, int stopped);

}  // namespace airlock::agent
