// What a job's kernel puts on its TUN device, and what goes back: every answer must be a packet again.
#include "agent/packet.hpp"
#include "fuzz_target.hpp"

using namespace airlock::agent;
using airlock::fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> bytes(data, data + size);
  const auto packet = parse_packet(bytes);
  if (!packet) {
    return 0;
  }
  require(packet->length <= size && packet->payload <= packet->length, "a packet lies inside its bytes");
  static_cast<void>(protocol_name(*packet));
  const bool ports = !packet->later_fragment;
  require(parse_packet(unreachable(*packet, bytes)).has_value(), "a refusal is a packet");
  if (packet->is(IpProtocol::tcp) && ports) {
    require(parse_packet(tcp_reset(*packet)).has_value(), "a reset is a packet");
    const auto address = packet->destination;
    rewrite_tcp(*packet, bytes, {address, 1, address, 2});
    const auto moved = parse_packet(bytes);
    require(moved && moved->source_port == 1 && moved->destination_port == 2, "other ends are those that were given");
  }
  if (packet->is(IpProtocol::udp) && ports) {
    require(parse_packet(udp_answer(*packet, {})).has_value(), "an answer is a packet");
  }
  return 0;
}
