#include "agent/packet.hpp"
#include "support/catch.hpp"

namespace airlock::agent {
namespace {

// An IPv4 SYN from 198.51.100.2:40000 to 10.0.0.9:443, as a Linux kernel wrote it, without options.
Bytes syn_v4() {
  Bytes bytes = {0x45, 0,    0,    40,   0, 1, 0x40, 0, 64, 6, 0, 0, 198,  51,   100,  2,    10, 0, 0, 9,
                 0x9c, 0x40, 0x01, 0xbb, 0, 0, 0,    7, 0,  0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0,  0, 0, 0};
  const auto header = internet_checksum(std::span(bytes).first(20));
  bytes[10] = static_cast<std::uint8_t>(header >> 8);
  bytes[11] = static_cast<std::uint8_t>(header & 0xff);
  return bytes;
}

// 0 for a packet whose checksum is right (RFC 1071).
std::uint16_t tcp_sum(const Bytes& bytes) {
  const auto packet = parse_packet(bytes);
  std::uint32_t sum = 6 + static_cast<std::uint32_t>(packet->length - packet->transport);
  for (const auto& address : {packet->source, packet->destination}) {
    for (std::size_t i = 0; i < address.bytes().size(); i += 2) {
      sum += static_cast<std::uint32_t>((address.bytes()[i] << 8) | address.bytes()[i + 1]);
    }
  }
  return internet_checksum(std::span(bytes).subspan(packet->transport), sum);
}

TEST_CASE("a packet is read", "[agent][packet]") {
  const auto bytes = syn_v4();
  const auto packet = parse_packet(bytes);
  REQUIRE(packet);
  CHECK(packet->source.to_string() == "198.51.100.2");
  CHECK(packet->destination.to_string() == "10.0.0.9");
  CHECK(packet->source_port == 40000);
  CHECK(packet->destination_port == 443);
  CHECK(packet->opens_connection());
}

TEST_CASE("a packet that is cut off or contradicts itself is none", "[agent][packet]") {
  const auto bytes = syn_v4();
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    CHECK_FALSE(parse_packet(std::span(bytes).first(length)));
  }
  auto longer = bytes;
  longer[0] = 0x4f;  // a header beyond the end
  CHECK_FALSE(parse_packet(longer));
  auto inner = bytes;
  inner[32] = 0xf0;  // a TCP header beyond the end
  CHECK_FALSE(parse_packet(inner));
  inner[32] = 0x10;  // and one that is shorter than itself
  CHECK_FALSE(parse_packet(inner));
}

TEST_CASE("a refused connection is answered as its destination would", "[agent][packet]") {
  const auto bytes = syn_v4();
  const auto answer = tcp_reset(*parse_packet(bytes));
  const auto packet = parse_packet(answer);
  REQUIRE(packet);
  CHECK(packet->rst);
  CHECK(packet->ack);
  CHECK(packet->acknowledged == 8);
  CHECK(packet->source.to_string() == "10.0.0.9");
  CHECK(packet->destination_port == 40000);
  CHECK(internet_checksum(std::span(answer).first(20)) == 0);
  CHECK(tcp_sum(answer) == 0);
}

TEST_CASE("other ends keep the checksums right", "[agent][packet]") {
  auto bytes = syn_v4();
  const auto reset = tcp_reset(*parse_packet(bytes));  // has a right checksum to begin with
  auto moved = reset;
  rewrite_tcp(*parse_packet(moved), moved,
              {*base::IpAddress::parse("198.51.100.1"), 1024, *base::IpAddress::parse("255.255.255.255"), 65535});
  CHECK(internet_checksum(std::span(moved).first(20)) == 0);
  CHECK(tcp_sum(moved) == 0);
  CHECK(parse_packet(moved)->destination_port == 65535);
}

TEST_CASE("datagrams are refused by ICMP that quotes them, and answered whole", "[agent][packet]") {
  Bytes udp = {0x60, 0, 0, 0, 0,    12,   17,   64, 0x20, 0x01, 0x0d, 0xb8, 0,   0,   0,   0,  0, 0,
               0,    0, 0, 0, 0,    2,    0xfd, 0,  0,    0,    0,    0,    0,   0,   0,   0,  0, 0,
               0,    0, 0, 9, 0x30, 0x39, 0,    53, 0,    12,   0,    0,    'p', 'i', 'n', 'g'};
  const auto packet = parse_packet(udp);
  REQUIRE(packet);
  CHECK(packet->destination_port == 53);
  const auto refused = unreachable(*packet, udp);
  CHECK(refused.size() == 40 + 8 + udp.size());
  CHECK(refused[40] == 1);
  CHECK(refused[41] == 4);
  const Bytes payload = {'p', 'o', 'n', 'g'};
  const auto answer = parse_packet(udp_answer(*packet, payload));
  REQUIRE(answer);
  CHECK(answer->destination == packet->source);
  CHECK(answer->source_port == 53);
  CHECK(answer->length - answer->payload == 4);
}

}  // namespace
}  // namespace airlock::agent
