// A value that must not be printed, logged or left in memory.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace airlock::base {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : m_value(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret(Secret&&) noexcept = default;
  Secret& operator=(const Secret&);
  Secret& operator=(Secret&&) noexcept;
  ~Secret();  // overwrites the bytes

  bool empty() const { return m_value.empty(); }
  const std::string& reveal() const { return m_value; }  // the one way to the value; easy to find in review

 private:
  std::string m_value;
};

bool constant_time_equal(std::string_view a, std::string_view b);
std::string random_bytes(std::size_t count);  // from the OpenSSL generator

}  // namespace airlock::base
