#include "base/secret.hpp"

#include <utility>
#include <vector>

#include "base/cipher.hpp"

namespace airlock::base {

namespace {

// The whole buffer, not only what is in use: a shorter value may have replaced a longer one, and a short
// string that was moved from still holds its bytes.
void wipe(std::string& value) {
  value.resize(value.capacity());
  cleanse(value.data(), value.size());
  value.clear();
}

}  // namespace

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    wipe(m_value);
    m_value = other.m_value;
  }
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe(m_value);
    m_value = std::move(other.m_value);
    wipe(other.m_value);
  }
  return *this;
}

Secret::~Secret() {
  wipe(m_value);
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  return equal_in_constant_time(a, b);
}

std::string random_bytes(std::size_t count) {
  std::vector<std::uint8_t> bytes(count);
  fill_random(bytes);
  return {bytes.begin(), bytes.end()};
}

}  // namespace airlock::base
