#include "ecosystem/terraform/hcl_tokens.hpp"

#include <optional>

#include <fmt/format.h>

#include "base/text.hpp"

namespace airlock::ecosystem::terraform {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_text_limit = 4 * 1024 * 1024;  // bytes
constexpr std::size_t k_token_limit = 1'000'000;
constexpr int k_template_depth = 64;

bool begins_identifier(char c) {
  return base::is_letter(c) || c == '_' || (static_cast<unsigned char>(c) & 0x80U) != 0;
}

class HclLexer {
 public:
  HclLexer(std::string_view text, const std::string& file) : m_text(text), m_file(file) {
    if (text.size() > k_text_limit) {
      throw Error(ErrorCode::limit,
                  fmt::format("'{}' is longer than {}", base::printable(file), base::format_bytes(k_text_limit)));
    }
    if (m_text.starts_with("\xef\xbb\xbf")) {
      m_text.remove_prefix(3);
    }
  }

  std::vector<HclToken> run() {
    while (m_at < m_text.size()) {
      if (m_tokens.size() >= k_token_limit) {
        throw Error(ErrorCode::limit, fmt::format("'{}' has too many tokens", base::printable(m_file)));
      }
      next();
    }
    add(HclToken::Kind::end, "");
    return std::move(m_tokens);
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw Error(ErrorCode::manifest, why).at({.file = m_file, .line = m_line, .column = column()});
  }
  int column() const { return static_cast<int>(m_at - m_line_begin) + 1; }
  char peek(std::size_t ahead = 0) const { return m_at + ahead < m_text.size() ? m_text[m_at + ahead] : '\0'; }
  bool at(std::string_view word) const { return m_text.substr(m_at).starts_with(word); }
  void step() {
    if (m_text[m_at] == '\n') {
      ++m_line;
      m_line_begin = m_at + 1;
    }
    ++m_at;
  }
  void add(HclToken::Kind kind, std::string text) {
    m_tokens.push_back({.kind = kind, .text = std::move(text), .line = m_line, .column = column()});
  }

  void next() {
    const char c = peek();
    if (c == '\n') {
      add(HclToken::Kind::newline, "");
      step();
    } else if (c == ' ' || c == '\t' || c == '\r') {
      step();
    } else if (c == '#' || at("//")) {
      while (m_at < m_text.size() && peek() != '\n') {
        step();
      }
    } else if (at("/*")) {
      skip_comment();
    } else if (c == '"') {
      read_string();
    } else if (at("<<")) {
      read_heredoc();
    } else if (begins_identifier(c)) {
      const std::size_t begin = m_at;
      add(HclToken::Kind::identifier, "");
      while (m_at < m_text.size() && (begins_identifier(peek()) || base::is_digit(peek()) || peek() == '-')) {
        step();
      }
      m_tokens.back().text = m_text.substr(begin, m_at - begin);
    } else if (base::is_digit(c)) {
      add(HclToken::Kind::computed, "");
      while (m_at < m_text.size() && (base::is_digit(peek()) || begins_identifier(peek()) || peek() == '.')) {
        step();
      }
    } else if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) {
      fail("a control character outside of a string");
    } else {
      add(HclToken::Kind::symbol, std::string(1, c));
      step();
    }
  }

  void skip_comment() {
    const auto end = m_text.find("*/", m_at + 2);
    if (end == std::string_view::npos) {
      fail("a comment without an end");
    }
    while (m_at < end + 2) {
      step();
    }
  }

  // A quoted string; what is computed in it may hold strings again.
  void read_string() {
    add(HclToken::Kind::string, "");
    const std::size_t token = m_tokens.size() - 1;
    std::string value;
    if (scan_string(value, 0)) {
      m_tokens[token].kind = HclToken::Kind::computed;
    } else {
      m_tokens[token].text = std::move(value);
    }
  }

  // From the opening quote to behind the closing one; true when something in it is computed.
  bool scan_string(std::string& value, int depth) {
    if (depth > k_template_depth) {
      fail("strings within strings without end");
    }
    bool computed = false;
    step();
    while (true) {
      if (m_at >= m_text.size() || peek() == '\n') {
        fail("a string without an end");
      }
      const char c = peek();
      if (c == '"') {
        step();
        return computed;
      }
      if (at("$${") || at("%%{")) {
        value += m_text.substr(m_at + 1, 2);
        m_at += 3;
      } else if (at("${") || at("%{")) {
        computed = true;
        skip_computed(depth + 1);
      } else if (c == '\\') {
        read_escape(value);
      } else {
        value += c;
        step();
      }
    }
  }

  void read_escape(std::string& value) {
    step();
    const char c = peek();
    constexpr std::string_view plain = "\"\\";
    if (m_at >= m_text.size() || c == '\n') {
      fail("a string without an end");
    }
    value += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : plain.find(c) != std::string_view::npos ? c : '?';
    step();  // of \uNNNN the digits stay as they are: no name that is looked for has any
  }

  void skip_computed(int depth) {
    m_at += 2;
    for (int open = 1; open > 0;) {
      if (m_at >= m_text.size()) {
        fail("an expression in a string without an end");
      }
      const char c = peek();
      if (c == '"') {
        std::string ignored;
        scan_string(ignored, depth);
        continue;
      }
      open += c == '{' ? 1 : c == '}' ? -1 : 0;
      step();
    }
  }

  // <<END or <<-END, up to a line with nothing but END.
  void read_heredoc() {
    std::size_t begin = m_at + 2;
    begin += begin < m_text.size() && m_text[begin] == '-' ? 1U : 0U;
    std::size_t end = begin;
    while (end < m_text.size() &&
           (begins_identifier(m_text[end]) || base::is_digit(m_text[end]) || m_text[end] == '-')) {
      ++end;
    }
    if (end == begin) {  // a comparison
      add(HclToken::Kind::symbol, "<");
      step();
      return;
    }
    const std::string_view marker = m_text.substr(begin, end - begin);
    add(HclToken::Kind::computed, "");
    std::size_t line = m_text.find('\n', end);
    while (line != std::string_view::npos) {
      const std::size_t line_end = std::min(m_text.find('\n', line + 1), m_text.size());
      if (base::trim(m_text.substr(line + 1, line_end - line - 1)) == marker) {
        while (m_at < line_end) {
          step();
        }
        return;
      }
      line = line_end == m_text.size() ? std::string_view::npos : line_end;
    }
    fail("a heredoc without an end");
  }

  std::string_view m_text;
  const std::string& m_file;
  std::size_t m_at = 0;
  std::size_t m_line_begin = 0;
  int m_line = 1;
  std::vector<HclToken> m_tokens;
};

}  // namespace

std::vector<HclToken> hcl_tokens(std::string_view text, const std::string& file) {
  return HclLexer(text, file).run();
}

}  // namespace airlock::ecosystem::terraform
