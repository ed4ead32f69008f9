// Typed access to the members of one JSON object from outside, each with its limit. Members that are not asked for are
// ignored, as both ends of these protocols grow at different times.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace airlock::control {

// Whether a text may hold line breaks, tabs and other control characters. NUL is never taken.
enum class Characters { printable, any };

class JsonFields {
 public:
  // Borrows `object`; `name` stands in messages: "a claim". Throws malformed when it is no object.
  JsonFields(const base::Json& object, std::string_view name);

  bool has(std::string_view key) const;  // present and not null
  // Each throws malformed when the member is of another type or beyond its limit. The first form of each needs the
  // member, `_or` gives `fallback` where it is absent or null. `limit` counts bytes.
  std::string text(std::string_view key, std::size_t limit, Characters characters = Characters::printable) const;
  std::string text_or(std::string_view key, std::size_t limit, std::string fallback,
                      Characters characters = Characters::printable) const;
  std::uint64_t number(std::string_view key, std::uint64_t largest) const;
  std::uint64_t number_or(std::string_view key, std::uint64_t largest, std::uint64_t fallback) const;
  bool flag_or(std::string_view key, bool fallback) const;
  // An empty array where the member is absent or null.
  const base::Json& list(std::string_view key, std::size_t most) const;
  // nullptr where the member is absent or null.
  const base::Json* object(std::string_view key) const;

  const std::string& name() const { return m_name; }
  [[noreturn]] void fail(std::string_view why) const;

 private:
  const base::Json* find(std::string_view key) const;
  const base::Json& needed(std::string_view key) const;
  std::string checked_text(const base::Json& value, std::string_view key, std::size_t limit,
                           Characters characters) const;

  const base::Json& m_object;
  std::string m_name;
};

// base::parse_json for texts that may hold secrets: an error says where the text is broken, and quotes nothing of it.
base::Json parse_private_json(std::string_view text, std::string_view name, const base::JsonLimits& limits = {},
                              base::Numbers numbers = base::Numbers::any);

// The same rules for a text that is no member: throws malformed naming `what`.
std::string checked_text(const base::Json& value, std::string_view what, std::size_t limit,
                         Characters characters = Characters::printable);

}  // namespace airlock::control
