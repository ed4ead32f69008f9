#include "agent/packet.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace airlock::agent {

namespace {

constexpr std::size_t k_v4_header = 20;
constexpr std::size_t k_v6_header = 40;
constexpr std::size_t k_tcp_header = 20;
constexpr std::size_t k_udp_header = 8;
constexpr std::size_t k_icmp_header = 8;
constexpr std::size_t k_quoted = 548;  // of the refused packet; keeps an answer below 576 bytes (RFC 1812, 4.3.2.3)
constexpr std::uint8_t k_ttl = 64;

std::uint16_t read16(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint16_t>((bytes[at] << 8) | bytes[at + 1]);
}

std::uint32_t read32(std::span<const std::uint8_t> bytes, std::size_t at) {
  return (std::uint32_t{read16(bytes, at)} << 16) | read16(bytes, at + 2);
}

void write16(std::span<std::uint8_t> bytes, std::size_t at, std::uint16_t value) {
  bytes[at] = static_cast<std::uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(value & 0xff);
}

void write32(std::span<std::uint8_t> bytes, std::size_t at, std::uint32_t value) {
  write16(bytes, at, static_cast<std::uint16_t>(value >> 16));
  write16(bytes, at + 2, static_cast<std::uint16_t>(value & 0xffff));
}

std::uint32_t sum_of(std::span<const std::uint8_t> bytes, std::uint32_t sum) {
  std::size_t at = 0;
  for (; at + 1 < bytes.size(); at += 2) {
    sum += read16(bytes, at);
    sum = (sum & 0xffff) + (sum >> 16);
  }
  if (at < bytes.size()) {
    sum += static_cast<std::uint32_t>(bytes[at]) << 8;
  }
  return (sum & 0xffff) + (sum >> 16);
}

std::uint16_t transport_checksum(const base::IpAddress& source, const base::IpAddress& destination,
                                 std::uint8_t protocol, std::span<const std::uint8_t> transport) {
  std::uint32_t sum = sum_of(destination.bytes(), sum_of(source.bytes(), 0));
  sum += protocol + static_cast<std::uint32_t>(transport.size());
  return internet_checksum(transport, sum);
}

// An IP header for `size` bytes of `protocol`, and room for them.
Bytes begin_packet(const base::IpAddress& source, const base::IpAddress& destination, std::uint8_t protocol,
                   std::size_t size) {
  const bool v6 = source.is_v6();
  const std::size_t header = v6 ? k_v6_header : k_v4_header;
  Bytes packet(header + size);
  const std::span<std::uint8_t> bytes(packet);
  if (v6) {
    bytes[0] = 0x60;
    write16(bytes, 4, static_cast<std::uint16_t>(size));
    bytes[6] = protocol;
    bytes[7] = k_ttl;
    std::ranges::copy(source.bytes(), bytes.begin() + 8);
    std::ranges::copy(destination.bytes(), bytes.begin() + 24);
    return packet;
  }
  bytes[0] = 0x45;
  write16(bytes, 2, static_cast<std::uint16_t>(packet.size()));
  bytes[8] = k_ttl;
  bytes[9] = protocol;
  std::ranges::copy(source.bytes(), bytes.begin() + 12);
  std::ranges::copy(destination.bytes(), bytes.begin() + 16);
  write16(bytes, 10, internet_checksum(bytes.first(k_v4_header)));
  return packet;
}

void read_tcp(std::span<const std::uint8_t> bytes, Packet& packet) {
  packet.sequence = read32(bytes, packet.transport + 4);
  packet.acknowledged = read32(bytes, packet.transport + 8);
  const std::uint8_t flags = bytes[packet.transport + 13];
  packet.fin = (flags & 0x01) != 0;
  packet.syn = (flags & 0x02) != 0;
  packet.rst = (flags & 0x04) != 0;
  packet.ack = (flags & 0x10) != 0;
  packet.payload = packet.transport + (std::size_t{4} * (bytes[packet.transport + 12] >> 4));
}

bool read_transport(std::span<const std::uint8_t> bytes, Packet& packet) {
  if (packet.later_fragment || (!packet.is(IpProtocol::tcp) && !packet.is(IpProtocol::udp))) {
    return true;
  }
  const bool tcp = packet.is(IpProtocol::tcp);
  if (packet.length < packet.transport + (tcp ? k_tcp_header : k_udp_header)) {
    return false;
  }
  packet.source_port = read16(bytes, packet.transport);
  packet.destination_port = read16(bytes, packet.transport + 2);
  packet.payload = packet.transport + k_udp_header;
  if (tcp) {
    read_tcp(bytes, packet);
  }
  return packet.payload >= packet.transport + (tcp ? k_tcp_header : k_udp_header) && packet.payload <= packet.length;
}

std::optional<Packet> parse_v4(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < k_v4_header) {
    return std::nullopt;
  }
  Packet packet;
  packet.transport = std::size_t{4} * (bytes[0] & 0x0f);
  packet.length = read16(bytes, 2);
  if (packet.transport < k_v4_header || packet.length < packet.transport || packet.length > bytes.size()) {
    return std::nullopt;
  }
  packet.protocol = bytes[9];
  packet.later_fragment = (read16(bytes, 6) & 0x1fff) != 0;
  packet.source = base::IpAddress::from_bytes(bytes.subspan(12, 4));
  packet.destination = base::IpAddress::from_bytes(bytes.subspan(16, 4));
  return packet;
}

// Extension headers are not followed: no client of ours sends them, and what has them is refused by its number.
std::optional<Packet> parse_v6(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < k_v6_header) {
    return std::nullopt;
  }
  Packet packet;
  packet.transport = k_v6_header;
  packet.length = k_v6_header + read16(bytes, 4);
  if (packet.length > bytes.size()) {
    return std::nullopt;
  }
  packet.protocol = bytes[6];
  packet.source = base::IpAddress::from_bytes(bytes.subspan(8, 16));
  packet.destination = base::IpAddress::from_bytes(bytes.subspan(24, 16));
  return packet;
}

// RFC 1624, equation 3, over whole 16 bit words.
class ChecksumChange {
 public:
  void replace(std::span<const std::uint8_t> before, std::span<const std::uint8_t> after) {
    for (std::size_t at = 0; at + 1 < before.size(); at += 2) {
      replace(read16(before, at), read16(after, at));
    }
  }
  void replace(std::uint16_t before, std::uint16_t after) {
    m_sum += static_cast<std::uint16_t>(~before);
    m_sum += after;
  }
  std::uint16_t apply(std::uint16_t checksum) const {
    std::uint32_t sum = m_sum + static_cast<std::uint16_t>(~checksum);
    while ((sum >> 16) != 0) {
      sum = (sum & 0xffff) + (sum >> 16);
    }
    return static_cast<std::uint16_t>(~sum);
  }

 private:
  std::uint32_t m_sum = 0;
};

}  // namespace

std::uint16_t internet_checksum(std::span<const std::uint8_t> bytes, std::uint32_t start) {
  std::uint32_t sum = sum_of(bytes, (start & 0xffff) + (start >> 16));
  while ((sum >> 16) != 0) {
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(~sum);
}

std::optional<Packet> parse_packet(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) {
    return std::nullopt;
  }
  auto packet = (bytes[0] >> 4) == 4 ? parse_v4(bytes) : (bytes[0] >> 4) == 6 ? parse_v6(bytes) : std::nullopt;
  if (!packet || !read_transport(bytes, *packet)) {
    return std::nullopt;
  }
  return packet;
}

std::string protocol_name(const Packet& packet) {
  switch (static_cast<IpProtocol>(packet.protocol)) {
  case IpProtocol::tcp:
    return "tcp";
  case IpProtocol::udp:
    return "udp";
  case IpProtocol::icmp:
  case IpProtocol::icmp6:
    return "icmp";
  }
  return fmt::format("ip-{}", packet.protocol);
}

Bytes tcp_reset(const Packet& packet) {
  Bytes answer = begin_packet(packet.destination, packet.source, packet.protocol, k_tcp_header);
  const auto tcp = std::span(answer).last(k_tcp_header);
  write16(tcp, 0, packet.destination_port);
  write16(tcp, 2, packet.source_port);
  const auto length =
      static_cast<std::uint32_t>(packet.length - packet.payload) + (packet.syn ? 1 : 0) + (packet.fin ? 1 : 0);
  write32(tcp, 4, packet.ack ? packet.acknowledged : 0);
  write32(tcp, 8, packet.sequence + length);
  tcp[12] = (k_tcp_header / 4) << 4;
  tcp[13] = packet.ack ? 0x04 : 0x14;
  write16(tcp, 16, transport_checksum(packet.destination, packet.source, packet.protocol, tcp));
  return answer;
}

Bytes unreachable(const Packet& packet, std::span<const std::uint8_t> bytes) {
  const auto quoted = bytes.first(std::min(packet.length, k_quoted));
  const bool v6 = packet.source.is_v6();
  const auto protocol = static_cast<std::uint8_t>(v6 ? IpProtocol::icmp6 : IpProtocol::icmp);
  Bytes answer = begin_packet(packet.destination, packet.source, protocol, k_icmp_header + quoted.size());
  const auto icmp = std::span(answer).last(k_icmp_header + quoted.size());
  icmp[0] = v6 ? 1 : 3;  // destination unreachable,
  icmp[1] = v6 ? 4 : 3;  // port
  std::ranges::copy(quoted, icmp.begin() + k_icmp_header);
  write16(icmp, 2,
          v6 ? transport_checksum(packet.destination, packet.source, protocol, icmp) : internet_checksum(icmp));
  return answer;
}

Bytes udp_answer(const Packet& packet, std::span<const std::uint8_t> payload) {
  Bytes answer = begin_packet(packet.destination, packet.source, packet.protocol, k_udp_header + payload.size());
  const auto udp = std::span(answer).last(k_udp_header + payload.size());
  write16(udp, 0, packet.destination_port);
  write16(udp, 2, packet.source_port);
  write16(udp, 4, static_cast<std::uint16_t>(udp.size()));
  std::ranges::copy(payload, udp.begin() + k_udp_header);
  const auto checksum = transport_checksum(packet.destination, packet.source, packet.protocol, udp);
  write16(udp, 6, checksum == 0 ? 0xffff : checksum);  // 0 would say that there is none
  return answer;
}

void rewrite_tcp(const Packet& packet, std::span<std::uint8_t> bytes, const Ends& ends) {
  ChecksumChange addresses;
  addresses.replace(packet.source.bytes(), ends.source.bytes());
  addresses.replace(packet.destination.bytes(), ends.destination.bytes());
  ChecksumChange all = addresses;
  all.replace(packet.source_port, ends.source_port);
  all.replace(packet.destination_port, ends.destination_port);
  const bool v6 = packet.source.is_v6();
  std::ranges::copy(ends.source.bytes(), bytes.begin() + (v6 ? 8 : 12));
  std::ranges::copy(ends.destination.bytes(), bytes.begin() + (v6 ? 24 : 16));
  if (!v6) {
    write16(bytes, 10, addresses.apply(read16(bytes, 10)));
  }
  write16(bytes, packet.transport, ends.source_port);
  write16(bytes, packet.transport + 2, ends.destination_port);
  write16(bytes, packet.transport + 16, all.apply(read16(bytes, packet.transport + 16)));
}

}  // namespace airlock::agent
