#include "ecosystem/npm/packument_index.hpp"

#include <cstring>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/json.hpp"

namespace airlock::ecosystem::npm {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_member_limit = 100'000;
constexpr std::size_t k_depth_limit = 64;
constexpr std::size_t k_short_limit = 4096;  // bytes of a name, a tag, a version, a time

class Scanner {
 public:
  Scanner(std::string_view text, std::string_view what) : m_text(text), m_what(what) {}

  [[noreturn]] void fail(std::string_view reason) const {
    throw Error(ErrorCode::malformed,
                fmt::format("{} is no document of a registry: {} at byte {}", m_what, reason, m_at));
  }

  void skip_space() {
    while (m_at < m_text.size() && std::strchr(" \t\r\n", m_text[m_at]) != nullptr && m_text[m_at] != '\0') {
      ++m_at;
    }
  }
  char peek() {
    skip_space();
    if (m_at == m_text.size()) {
      fail("it ends too early");
    }
    return m_text[m_at];
  }
  bool take(char c) {
    if (peek() != c) {
      return false;
    }
    ++m_at;
    return true;
  }
  void expect(char c) {
    if (!take(c)) {
      fail(fmt::format("'{}' is missing", c));
    }
  }
  bool at_end() {
    skip_space();
    return m_at == m_text.size();
  }
  std::size_t position() const { return m_at; }

  // A string with its quotes.
  std::string_view raw_string() {
    if (peek() != '"') {
      fail("a string is missing");
    }
    const std::size_t begin = m_at++;
    while (m_at < m_text.size() && m_text[m_at] != '"') {
      m_at += m_text[m_at] == '\\' ? std::size_t{2} : 1;
    }
    if (m_at >= m_text.size()) {
      m_at = m_text.size();
      fail("it ends within a string");
    }
    ++m_at;
    return m_text.substr(begin, m_at - begin);
  }

  std::string string() {
    const std::string_view raw = raw_string();
    if (raw.size() > k_short_limit) {
      throw Error(ErrorCode::limit, fmt::format("{} has a name of {} bytes", m_what, raw.size()));
    }
    return base::parse_json(raw, m_what).get<std::string>();
  }

  // Passes over one value of any kind. Only brackets and strings are looked at.
  void skip_value() {
    std::string closing;
    do {
      const char c = peek();
      if (c == '"') {
        raw_string();
      } else if (c == '{' || c == '[') {
        if (closing.size() == k_depth_limit) {
          throw Error(ErrorCode::limit, fmt::format("{} is nested deeper than {}", m_what, k_depth_limit));
        }
        closing += c == '{' ? '}' : ']';
        ++m_at;
      } else if (c == '}' || c == ']') {
        if (closing.empty() || closing.back() != c) {
          fail("brackets do not match");
        }
        closing.pop_back();
        ++m_at;
      } else if (c == ',' || c == ':') {
        if (closing.empty()) {
          fail("a value is missing");
        }
        ++m_at;
      } else {
        skip_word();
      }
    } while (!closing.empty());
  }

  template <typename Member>
  void object(Member&& member) {
    expect('{');
    if (take('}')) {
      return;
    }
    std::size_t members = 0;
    do {
      if (++members > k_member_limit) {
        throw Error(ErrorCode::limit, fmt::format("{} has more than {} members", m_what, k_member_limit));
      }
      const std::string key = string();
      expect(':');
      member(key);
    } while (take(','));
    expect('}');
  }

  // The object's members that are strings.
  std::map<std::string, std::string> strings() {
    std::map<std::string, std::string> result;
    if (peek() != '{') {
      skip_value();
      return result;
    }
    object([&](const std::string& key) {
      if (peek() == '"') {
        result.insert_or_assign(key, string());
      } else {
        skip_value();
      }
    });
    return result;
  }

 private:
  void skip_word() {  // a number, true, false, null
    const std::size_t begin = m_at;
    while (m_at < m_text.size() && std::strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", m_text[m_at]) != nullptr &&
           m_text[m_at] != '\0') {
      ++m_at;
    }
    if (m_at == begin) {
      fail("this is no JSON");
    }
  }

  std::string_view m_text;
  std::string_view m_what;
  std::size_t m_at = 0;
};

}  // namespace

PackumentIndex index_packument(std::string_view text, std::string_view what) {
  Scanner scanner(text, what);
  PackumentIndex index;
  scanner.object([&](const std::string& key) {
    if (key == "name" && scanner.peek() == '"') {
      index.name = scanner.string();
    } else if (key == "dist-tags") {
      index.dist_tags = scanner.strings();
    } else if (key == "time") {
      index.times = scanner.strings();
    } else if (key == "versions" && scanner.peek() == '{') {
      scanner.object([&](const std::string& version) {
        scanner.peek();
        const std::size_t begin = scanner.position();
        scanner.skip_value();
        index.versions[version] = {.begin = begin, .end = scanner.position()};
      });
    } else {
      scanner.skip_value();
    }
  });
  if (!scanner.at_end()) {
    scanner.fail("something follows its end");
  }
  return index;
}

}  // namespace airlock::ecosystem::npm
