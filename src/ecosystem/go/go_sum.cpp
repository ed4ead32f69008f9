#include "ecosystem/go/go_sum.hpp"

#include <array>
#include <map>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/go/dirhash.hpp"

namespace airlock::ecosystem::go {

using base::Error;
using base::ErrorCode;

namespace {

constexpr int k_most_lines = 1'000'000;
constexpr std::string_view k_mod_suffix = "/go.mod";

// Splits at spaces and tabs; nullopt unless there are three words.
std::optional<std::array<std::string_view, 3>> three_words(std::string_view line) {
  std::array<std::string_view, 3> words;
  std::size_t count = 0;
  while (!line.empty()) {
    const std::size_t start = line.find_first_not_of(" \t\r");
    if (start == std::string_view::npos) {
      break;
    }
    line.remove_prefix(start);
    const std::string_view word = line.substr(0, line.find_first_of(" \t\r"));
    if (count == words.size()) {
      return std::nullopt;
    }
    words[count++] = word;
    line.remove_prefix(word.size());
  }
  return count == words.size() ? std::optional(words) : std::nullopt;
}

}  // namespace

void GoSum::add(std::string_view text, const std::string& name) {
  int number = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const auto fail = [&](ErrorCode code, std::string message) {
      throw Error(code, std::move(message)).at({.file = name, .line = number, .column = 0});
    };
    if (++number > k_most_lines) {
      fail(ErrorCode::limit, fmt::format("more than {} lines", k_most_lines));
    }
    if (base::trim(line).empty()) {
      continue;
    }
    const auto words = three_words(line);
    if (!words) {
      fail(ErrorCode::malformed, "a line that is not 'module version hash'");
    }
    auto [path, version, hash] = *words;
    const bool is_mod = version.ends_with(k_mod_suffix);
    if (is_mod) {
      version.remove_suffix(k_mod_suffix.size());
    }
    Module module{.path = std::string(path), .version = std::string(version)};
    if (const auto problem = module_problem(module)) {
      fail(ErrorCode::malformed, fmt::format("'{}' has {}", base::printable(module.to_string(), 200), *problem));
    }
    if (!hash.starts_with("h1:")) {
      continue;
    }
    if (!is_h1(hash)) {
      fail(ErrorCode::malformed, fmt::format("'{}' is no hash", base::printable(hash, 100)));
    }
    ModuleSums& sums = m_sums[module];
    std::string& known = is_mod ? sums.mod : sums.zip;
    if (!known.empty() && known != hash) {
      fail(ErrorCode::conflict,
           fmt::format("{}{} has two hashes: {} and {}", module.to_string(), is_mod ? k_mod_suffix : "", known, hash));
    }
    known = hash;
  }
}

const ModuleSums* GoSum::find(const Module& module) const {
  const auto found = m_sums.find(module);
  return found == m_sums.end() ? nullptr : &found->second;
}

std::string hash_of_go_mod(std::string_view content) {
  return dirhash({{"go.mod", base::sha256(content)}});
}

}  // namespace airlock::ecosystem::go
