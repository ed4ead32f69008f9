// IP packets as a TUN device hands them over: read, answered, and sent on under other addresses. Pure: bytes in, bytes
// out. What comes in was written by the job's kernel on the job's behalf and is treated as hostile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ip_address.hpp"

namespace airlock::agent {

enum class IpProtocol : std::uint8_t { icmp = 1, tcp = 6, udp = 17, icmp6 = 58 };

// One packet that is whole and consistent; sizes are bytes, offsets count from the start of the packet.
struct Packet {
  base::IpAddress source, destination;
  std::uint8_t protocol = 0;  // an IpProtocol, or any other number
  std::size_t transport = 0;  // where its header begins
  std::size_t length = 0;     // of the whole
  bool later_fragment = false;
  std::uint16_t source_port = 0;       // TCP and UDP only
  std::uint16_t destination_port = 0;  // TCP and UDP only
  // TCP only
  bool syn = false, ack = false, rst = false, fin = false;
  std::uint32_t sequence = 0, acknowledged = 0;
  std::size_t payload = 0;  // where it begins; UDP and TCP only

  bool is(IpProtocol kind) const { return protocol == static_cast<std::uint8_t>(kind); }
  bool opens_connection() const { return is(IpProtocol::tcp) && syn && !ack && !later_fragment; }
};

// nullopt for what is cut off or contradicts itself.
std::optional<Packet> parse_packet(std::span<const std::uint8_t> bytes);

std::string protocol_name(const Packet& packet);  // "tcp", "udp", "icmp", else "ip-47"

using Bytes = std::vector<std::uint8_t>;

// Answers to a packet, as its destination would send them.
Bytes tcp_reset(const Packet& packet);                                         // RFC 9293, 3.10.7.1
Bytes unreachable(const Packet& packet, std::span<const std::uint8_t> bytes);  // ICMP: port unreachable
Bytes udp_answer(const Packet& packet, std::span<const std::uint8_t> payload);

// Gives a TCP packet other ends, of the same family, and corrects its checksums.
struct Ends {
  base::IpAddress source;
  std::uint16_t source_port = 0;
  base::IpAddress destination;
  std::uint16_t destination_port = 0;
  auto operator<=>(const Ends&) const = default;
};
void rewrite_tcp(const Packet& packet, std::span<std::uint8_t> bytes, const Ends& ends);

// RFC 1071 over `bytes` and `start`, which is a sum that was begun elsewhere.
std::uint16_t internet_checksum(std::span<const std::uint8_t> bytes, std::uint32_t start = 0);

}  // namespace airlock::agent
