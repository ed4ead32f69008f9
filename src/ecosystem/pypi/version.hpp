// Versions of Python packages and which of them a specifier means (PEP 440; the Version specifiers page of the PyPA).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace airlock::ecosystem::pypi {

class Version {
 public:
  // Any spelling that the specification accepts ("v1.0-Alpha.1"); nullopt for others, for texts that are longer than
  // 256 bytes as they are or normalised, and for numbers beyond 18 digits.
  static std::optional<Version> parse(std::string_view text);

  std::string to_string() const;  // normalised: "1.0a1"
  bool is_prerelease() const { return m_pre.has_value() || m_dev.has_value(); }
  bool is_postrelease() const { return m_post.has_value(); }
  bool is_development() const { return m_dev.has_value(); }
  bool has_local() const { return !m_local.empty(); }
  Version without_local() const;
  Version base() const;               // epoch and release alone
  Version without_suffix() const;     // that, and the pre-release
  Version first_development() const;  // ".dev0" of it
  std::uint64_t epoch() const { return m_epoch; }
  const std::vector<std::uint64_t>& release() const { return m_release; }

  std::strong_ordering operator<=>(const Version& other) const;
  bool operator==(const Version& other) const { return (*this <=> other) == 0; }

 private:
  struct Pre {
    char letter = 'a';  // a, b or r (rc)
    std::uint64_t number = 0;
    auto operator<=>(const Pre&) const = default;
  };
  struct LocalPart {
    bool is_number = false;
    std::uint64_t number = 0;
    std::string text;
    auto operator<=>(const LocalPart&) const = default;  // a word comes before every number
  };
  std::uint64_t m_epoch = 0;
  std::vector<std::uint64_t> m_release;
  std::optional<Pre> m_pre;
  std::optional<std::uint64_t> m_post, m_dev;
  std::vector<LocalPart> m_local;
};

// One clause: ">=1.2", "==1.*", "~=2.1", "===odd".
class Specifier {
 public:
  static std::optional<Specifier> parse(std::string_view text);  // nullopt where the specification refuses it

  // Pre-releases count like others here; whether they are wanted is the set's affair.
  bool contains(const Version& version, std::string_view text) const;
  bool names_prerelease() const;  // "mentions" one, which lets pre-releases in
  bool is_pin() const;            // "==" without ".*", or "==="
  std::string to_string() const { return m_operator + m_text; }

 private:
  std::string m_operator;
  std::string m_text;  // as given, without ".*"
  bool m_prefix = false;
  std::optional<Version> m_version;  // none for "==="
};

// Clauses joined by commas; an empty set takes everything.
class SpecifierSet {
 public:
  static std::optional<SpecifierSet> parse(std::string_view text);
  static SpecifierSet exactly(const Version& version);

  bool contains(const Version& version, std::string_view text) const;
  bool names_prerelease() const;
  bool is_pin() const;
  bool empty() const { return m_clauses.empty(); }
  void add(const SpecifierSet& other);
  std::string to_string() const;

 private:
  std::vector<Specifier> m_clauses;
};

}  // namespace airlock::ecosystem::pypi
