#include "trust/canonical.hpp"

#include <cstdint>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::trust {

namespace {

// Twice what the reader accepts: a value that airlock builds itself can not recurse without end either.
constexpr int k_nesting_limit = 64;
constexpr std::int64_t k_largest_integer = (std::int64_t{1} << 53) - 1;

[[noreturn]] void refuse_canonical(const std::string& why) {
  throw base::Error(base::ErrorCode::malformed, "a value with " + why + " has no canonical JSON form");
}

class Encoder {
 public:
  std::string encode(const base::Json& value) {
    write(value, 0);
    return std::move(m_out);
  }

 private:
  void write(const base::Json& value, int depth) {
    if (depth > k_nesting_limit) {
      refuse_canonical("more than " + std::to_string(k_nesting_limit) + " levels");
    }
    switch (value.type()) {
    case base::Json::value_t::null:
      m_out += "null";
      return;
    case base::Json::value_t::boolean:
      m_out += value.get<bool>() ? "true" : "false";
      return;
    case base::Json::value_t::string:
      write_string(value.get_ref<const std::string&>());
      return;
    case base::Json::value_t::number_integer:
      write_integer(value.get<std::int64_t>());
      return;
    case base::Json::value_t::number_unsigned:
      write_unsigned(value.get<std::uint64_t>());
      return;
    case base::Json::value_t::array:
      write_array(value, depth);
      return;
    case base::Json::value_t::object:
      write_object(value, depth);
      return;
    case base::Json::value_t::number_float:
      refuse_canonical("a fraction or exponent");
    case base::Json::value_t::binary:
    case base::Json::value_t::discarded:
      break;
    }
    refuse_canonical("a type that JSON does not have");
  }

  void write_integer(std::int64_t value) {
    if (value < -k_largest_integer || value > k_largest_integer) {
      refuse_canonical("an integer beyond 2^53-1");
    }
    m_out += std::to_string(value);
  }

  void write_unsigned(std::uint64_t value) {
    if (value > static_cast<std::uint64_t>(k_largest_integer)) {
      refuse_canonical("an integer beyond 2^53-1");
    }
    m_out += std::to_string(value);
  }

  // Everything but the two characters goes out raw, line ends and control characters too: the result is for
  // signatures and need not be JSON.
  void write_string(const std::string& text) {
    if (!base::is_valid_utf8(text)) {
      refuse_canonical("text that is not UTF-8");
    }
    m_out += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') {
        m_out += '\\';
      }
      m_out += c;
    }
    m_out += '"';
  }

  void write_array(const base::Json& value, int depth) {
    m_out += '[';
    bool first = true;
    for (const auto& element : value) {
      if (!std::exchange(first, false)) {
        m_out += ',';
      }
      write(element, depth + 1);
    }
    m_out += ']';
  }

  // The object's map is ordered by std::string, which compares bytes as unsigned: that is the order of code
  // points.
  void write_object(const base::Json& value, int depth) {
    m_out += '{';
    bool first = true;
    for (const auto& [key, element] : value.items()) {
      if (!std::exchange(first, false)) {
        m_out += ',';
      }
      write_string(key);
      m_out += ':';
      write(element, depth + 1);
    }
    m_out += '}';
  }

  std::string m_out;
};

}  // namespace

std::string canonical_json(const base::Json& value) {
  return Encoder().encode(value);
}

base::Digest canonical_sha256(const base::Json& value) {
  return base::sha256(canonical_json(value));
}

}  // namespace airlock::trust
