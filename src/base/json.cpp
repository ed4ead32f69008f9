#include "base/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::base {

namespace {

constexpr std::int64_t k_largest_number = 9007199254740991;  // 2^53 - 1, where JSON readers stop to agree

void skip_past(std::string_view& text, std::string_view prefix, std::string_view end) {
  const auto found = text.find(end);
  if (text.starts_with(prefix) && found != std::string_view::npos) {
    text.remove_prefix(found + end.size());
  }
}

// The library's text without its identifier and without the line and column, which are told in our own form.
std::string_view reason_of(std::string_view what) {
  skip_past(what, "[json.exception.", "] ");
  skip_past(what, "parse error at ", ": ");
  return what;
}

// Builds the tree itself, because the limits must hold before something is built and not after.
class Builder : public nlohmann::json_sax<Json> {
 public:
  Builder(std::string_view text, std::string_view name, const JsonLimits& limits, Numbers numbers)
      : m_text(text), m_name(name), m_limits(limits), m_numbers(numbers) {}

  Json take() { return std::move(m_root); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }

  bool number_integer(number_integer_t value) override {
    if (value < -k_largest_number) {
      refuse("has a number that is too small to be exact");
    }
    return add(value);
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<std::uint64_t>(k_largest_number)) {
      refuse("has a number that is too large to be exact");
    }
    return add(value);
  }

  bool number_float(number_float_t value, const string_t& text) override {
    if (m_numbers == Numbers::integers) {
      refuse("has the number " + printable(text, 40) + " where only whole numbers may stand");
    }
    if (!(std::fabs(value) <= static_cast<double>(k_largest_number))) {
      refuse("has the number " + printable(text, 40) + ", which is out of range");
    }
    return add(value);
  }

  bool string(string_t& value) override {
    check_string(value);
    return add(std::move(value));
  }

  bool binary(binary_t&) override { return false; }

  bool start_object(std::size_t) override { return open(Json::object()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }

  bool key(string_t& value) override {
    check_string(value);
    Json& object = *m_open.back();
    check_room(object);
    auto [place, added] = object.get_ref<Json::object_t&>().try_emplace(std::move(value));
    if (!added) {
      refuse("has the member '" + printable(place->first, 100) + "' twice");
    }
    m_slot = &place->second;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    fail(ErrorCode::malformed, fmt::format("{} is not valid JSON: {}", m_name, printable(reason_of(error.what()))),
         position);
  }

 private:
  [[noreturn]] void refuse(std::string_view defect) const {
    throw Error(ErrorCode::malformed, fmt::format("{} {}", m_name, defect));
  }

  [[noreturn]] void fail(ErrorCode code, std::string message, std::size_t position) const {
    // The library counts the character that it stopped at.
    const auto before = m_text.substr(0, std::min(position > 0 ? position - 1 : 0, m_text.size()));
    const auto line = std::ranges::count(before, '\n') + 1;
    const auto column = before.size() - (before.rfind('\n') + 1) + 1;
    throw Error(code, std::move(message))
        .at({.file = std::string(m_name), .line = static_cast<int>(line), .column = static_cast<int>(column)});
  }

  void check_string(const std::string& value) const {
    if (value.find('\0') != std::string::npos) {
      refuse("has a NUL in a string");
    }
  }

  void check_room(const Json& container) const {
    if (container.size() >= m_limits.members) {
      throw Error(ErrorCode::limit,
                  fmt::format("{} has an object or array with more than {} members", m_name, m_limits.members));
    }
  }

  Json* place(Json value) {
    if (m_values++ == m_limits.values) {
      throw Error(ErrorCode::limit, fmt::format("{} has more than {} values", m_name, m_limits.values));
    }
    if (m_open.empty()) {
      m_root = std::move(value);
      return &m_root;
    }
    Json& parent = *m_open.back();
    if (parent.is_object()) {
      *m_slot = std::move(value);
      return m_slot;
    }
    check_room(parent);
    auto& items = parent.get_ref<Json::array_t&>();
    items.push_back(std::move(value));
    return &items.back();
  }

  template <typename Value>
  bool add(Value&& value) {
    place(Json(std::forward<Value>(value)));
    return true;
  }

  bool open(Json container) {
    if (m_open.size() >= m_limits.depth) {
      throw Error(ErrorCode::limit, fmt::format("{} is nested deeper than {} levels", m_name, m_limits.depth));
    }
    m_open.push_back(place(std::move(container)));
    return true;
  }

  bool close() {
    m_open.pop_back();
    return true;
  }

  std::string_view m_text;
  std::string_view m_name;
  JsonLimits m_limits;
  Numbers m_numbers;
  Json m_root;
  std::size_t m_values = 0;   // built so far
  std::vector<Json*> m_open;  // a container grows only while it is the last here, so that these stay valid
  Json* m_slot = nullptr;     // of the member whose key was read last
};

Error wrong_shape(std::string_view name, std::string_view key, std::string_view wanted) {
  return Error(ErrorCode::malformed, fmt::format("the member '{}' of {} is not {}", key, name, wanted));
}

std::string read_string(const Json& value, std::string_view key, std::string_view name) {
  if (!value.is_string()) {
    throw wrong_shape(name, key, "a string");
  }
  return value.get_ref<const std::string&>();
}

const Json* find_member(const Json& object, std::string_view key, std::string_view name) {
  if (!object.is_object()) {
    throw Error(ErrorCode::malformed, fmt::format("{} is not an object", name));
  }
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

}  // namespace

Json parse_json(std::string_view text, std::string_view name, const JsonLimits& limits, Numbers numbers) {
  if (text.size() > limits.bytes) {
    throw Error(ErrorCode::limit, fmt::format("{} has more than {} bytes", name, limits.bytes));
  }
  // The library skips the one and takes the other for the end of the text.
  if (text.starts_with("\xEF\xBB\xBF")) {
    throw Error(ErrorCode::malformed, fmt::format("{} begins with a byte order mark", name));
  }
  if (text.find('\0') != std::string_view::npos) {
    throw Error(ErrorCode::malformed, fmt::format("{} has a NUL byte", name));
  }
  Builder builder(text, name, limits, numbers);
  Json::sax_parse(text.data(), text.data() + text.size(), &builder);
  return builder.take();
}

const Json& member(const Json& object, std::string_view key, std::string_view name) {
  const Json* const found = find_member(object, key, name);
  if (found == nullptr) {
    throw Error(ErrorCode::malformed, fmt::format("{} has no member '{}'", name, key));
  }
  return *found;
}

std::string string_member(const Json& object, std::string_view key, std::string_view name) {
  return read_string(member(object, key, name), key, name);
}

std::uint64_t uint_member(const Json& object, std::string_view key, std::string_view name) {
  const Json& value = member(object, key, name);
  // A number made in code rather than parsed may be signed.
  if (value.is_number_unsigned()) {
    return value.get<std::uint64_t>();
  }
  if (value.is_number_integer() && value.get<std::int64_t>() >= 0) {
    return static_cast<std::uint64_t>(value.get<std::int64_t>());
  }
  throw wrong_shape(name, key, "a whole number from 0");
}

std::string string_member_or(const Json& object, std::string_view key, std::string fallback, std::string_view name) {
  const Json* const found = find_member(object, key, name);
  return found == nullptr || found->is_null() ? std::move(fallback) : read_string(*found, key, name);
}

std::string to_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace airlock::base
