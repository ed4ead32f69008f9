#include "control/json_fields.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::control {

using base::Error;
using base::ErrorCode;

base::Json parse_private_json(std::string_view text, std::string_view name, const base::JsonLimits& limits,
                              base::Numbers numbers) {
  try {
    return base::parse_json(text, name, limits, numbers);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::malformed) {
      throw;
    }
    const auto place = error.position()
                           ? fmt::format(" (line {}, column {})", error.position()->line, error.position()->column)
                           : std::string();
    throw Error(ErrorCode::malformed, fmt::format("{} is not valid JSON of the strict kind{}", name, place))
        .with_hint("no member twice, no NUL, valid UTF-8, nothing after the end");
  }
}

std::string checked_text(const base::Json& value, std::string_view what, std::size_t limit, Characters characters) {
  if (!value.is_string()) {
    throw Error(ErrorCode::malformed, fmt::format("{} is not a text", what));
  }
  const auto& text = value.get_ref<const std::string&>();
  if (text.size() > limit) {
    throw Error(ErrorCode::malformed, fmt::format("{} is longer than {} bytes", what, limit));
  }
  if (text.find('\0') != std::string::npos) {
    throw Error(ErrorCode::malformed, fmt::format("{} holds a NUL", what));
  }
  if (characters == Characters::printable && base::printable(text, 4 * limit + 16) != text) {
    throw Error(ErrorCode::malformed, fmt::format("{} holds characters that cannot be shown", what));
  }
  return text;
}

JsonFields::JsonFields(const base::Json& object, std::string_view name) : m_object(object), m_name(name) {
  if (!object.is_object()) {
    throw Error(ErrorCode::malformed, fmt::format("{} is not a JSON object", m_name));
  }
}

void JsonFields::fail(std::string_view why) const {
  throw Error(ErrorCode::malformed, fmt::format("{}: {}", m_name, why));
}

const base::Json* JsonFields::find(std::string_view key) const {
  const auto found = m_object.find(key);
  return found == m_object.end() || found->is_null() ? nullptr : &*found;
}

const base::Json& JsonFields::needed(std::string_view key) const {
  if (const auto* value = find(key)) {
    return *value;
  }
  fail(fmt::format("'{}' is missing", key));
}

bool JsonFields::has(std::string_view key) const {
  return find(key) != nullptr;
}

std::string JsonFields::checked_text(const base::Json& value, std::string_view key, std::size_t limit,
                                     Characters characters) const {
  return control::checked_text(value, fmt::format("'{}' of {}", key, m_name), limit, characters);
}

std::string JsonFields::text(std::string_view key, std::size_t limit, Characters characters) const {
  return checked_text(needed(key), key, limit, characters);
}

std::string JsonFields::text_or(std::string_view key, std::size_t limit, std::string fallback,
                                Characters characters) const {
  const auto* value = find(key);
  return value == nullptr ? std::move(fallback) : checked_text(*value, key, limit, characters);
}

std::uint64_t JsonFields::number(std::string_view key, std::uint64_t largest) const {
  const auto& value = needed(key);
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > largest) {
    fail(fmt::format("'{}' is not a whole number up to {}", key, largest));
  }
  return value.get<std::uint64_t>();
}

std::uint64_t JsonFields::number_or(std::string_view key, std::uint64_t largest, std::uint64_t fallback) const {
  return find(key) == nullptr ? fallback : number(key, largest);
}

bool JsonFields::flag_or(std::string_view key, bool fallback) const {
  const auto* value = find(key);
  if (value == nullptr) {
    return fallback;
  }
  if (!value->is_boolean()) {
    fail(fmt::format("'{}' is neither true nor false", key));
  }
  return value->get<bool>();
}

const base::Json& JsonFields::list(std::string_view key, std::size_t most) const {
  static const base::Json k_none = base::Json::array();
  const auto* value = find(key);
  if (value == nullptr) {
    return k_none;
  }
  if (!value->is_array()) {
    fail(fmt::format("'{}' is not a list", key));
  }
  if (value->size() > most) {
    fail(fmt::format("'{}' has more than {} members", key, most));
  }
  return *value;
}

const base::Json* JsonFields::object(std::string_view key) const {
  const auto* value = find(key);
  if (value != nullptr && !value->is_object()) {
    fail(fmt::format("'{}' is not an object", key));
  }
  return value;
}

}  // namespace airlock::control
