#include "ecosystem/pypi/version.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"

namespace airlock::ecosystem::pypi {

namespace {

constexpr std::size_t k_longest_version = 256;  // bytes
constexpr std::size_t k_most_digits = 18;       // fits 64 bits
constexpr std::size_t k_most_parts = 64;

bool is_separator(char c) {
  return c == '.' || c == '-' || c == '_';
}

// Takes parts from the front of a lower-case text; what does not match is left.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : m_left(text) {}
  bool at_end() const { return m_left.empty(); }
  char peek() const { return m_left.empty() ? '\0' : m_left.front(); }
  std::string_view left() const { return m_left; }
  void reset(std::string_view left) { m_left = left; }
  bool take(char c) {
    if (peek() != c) {
      return false;
    }
    m_left.remove_prefix(1);
    return true;
  }
  bool take(std::string_view word) {
    if (!m_left.starts_with(word)) {
      return false;
    }
    m_left.remove_prefix(word.size());
    return true;
  }
  void take_separator() {
    if (is_separator(peek())) {
      m_left.remove_prefix(1);
    }
  }
  std::optional<std::uint64_t> number() {
    std::size_t length = 0;
    while (length < m_left.size() && base::is_digit(m_left[length])) {
      ++length;
    }
    std::string_view digits = m_left.substr(0, length);
    while (digits.size() > 1 && digits.front() == '0') {
      digits.remove_prefix(1);
    }
    if (length == 0 || digits.size() > k_most_digits) {
      return std::nullopt;
    }
    std::uint64_t value = 0;
    for (const char c : digits) {
      value = value * 10 + static_cast<std::uint64_t>(c - '0');
    }
    m_left.remove_prefix(length);
    return value;
  }

 private:
  std::string_view m_left;
};

// "-alpha.1" and its spellings: a separator, one of the words, a separator, a number that may be missing. False where
// the number is too long.
template <typename Words>
const typename Words::value_type* take_phase(Cursor& cursor, const Words& words, std::uint64_t& number) {
  const std::string_view before = cursor.left();
  cursor.take_separator();
  for (const auto& word : words) {
    if (!cursor.take(word.first)) {
      continue;
    }
    const std::string_view after = cursor.left();
    cursor.take_separator();
    number = 0;
    if (base::is_digit(cursor.peek())) {
      if (const auto value = cursor.number()) {
        number = *value;
      }
    } else {
      cursor.reset(after);  // the separator belongs to what follows
    }
    return &word;
  }
  cursor.reset(before);
  return nullptr;
}

std::strong_ordering compare_releases(std::vector<std::uint64_t> a, std::vector<std::uint64_t> b) {
  const std::size_t length = std::max(a.size(), b.size());
  a.resize(length);
  b.resize(length);
  return a <=> b;
}

}  // namespace

std::optional<Version> Version::parse(std::string_view text) {
  text = base::trim(text);
  if (text.empty() || text.size() > k_longest_version) {
    return std::nullopt;
  }
  const std::string lower = base::to_lower(text);
  Cursor cursor(lower);
  cursor.take('v');
  Version version;
  auto first = cursor.number();
  if (!first) {
    return std::nullopt;
  }
  if (cursor.take('!')) {
    version.m_epoch = *first;
    first = cursor.number();
    if (!first) {
      return std::nullopt;
    }
  }
  version.m_release.push_back(*first);
  while (cursor.peek() == '.') {
    const std::string_view before = cursor.left();
    cursor.take('.');
    const auto next = cursor.number();
    if (!next) {
      cursor.reset(before);
      break;
    }
    version.m_release.push_back(*next);
    if (version.m_release.size() > k_most_parts) {
      return std::nullopt;
    }
  }
  using Words = std::vector<std::pair<std::string_view, char>>;
  static const Words pre = {{"alpha", 'a'},   {"a", 'a'},   {"beta", 'b'}, {"b", 'b'},
                            {"preview", 'r'}, {"pre", 'r'}, {"rc", 'r'},   {"c", 'r'}};
  static const Words post = {{"post", 'p'}, {"rev", 'p'}, {"r", 'p'}};
  static const Words dev = {{"dev", 'd'}};
  std::uint64_t number = 0;
  if (const auto* word = take_phase(cursor, pre, number)) {
    version.m_pre = Pre{word->second, number};
  }
  if (const std::string_view left = cursor.left(); left.size() > 1 && left[0] == '-' && base::is_digit(left[1])) {
    cursor.take('-');
    version.m_post = cursor.number();
    if (!version.m_post) {
      return std::nullopt;
    }
  } else if (take_phase(cursor, post, number) != nullptr) {
    version.m_post = number;
  }
  if (take_phase(cursor, dev, number) != nullptr) {
    version.m_dev = number;
  }
  if (cursor.take('+')) {
    std::string rest(cursor.left());
    std::replace_if(rest.begin(), rest.end(), is_separator, '.');
    for (const std::string& part : base::split(rest, '.')) {
      const bool plain = !part.empty() && std::all_of(part.begin(), part.end(),
                                                      [](char c) { return base::is_digit(c) || base::is_lower(c); });
      if (!plain || version.m_local.size() >= k_most_parts) {
        return std::nullopt;
      }
      if (std::all_of(part.begin(), part.end(), base::is_digit)) {
        const auto value = Cursor(part).number();
        if (!value) {
          return std::nullopt;
        }
        version.m_local.push_back({.is_number = true, .number = *value, .text = {}});
      } else {
        version.m_local.push_back({.is_number = false, .number = 0, .text = part});
      }
    }
  } else if (!cursor.at_end()) {
    return std::nullopt;
  }
  // The normal form may be a little longer than the text, as "1a0" is than "1a".
  if (text.size() > k_longest_version / 2 && version.to_string().size() > k_longest_version) {
    return std::nullopt;
  }
  return version;
}

std::string Version::to_string() const {
  std::string text = m_epoch == 0 ? "" : fmt::format("{}!", m_epoch);
  for (std::size_t i = 0; i < m_release.size(); ++i) {
    text += fmt::format("{}{}", i == 0 ? "" : ".", m_release[i]);
  }
  if (m_pre) {
    text += fmt::format("{}{}", m_pre->letter == 'r' ? "rc" : std::string(1, m_pre->letter), m_pre->number);
  }
  if (m_post) {
    text += fmt::format(".post{}", *m_post);
  }
  if (m_dev) {
    text += fmt::format(".dev{}", *m_dev);
  }
  for (std::size_t i = 0; i < m_local.size(); ++i) {
    text += i == 0 ? '+' : '.';
    text += m_local[i].is_number ? fmt::format("{}", m_local[i].number) : m_local[i].text;
  }
  return text;
}

Version Version::without_local() const {
  Version copy = *this;
  copy.m_local.clear();
  return copy;
}

Version Version::without_suffix() const {
  Version copy = base();
  copy.m_pre = m_pre;
  return copy;
}

Version Version::first_development() const {
  Version copy = without_local();
  copy.m_dev = 0;
  return copy;
}

Version Version::base() const {
  Version copy;
  copy.m_epoch = m_epoch;
  copy.m_release = m_release;
  return copy;
}

std::strong_ordering Version::operator<=>(const Version& other) const {
  if (const auto order = m_epoch <=> other.m_epoch; order != 0) {
    return order;
  }
  if (const auto order = compare_releases(m_release, other.m_release); order != 0) {
    return order;
  }
  // Before every pre-release stands a development release of the final one; after them the final release itself.
  const auto pre_key = [](const Version& v) {
    const int place = v.m_pre ? 1 : (!v.m_post && v.m_dev ? 0 : 2);
    return std::pair(place, v.m_pre.value_or(Pre{}));
  };
  if (const auto order = pre_key(*this) <=> pre_key(other); order != 0) {
    return order;
  }
  if (const auto order = m_post <=> other.m_post; order != 0) {  // none is least
    return order;
  }
  const auto dev_key = [](const Version& v) { return std::pair(v.m_dev ? 0 : 1, v.m_dev.value_or(0)); };
  if (const auto order = dev_key(*this) <=> dev_key(other); order != 0) {
    return order;
  }
  return m_local <=> other.m_local;
}

std::optional<Specifier> Specifier::parse(std::string_view text) {
  text = base::trim(text);
  Specifier specifier;
  for (const std::string_view candidate : {"===", "~=", "==", "!=", "<=", ">=", "<", ">"}) {
    if (text.starts_with(candidate)) {
      specifier.m_operator = candidate;
      break;
    }
  }
  if (specifier.m_operator.empty()) {
    return std::nullopt;
  }
  std::string_view version = base::trim(text.substr(specifier.m_operator.size()));
  specifier.m_text = version;
  if (specifier.m_operator == "===") {
    const bool odd = version.find_first_of(" \t\n\r;)") != std::string_view::npos;
    return version.empty() || version.size() > k_longest_version || odd ? std::nullopt : std::optional(specifier);
  }
  const bool equality = specifier.m_operator == "==" || specifier.m_operator == "!=";
  if (version.ends_with(".*")) {
    specifier.m_prefix = true;
    version.remove_suffix(2);
  }
  specifier.m_version = Version::parse(version);
  if (!specifier.m_version || (specifier.m_prefix && !equality) ||
      (specifier.m_version->has_local() && (!equality || specifier.m_prefix)) ||
      (specifier.m_operator == "~=" && specifier.m_version->release().size() < 2)) {
    return std::nullopt;
  }
  if (specifier.m_prefix && *specifier.m_version != specifier.m_version->base()) {
    return std::nullopt;
  }
  return specifier;
}

namespace {

// "1.2.*": the same epoch, and a release that begins so, missing parts counted as zeros.
bool has_prefix(const Version& version, std::uint64_t epoch, const std::vector<std::uint64_t>& prefix) {
  std::vector<std::uint64_t> release = version.release();
  release.resize(std::max(release.size(), prefix.size()));
  return version.epoch() == epoch && std::equal(prefix.begin(), prefix.end(), release.begin());
}

}  // namespace

bool Specifier::contains(const Version& version, std::string_view text) const {
  if (m_operator == "===") {
    return base::to_lower(base::trim(text)) == base::to_lower(m_text);
  }
  const Version& own = *m_version;
  const auto equal = [&] {
    if (m_prefix) {
      return has_prefix(version, own.epoch(), own.release());
    }
    return (own.has_local() ? version : version.without_local()) == own;
  };
  if (m_operator == "==") {
    return equal();
  }
  if (m_operator == "!=") {
    return !equal();
  }
  if (m_operator == "<=") {
    return version.without_local() <= own;
  }
  if (m_operator == ">=") {
    return version.without_local() >= own;
  }
  if (m_operator == "~=") {
    std::vector<std::uint64_t> prefix = own.release();
    prefix.pop_back();
    return version.without_local() >= own && has_prefix(version, own.epoch(), prefix);
  }
  if (m_operator == "<") {
    // No pre-release of the version itself, which begin at its ".dev0".
    return version < (own.is_prerelease() ? own : own.first_development());
  }
  // No local form of the version itself, and no post-release of it.
  const bool is_post_of_own =
      version.is_postrelease() && !own.is_postrelease() && version.without_suffix() == own.without_suffix();
  return version.without_local() > own && !(is_post_of_own && !own.is_development());
}

bool Specifier::names_prerelease() const {
  return m_operator == "===" ? [&] { const auto v = Version::parse(m_text); return v && v->is_prerelease(); }()
                             : m_operator != "!=" && m_version->is_prerelease();
}

bool Specifier::is_pin() const {
  return m_operator == "===" || (m_operator == "==" && !m_prefix);
}

std::optional<SpecifierSet> SpecifierSet::parse(std::string_view text) {
  SpecifierSet set;
  for (const std::string& part : base::split(text, ',')) {
    if (base::trim(part).empty()) {
      continue;
    }
    auto clause = Specifier::parse(part);
    if (!clause || set.m_clauses.size() >= k_longest_version) {
      return std::nullopt;
    }
    set.m_clauses.push_back(std::move(*clause));
  }
  return set;
}

SpecifierSet SpecifierSet::exactly(const Version& version) {
  return SpecifierSet::parse("==" + version.to_string()).value_or(SpecifierSet());
}

bool SpecifierSet::contains(const Version& version, std::string_view text) const {
  return std::all_of(m_clauses.begin(), m_clauses.end(),
                     [&](const Specifier& clause) { return clause.contains(version, text); });
}

bool SpecifierSet::names_prerelease() const {
  return std::any_of(m_clauses.begin(), m_clauses.end(), [](const Specifier& c) { return c.names_prerelease(); });
}

bool SpecifierSet::is_pin() const {
  return std::any_of(m_clauses.begin(), m_clauses.end(), [](const Specifier& c) { return c.is_pin(); });
}

void SpecifierSet::add(const SpecifierSet& other) {
  m_clauses.insert(m_clauses.end(), other.m_clauses.begin(), other.m_clauses.end());
}

std::string SpecifierSet::to_string() const {
  std::string text;
  for (const Specifier& clause : m_clauses) {
    text += (text.empty() ? "" : ",") + clause.to_string();
  }
  return text;
}

}  // namespace airlock::ecosystem::pypi
