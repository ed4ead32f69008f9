// Reading one entry of a manifest.
#include <charconv>

#include "model/manifest.hpp"

namespace airlock::model {

std::string Entry::text(std::string_view field) const {
  const auto found = m_values.find(std::string(field));
  return found == m_values.end() || found->second.empty() ? std::string() : found->second.front();
}

std::vector<std::string> Entry::texts(std::string_view field) const {
  const auto found = m_values.find(std::string(field));
  return found == m_values.end() ? std::vector<std::string>() : found->second;
}

std::optional<std::uint64_t> Entry::number(std::string_view field) const {
  if (!has(field)) {
    return std::nullopt;
  }
  const std::string digits = text(field);
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);  // checked when it was read
  return value;
}

std::optional<bool> Entry::flag(std::string_view field) const {
  if (!has(field)) {
    return std::nullopt;
  }
  return text(field) == "true";
}

std::filesystem::path Entry::path(std::string_view field) const {
  if (!has(field)) {
    return {};
  }
  const std::filesystem::path manifest = position_of(field).file;
  return std::filesystem::absolute(manifest.parent_path() / text(field)).lexically_normal();
}

std::vector<std::filesystem::path> Entry::paths(std::string_view field) const {
  const auto found = m_paths.find(std::string(field));
  return found == m_paths.end() ? std::vector<std::filesystem::path>() : found->second;
}

const base::SourcePosition& Entry::position_of(std::string_view field) const {
  const auto found = m_positions.find(std::string(field));
  return found == m_positions.end() ? m_position : found->second;
}

}  // namespace airlock::model
