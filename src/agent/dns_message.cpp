#include "agent/dns_message.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace airlock::agent {

namespace {

constexpr std::size_t k_header = 12;
constexpr std::size_t k_longest_name = 255;
constexpr std::size_t k_longest_message = 512;  // without EDNS, which we do not speak
constexpr std::uint32_t k_seconds_to_live = 5;  // the other end may move while a job runs

constexpr std::uint16_t k_is_response = 0x8000;
constexpr std::uint16_t k_operation = 0x7800;
constexpr std::uint16_t k_recursion_desired = 0x0100;
constexpr std::uint16_t k_recursion_available = 0x0080;
constexpr std::uint16_t k_server_failure = 2;
constexpr std::uint16_t k_name_error = 3;

std::uint16_t read16(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint16_t>((bytes[at] << 8) | bytes[at + 1]);
}

void put16(std::vector<std::uint8_t>& out, std::uint16_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value & 0xff));
}

void append_label(std::string& name, std::span<const std::uint8_t> label) {
  if (!name.empty()) {
    name.push_back('.');
  }
  for (const std::uint8_t byte : label) {
    const char c = static_cast<char>(byte);
    if (byte <= 0x20 || byte >= 0x7f || c == '.' || c == '\\') {
      name += fmt::format("\\{:03}", byte);
    } else {
      name.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
    }
  }
}

std::vector<std::uint8_t> begin_answer(const DnsQuestion& question, std::uint16_t code, std::uint16_t answers) {
  std::vector<std::uint8_t> out;
  put16(out, question.id);
  put16(out, static_cast<std::uint16_t>(k_is_response | k_recursion_available | code |
                                        (question.recursion_desired ? k_recursion_desired : 0)));
  put16(out, 1);
  put16(out, answers);
  put16(out, 0);
  put16(out, 0);
  out.insert(out.end(), question.wire.begin(), question.wire.end());
  return out;
}

}  // namespace

std::optional<DnsQuestion> parse_dns_query(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < k_header) {
    return std::nullopt;
  }
  const std::uint16_t flags = read16(bytes, 2);
  if ((flags & (k_is_response | k_operation)) != 0 || read16(bytes, 4) != 1) {
    return std::nullopt;
  }
  DnsQuestion question;
  question.id = read16(bytes, 0);
  question.recursion_desired = (flags & k_recursion_desired) != 0;
  std::size_t at = k_header;
  while (true) {
    if (at >= bytes.size()) {
      return std::nullopt;
    }
    const std::size_t length = bytes[at++];
    if (length == 0) {
      break;
    }
    // A length of 64 and more would be a pointer, which a lone question has no use for.
    if (length > 63 || at + length > bytes.size() || at + length - k_header > k_longest_name) {
      return std::nullopt;
    }
    append_label(question.name, bytes.subspan(at, length));
    at += length;
  }
  if (at + 4 > bytes.size()) {
    return std::nullopt;
  }
  question.type = read16(bytes, at);
  question.kind = read16(bytes, at + 2);
  question.wire.assign(bytes.begin() + k_header, bytes.begin() + static_cast<std::ptrdiff_t>(at + 4));
  return question;
}

std::vector<std::uint8_t> dns_answer(const DnsQuestion& question, const std::vector<base::IpAddress>& addresses) {
  const bool v6 = question.type == DnsQuestion::k_aaaa;
  const std::size_t record = 12 + (v6 ? std::size_t{16} : std::size_t{4});
  std::vector<base::IpAddress> chosen;
  if (question.type == DnsQuestion::k_a || v6) {
    const std::size_t most = (k_longest_message - k_header - question.wire.size()) / record;
    for (const auto& address : addresses) {
      if (address.is_v6() == v6 && chosen.size() < most) {
        chosen.push_back(address);
      }
    }
  }
  auto out = begin_answer(question, 0, static_cast<std::uint16_t>(chosen.size()));
  for (const auto& address : chosen) {
    put16(out, 0xc000 | k_header);  // the name of the question
    put16(out, question.type);
    put16(out, question.kind);
    put16(out, 0);
    put16(out, k_seconds_to_live);
    put16(out, static_cast<std::uint16_t>(address.bytes().size()));
    out.insert(out.end(), address.bytes().begin(), address.bytes().end());
  }
  return out;
}

std::vector<std::uint8_t> dns_no_such_name(const DnsQuestion& question) {
  return begin_answer(question, k_name_error, 0);
}

std::vector<std::uint8_t> dns_failure(const DnsQuestion& question) {
  return begin_answer(question, k_server_failure, 0);
}

}  // namespace airlock::agent
