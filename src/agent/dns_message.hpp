// The little of DNS (RFC 1035) that a resolver needs which answers addresses or "there is no such name". Pure; every
// query is hostile.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ip_address.hpp"

namespace airlock::agent {

struct DnsQuestion {
  std::uint16_t id = 0;
  bool recursion_desired = false;
  std::string name;  // lower case, without the final dot; bytes outside of printable ASCII, '.' and '\' as \DDD
  std::uint16_t type = 0;
  std::uint16_t kind = 0;          // the class
  std::vector<std::uint8_t> wire;  // the question section as it came

  static constexpr std::uint16_t k_a = 1;
  static constexpr std::uint16_t k_aaaa = 28;
};

// nullopt for what is not a query with exactly one question.
std::optional<DnsQuestion> parse_dns_query(std::span<const std::uint8_t> bytes);

// At most as many addresses of the asked type as fit 512 bytes; none gives "no data".
std::vector<std::uint8_t> dns_answer(const DnsQuestion& question, const std::vector<base::IpAddress>& addresses);
std::vector<std::uint8_t> dns_no_such_name(const DnsQuestion& question);
std::vector<std::uint8_t> dns_failure(const DnsQuestion& question);  // SERVFAIL: ask again later

}  // namespace airlock::agent
