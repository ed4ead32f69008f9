#include "model/flat_json.hpp"

#include <array>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::model {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::uint64_t k_largest_number = (std::uint64_t{1} << 53) - 1;

void append_utf8(std::string& out, std::uint32_t code) {
  const auto byte = [&](std::uint32_t value) { out.push_back(static_cast<char>(value)); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | (code >> 6));
    byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | (code >> 12));
    byte(0x80 | ((code >> 6) & 0x3F));
    byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | (code >> 18));
    byte(0x80 | ((code >> 12) & 0x3F));
    byte(0x80 | ((code >> 6) & 0x3F));
    byte(0x80 | (code & 0x3F));
  }
}

}  // namespace

FlatJsonReader::FlatJsonReader(std::string_view text, std::string_view where) : m_text(text), m_where(where) {
  skip_space();
  expect('{');
}

void FlatJsonReader::fail(std::string_view why) const {
  throw Error(ErrorCode::malformed, fmt::format("{}: {}", m_where, why));
}

void FlatJsonReader::skip_space() {
  while (m_at < m_text.size() && (m_text[m_at] == ' ' || m_text[m_at] == '\t' || m_text[m_at] == '\r')) {
    ++m_at;
  }
}

void FlatJsonReader::expect(char c) {
  if (m_at >= m_text.size() || m_text[m_at] != c) {
    fail(fmt::format("not a JSON object of one level: '{}' is missing at byte {}", c, m_at + 1));
  }
  ++m_at;
}

bool FlatJsonReader::next(std::string_view& name) {
  skip_space();
  if (m_at < m_text.size() && m_text[m_at] == '}') {
    ++m_at;
    skip_space();
    if (m_at != m_text.size()) {
      fail("something follows the JSON object");
    }
    return false;
  }
  if (!m_first) {
    expect(',');
    skip_space();
  }
  m_first = false;
  expect('"');
  const std::size_t end = m_text.find('"', m_at);
  if (end == std::string_view::npos) {
    fail("a member's name does not end");
  }
  name = m_text.substr(m_at, end - m_at);
  if (name.find('\\') != std::string_view::npos) {
    fail("a member's name holds an escape");
  }
  m_at = end + 1;
  skip_space();
  expect(':');
  skip_space();
  return true;
}

unsigned FlatJsonReader::hex4() {
  if (m_text.size() - m_at < 4) {
    fail("a string ends inside an escape");
  }
  unsigned value = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = m_text[m_at++];
    unsigned digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<unsigned>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<unsigned>(c - 'A') + 10;
    } else {
      fail("a string holds a bad escape");
    }
    value = value * 16 + digit;
  }
  return value;
}

void FlatJsonReader::append_escape(std::string& out) {
  if (m_at >= m_text.size()) {
    fail("a string does not end");
  }
  switch (const char c = m_text[m_at++]) {
  case '"':
  case '\\':
  case '/':
    out.push_back(c);
    return;
  case 'b':
    out.push_back('\b');
    return;
  case 'f':
    out.push_back('\f');
    return;
  case 'n':
    out.push_back('\n');
    return;
  case 'r':
    out.push_back('\r');
    return;
  case 't':
    out.push_back('\t');
    return;
  case 'u':
    break;
  default:
    fail("a string holds a bad escape");
  }
  std::uint32_t code = hex4();
  if (code == 0) {
    fail("a string holds a NUL");
  }
  if (code >= 0xD800 && code < 0xDC00) {
    if (!m_text.substr(m_at).starts_with("\\u")) {
      fail("a string holds half of a surrogate pair");
    }
    m_at += 2;
    const std::uint32_t low = hex4();
    if (low < 0xDC00 || low > 0xDFFF) {
      fail("a string holds half of a surrogate pair");
    }
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  } else if (code >= 0xDC00 && code <= 0xDFFF) {
    fail("a string holds half of a surrogate pair");
  }
  append_utf8(out, code);
}

std::string FlatJsonReader::string_value() {
  expect('"');
  std::string out;
  bool ascii = true;
  for (;;) {
    const std::size_t start = m_at;
    while (m_at < m_text.size() && m_text[m_at] != '"' && m_text[m_at] != '\\') {
      const auto byte = static_cast<unsigned char>(m_text[m_at]);
      if (byte < 0x20) {
        fail("a string holds a control character");
      }
      ascii = ascii && byte < 0x80;
      ++m_at;
    }
    out.append(m_text, start, m_at - start);
    if (m_at >= m_text.size()) {
      fail("a string does not end");
    }
    if (m_text[m_at++] == '"') {
      break;
    }
    append_escape(out);
  }
  if (!ascii && !base::is_valid_utf8(out)) {
    fail("a string is not valid UTF-8");
  }
  return out;
}

std::uint64_t FlatJsonReader::number_value() {
  const std::size_t start = m_at;
  std::uint64_t value = 0;
  while (m_at < m_text.size() && m_text[m_at] >= '0' && m_text[m_at] <= '9') {
    value = value * 10 + static_cast<std::uint64_t>(m_text[m_at] - '0');
    if (value > k_largest_number) {
      fail("a number is too large");
    }
    ++m_at;
  }
  if (m_at == start || (m_text[start] == '0' && m_at - start > 1)) {
    fail(fmt::format("a plain number is missing at byte {}", start + 1));
  }
  return value;
}

void append_json_string(std::string& out, std::string_view text) {
  static constexpr std::array<char, 16> digits{'0', '1', '2', '3', '4', '5', '6', '7',
                                               '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};
  out.push_back('"');
  for (const char c : text) {
    switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\b':
      out += "\\b";
      break;
    case '\f':
      out += "\\f";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      if (const auto byte = static_cast<unsigned char>(c); byte < 0x20) {
        out += "\\u00";
        out.push_back(digits[byte >> 4]);
        out.push_back(digits[byte & 15]);
      } else {
        out.push_back(c);
      }
    }
  }
  out.push_back('"');
}

}  // namespace airlock::model
