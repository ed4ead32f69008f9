#include "bundle/layout.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/text.hpp"

namespace airlock::bundle {

using base::Digest;

namespace {

constexpr std::size_t k_hex_size = 64;
constexpr std::size_t k_part_digits = 4;
constexpr std::size_t k_channel_name_limit = 63;

bool is_lower_or_digit(char c) {
  return base::is_lower(c) || base::is_digit(c);
}

bool is_name_rest(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

std::optional<std::uint64_t> parse_part(std::string_view digits) {
  std::uint64_t part = 0;
  const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), part);
  if (digits.size() != k_part_digits || status != std::errc() || end != digits.data() + digits.size() || part == 0) {
    return std::nullopt;
  }
  return part;
}

}  // namespace

std::string catalog_target(std::string_view ecosystem, std::uint64_t number) {
  return fmt::format("{}/catalog/{:02}.jsonl", ecosystem, number);
}

std::string consistent_name(std::string_view target, const Digest& sha256) {
  const std::size_t slash = target.rfind('/');
  const std::size_t start = slash == std::string_view::npos ? 0 : slash + 1;
  return fmt::format("{}{}.{}", target.substr(0, start), sha256.hex(), target.substr(start));
}

std::optional<ConsistentName> parse_consistent_name(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  const std::size_t start = slash == std::string_view::npos ? 0 : slash + 1;
  const std::string_view last = name.substr(start);
  if (last.size() < k_hex_size + 2 || last[k_hex_size] != '.' || !Digest::is_sha256_hex(last.substr(0, k_hex_size))) {
    return std::nullopt;
  }
  return ConsistentName{.target = fmt::format("{}{}", name.substr(0, start), last.substr(k_hex_size + 1)),
                        .sha256 = Digest::parse_sha256_hex(last.substr(0, k_hex_size))};
}

bool is_channel_name(std::string_view text) {
  return !text.empty() && text.size() <= k_channel_name_limit && is_lower_or_digit(text.front()) && is_name_rest(text);
}

bool is_ecosystem_name(std::string_view text) {
  return !text.empty() && text.size() <= k_ecosystem_name_limit && text.front() >= 'a' && text.front() <= 'z' &&
         is_name_rest(text) && text != k_site_rows;
}

std::string bundle_stem(std::string_view channel, std::uint64_t serial, std::uint64_t shipment) {
  std::string stem = fmt::format("{}-{}", channel, serial);
  if (shipment > 1) {
    stem += fmt::format("-s{}", shipment);
  }
  return stem;
}

std::string volume_file_name(std::string_view stem, std::uint64_t number) {
  return fmt::format("{}.v{:03}.tar", stem, number);
}

std::optional<BlobMemberName> parse_blob_member(std::string_view name) {
  if (!name.starts_with(k_blob_prefix)) {
    return std::nullopt;
  }
  name.remove_prefix(k_blob_prefix.size());
  const std::string_view hex = name.substr(0, k_hex_size);
  if (!Digest::is_sha256_hex(hex)) {
    return std::nullopt;
  }
  name.remove_prefix(k_hex_size);
  BlobMemberName result{.sha256 = Digest::parse_sha256_hex(hex)};
  if (name.empty()) {
    return result;
  }
  const auto part = name.starts_with(".p") ? parse_part(name.substr(2)) : std::nullopt;
  if (!part) {
    return std::nullopt;
  }
  result.part = *part;
  return result;
}

std::string blob_member_name(const Digest& sha256, std::uint64_t part) {
  std::string name(k_blob_prefix);
  name += sha256.hex();
  if (part > 0) {
    name += fmt::format(".p{:04}", part);
  }
  return name;
}

}  // namespace airlock::bundle
