#include "base/text.hpp"
#include "http/message.hpp"

namespace airlock::http {

namespace {

// RFC 9110, 5.6.2
bool is_token_char(char c) {
  constexpr std::string_view k_others = "!#$%&'*+-.^_`|~";
  return base::is_alphanumeric(c) || k_others.find(c) != std::string_view::npos;
}

class ChallengeReader {
 public:
  explicit ChallengeReader(std::string_view text) : m_text(text) {}

  std::vector<Challenge> read() {
    while (skip_separators()) {
      const std::string_view name = token();
      if (name.empty()) {
        skip_element();
        continue;
      }
      const std::size_t after_name = m_at;
      skip_spaces();
      if (peek() == '=') {
        ++m_at;
        skip_spaces();
        read_parameter(name);
        continue;
      }
      m_at = after_name;
      m_challenges.push_back({base::to_lower(name), {}});
      skip_token68();
    }
    return std::move(m_challenges);
  }

 private:
  bool at_end() const { return m_at >= m_text.size(); }
  char peek() const { return at_end() ? '\0' : m_text[m_at]; }

  void skip_spaces() {
    while (peek() == ' ' || peek() == '\t') {
      ++m_at;
    }
  }

  bool skip_separators() {
    while (peek() == ' ' || peek() == '\t' || peek() == ',') {
      ++m_at;
    }
    return !at_end();
  }

  std::string_view token() {
    const std::size_t start = m_at;
    while (!at_end() && is_token_char(m_text[m_at])) {
      ++m_at;
    }
    return m_text.substr(start, m_at - start);
  }

  void read_parameter(std::string_view name) {
    if (m_challenges.empty()) {
      skip_element();
      return;
    }
    std::string value;
    if (peek() == '"') {
      auto quoted = quoted_string();
      if (!quoted) {
        m_at = m_text.size();  // no closing quote: where the value ends cannot be known
        return;
      }
      value = std::move(*quoted);
    } else {
      value = std::string(token());
      if (value.empty()) {
        skip_element();
        return;
      }
    }
    m_challenges.back().parameters.emplace_back(base::to_lower(name), std::move(value));
  }

  std::optional<std::string> quoted_string() {
    std::string value;
    for (++m_at; !at_end(); ++m_at) {
      if (m_text[m_at] == '"') {
        ++m_at;
        return value;
      }
      if (m_text[m_at] == '\\') {
        ++m_at;
        if (at_end()) {
          break;
        }
      }
      value += m_text[m_at];
    }
    return std::nullopt;
  }

  // To the next comma that does not stand in quotes.
  void skip_element() {
    while (!at_end() && m_text[m_at] != ',') {
      if (m_text[m_at] == '"') {
        if (!quoted_string()) {
          return;
        }
      } else {
        ++m_at;
      }
    }
  }

  // "Negotiate oYGS==": one opaque value in place of parameters, of which nothing is kept.
  void skip_token68() {
    const std::size_t start = m_at;
    skip_spaces();
    while (!at_end() && (is_token_char(m_text[m_at]) || m_text[m_at] == '/')) {
      ++m_at;
    }
    while (peek() == '=') {
      ++m_at;
    }
    skip_spaces();
    if (!at_end() && m_text[m_at] != ',') {
      m_at = start;
    }
  }

  std::string_view m_text;
  std::size_t m_at = 0;
  std::vector<Challenge> m_challenges;
};

}  // namespace

std::optional<std::string> Challenge::parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name) {
      return value;
    }
  }
  return std::nullopt;
}

std::vector<Challenge> parse_challenges(std::string_view field) {
  return ChallengeReader(field).read();
}

}  // namespace airlock::http
