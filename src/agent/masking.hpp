// Secrets out of what a job prints, also where one is cut by the borders of what comes at a time.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.hpp"

namespace airlock::agent {

inline constexpr std::size_t k_shortest_masked = 4;  // bytes; masking less would eat whole logs and hide nothing

// Knows each secret as it is, its lines where it has several, and its base64, URL and JSON forms.
class Masker {
 public:
  void add(const base::Secret& secret);
  // What can be shown of all that came so far: the end is held back while it may be the start of a secret.
  std::string pass(std::string_view text);
  std::string finish();  // the rest
  // Bytes that wait for what follows: fewer than the longest form has, whatever comes.
  std::size_t held() const { return m_held.size(); }
  // Of one complete text.
  std::string mask(std::string_view text) const;

 private:
  void add_form(std::string form);
  std::size_t match_at(std::string_view text) const;  // its length, or 0
  bool may_become_match(std::string_view text) const;
  // Appends what may be shown of `text`, and returns how many bytes of it are done with. `covered`: so many bytes of
  // what is left belong to a masked stretch that is not shown yet; 0 where none is open.
  std::size_t show(std::string_view text, bool is_end, std::size_t& covered, std::string& shown) const;

  std::vector<base::Secret> m_forms;  // longest first
  std::array<bool, 256> m_first{};    // the bytes that one of them begins with
  std::string m_held;
  std::size_t m_covered = 0;  // of what is held
};

}  // namespace airlock::agent
