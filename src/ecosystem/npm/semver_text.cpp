#include "ecosystem/npm/semver_text.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/text.hpp"

namespace airlock::ecosystem::npm {

namespace {

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_identifier(char c) {
  return base::is_alphanumeric(c) || c == '-';
}
bool is_x(std::string_view part) {
  return part.empty() || part == "x" || part == "X" || part == "*";
}

// Digits, or one of x, X, *; empty when there is neither.
std::string take_part(std::string_view& text) {
  std::size_t end = 0;
  while (end < text.size() && base::is_digit(text[end])) {
    ++end;
  }
  if (end == 0 && !text.empty() && is_x(text.substr(0, 1))) {
    end = 1;
  }
  const std::string part(text.substr(0, end));
  text.remove_prefix(end);
  return part;
}

// "id.id.id" to its end; empty when it does not begin with an identifier.
std::string_view take_identifiers(std::string_view& text) {
  std::size_t end = 0;
  while (end < text.size() && is_identifier(text[end])) {
    while (end < text.size() && is_identifier(text[end])) {
      ++end;
    }
    if (end + 1 < text.size() && text[end] == '.' && is_identifier(text[end + 1])) {
      ++end;
    } else {
      break;
    }
  }
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(end);
  return taken;
}

// "-rc.1+build" and nothing else; the hyphen may be missing, and one that nothing follows is an identifier itself.
bool match_tail(std::string_view text, std::string& prerelease) {
  if (text.size() > 1 && text[0] == '-' && is_identifier(text[1])) {
    text.remove_prefix(1);
  }
  prerelease = take_identifiers(text);
  if (!text.empty() && text[0] == '+') {
    text.remove_prefix(1);
    if (take_identifiers(text).empty()) {
      return false;
    }
  }
  return text.empty();
}

// One more than a number; one that has no place in a version stays as it is, and is refused when it is read.
std::string plus_one(const std::string& digits) {
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return failure == std::errc() && end == digits.data() + digits.size() && value < UINT64_MAX
             ? std::to_string(value + 1)
             : digits;
}

std::string without_build(const std::string& comparator) {
  const std::size_t plus = comparator.find('+');
  if (plus == std::string::npos) {
    return comparator;
  }
  std::string_view rest = std::string_view(comparator).substr(plus + 1);
  if (take_identifiers(rest).empty()) {
    return comparator;
  }
  return comparator.substr(0, plus) + std::string(rest);
}

std::string from_to(const PartialVersion& v, const std::string& upper) {
  const auto part = [](const std::string& text) { return is_x(text) ? std::string("0") : text; };
  return fmt::format(">={}.{}.{}{}{} <{}-0", v.major, part(v.minor), is_x(v.minor) ? "0" : part(v.patch),
                     v.prerelease.empty() ? "" : "-", v.prerelease, upper);
}

std::string next_major(const PartialVersion& v) {
  return fmt::format("{}.0.0", plus_one(v.major));
}
std::string next_minor(const PartialVersion& v) {
  return fmt::format("{}.{}.0", v.major, plus_one(v.minor));
}

std::string caret(PartialVersion v) {
  if (is_x(v.major)) {
    return "";
  }
  if (is_x(v.minor) || is_x(v.patch)) {
    v.prerelease.clear();
    return from_to(v, is_x(v.minor) || v.major != "0" ? next_major(v) : next_minor(v));
  }
  if (v.major != "0") {
    return from_to(v, next_major(v));
  }
  return from_to(v, v.minor != "0" ? next_minor(v) : fmt::format("{}.{}.{}", v.major, v.minor, plus_one(v.patch)));
}

std::string tilde(PartialVersion v) {
  if (is_x(v.major)) {
    return "";
  }
  if (is_x(v.minor) || is_x(v.patch)) {
    v.prerelease.clear();
  }
  return from_to(v, is_x(v.minor) ? next_major(v) : next_minor(v));
}

// ">1.x", "1.2", "<=2": what leaves parts open, with an operator or without.
std::string x_range(std::string_view op, PartialVersion v, const std::string& as_written) {
  const bool x_major = is_x(v.major);
  const bool x_minor = x_major || is_x(v.minor);
  const bool x_patch = x_minor || is_x(v.patch);
  if (op == "=" && x_patch) {
    op = "";
  }
  if (x_major) {
    return op == ">" || op == "<" ? "<0.0.0-0" : "";
  }
  v.prerelease.clear();
  if (!op.empty() && x_patch) {
    const std::string minor = x_minor ? "0" : v.minor;
    if (op == ">" || op == "<=") {
      return (op == ">" ? ">=" : "<") + (x_minor ? next_major(v) : next_minor(v)) + (op == ">" ? "" : "-0");
    }
    return fmt::format("{}{}.{}.0{}", op, v.major, minor, op == "<" ? "-0" : "");
  }
  if (x_patch) {
    return from_to(v, x_minor ? next_major(v) : next_minor(v));
  }
  return as_written;
}

std::string plain_comparator(const std::string& word) {
  const std::string text = without_build(word);
  std::string_view rest = text;
  if (rest.starts_with('^')) {
    if (const auto v = match_partial(rest.substr(1))) {
      return caret(*v);
    }
  }
  if (rest.starts_with('~')) {
    rest.remove_prefix(rest.starts_with("~>") ? 2 : 1);
    if (const auto v = match_partial(rest)) {
      return tilde(*v);
    }
    rest = text;
  }
  const std::string_view op = take_operator(rest);
  if (const auto v = match_partial(rest)) {
    return x_range(op, *v, text);
  }
  return text;
}

// "1.2 - 3" whole; nullopt when it is no such range.
std::optional<std::string> hyphen(const std::string& text) {
  const std::size_t at = text.find(" - ");
  if (at == std::string::npos) {
    return std::nullopt;
  }
  const std::string from_text = text.substr(0, at);
  const std::string to_text = text.substr(at + 3);
  const auto from = match_partial(from_text);
  const auto to = match_partial(to_text);
  if (!from || !to) {
    return std::nullopt;
  }
  std::string result;
  if (is_x(from->major)) {
  } else if (is_x(from->minor)) {
    result = fmt::format(">={}.0.0", from->major);
  } else if (is_x(from->patch)) {
    result = fmt::format(">={}.{}.0", from->major, from->minor);
  } else {
    result = ">=" + from_text;
  }
  result += " ";
  if (is_x(to->major)) {
  } else if (is_x(to->minor)) {
    result += fmt::format("<{}-0", next_major(*to));
  } else if (is_x(to->patch)) {
    result += fmt::format("<{}-0", next_minor(*to));
  } else if (!to->prerelease.empty()) {
    result += fmt::format("<={}.{}.{}-{}", to->major, to->minor, to->patch, to->prerelease);
  } else {
    result += "<=" + to_text;
  }
  return std::string(base::trim(result));
}

// Takes out the space between an operator and what it belongs to.
std::string joined_operators(const std::string& text) {
  std::string result;
  std::size_t i = 0;
  while (i < text.size()) {
    const char c = text[i];
    result += c;
    ++i;
    const bool tilde_arrow = c == '>' && result.size() > 1 && result[result.size() - 2] == '~';
    if (c == '^' || c == '~' || tilde_arrow) {
      while (i < text.size() && is_space(text[i])) {
        ++i;
      }
      continue;
    }
    if (c != '<' && c != '>' && c != '=') {
      continue;
    }
    std::size_t next = i;
    while (next < text.size() && (is_space(text[next]) || text[next] == 'v' || text[next] == '=')) {
      ++next;
    }
    if (next < text.size() && (base::is_digit(text[next]) || is_x(std::string_view(text).substr(next, 1)))) {
      while (i < text.size() && is_space(text[i])) {
        ++i;
      }
    }
  }
  return result;
}

}  // namespace

bool PartialVersion::is_full() const {
  return !is_x(major) && !is_x(minor) && !is_x(patch);
}

std::optional<PartialVersion> match_partial(std::string_view text) {
  while (!text.empty() && (text[0] == 'v' || text[0] == '=' || is_space(text[0]))) {
    text.remove_prefix(1);
  }
  PartialVersion version;
  version.major = take_part(text);
  if (version.major.empty()) {
    return std::nullopt;
  }
  if (text.empty()) {
    return version;
  }
  if (text[0] != '.') {
    return std::nullopt;
  }
  text.remove_prefix(1);
  version.minor = take_part(text);
  if (version.minor.empty()) {
    return std::nullopt;
  }
  if (text.empty()) {
    return version;
  }
  if (text[0] != '.') {
    return std::nullopt;
  }
  text.remove_prefix(1);
  const std::string_view last = text;
  version.patch = take_part(text);
  // Without a hyphen the last digits of "1.2.30.4" may have to be read as the prerelease "0.4".
  for (std::size_t length = version.patch.size(); length > 0; --length) {
    if (match_tail(last.substr(length), version.prerelease)) {
      version.patch = last.substr(0, length);
      return version;
    }
  }
  return std::nullopt;
}

std::string_view take_operator(std::string_view& text) {
  std::size_t end = !text.empty() && (text[0] == '<' || text[0] == '>') ? 1 : 0;
  if (end < text.size() && text[end] == '=') {
    ++end;
  }
  const std::string_view op = text.substr(0, end);
  text.remove_prefix(end);
  return op;
}

std::string single_spaced(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (!is_space(c)) {
      result += c;
    } else if (!result.empty() && result.back() != ' ') {
      result += ' ';
    }
  }
  return std::string(base::trim(result));
}

std::vector<std::string> plain_comparators(const std::string& alternative) {
  const std::string text = joined_operators(hyphen(alternative).value_or(alternative));
  std::string plain;
  for (const std::string& word : base::split(text, ' ')) {
    if (!plain.empty()) {
      plain += ' ';
    }
    plain += plain_comparator(word);
  }
  plain = single_spaced(plain);
  std::vector<std::string> words = base::split(plain, ' ');
  for (std::string& word : words) {
    if (word == ">=0.0.0") {
      word.clear();
    }
  }
  return words;
}

}  // namespace airlock::ecosystem::npm
