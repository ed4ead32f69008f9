#include "ecosystem/pypi/json_list.hpp"

#include <optional>

namespace airlock::ecosystem::pypi {

namespace {

// Where the string that begins at `at` ends (behind its quote); npos: nowhere.
std::size_t string_end(std::string_view text, std::size_t at) {
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

std::size_t skip_blanks(std::string_view text, std::size_t at) {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r')) {
    ++at;
  }
  return at;
}

// Where the object that begins at `at` ends; npos: nowhere.
std::size_t object_end(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  for (std::size_t i = at; i < text.size();) {
    const char c = text[i];
    if (c == '"') {
      i = string_end(text, i);
      if (i == std::string_view::npos) {
        return i;
      }
      continue;
    }
    ++i;
    if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      return i;
    }
  }
  return std::string_view::npos;
}

// Behind the "[" of the list; nullopt where it is not found.
std::optional<std::size_t> list_start(std::string_view text, std::string_view key) {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '"') {
      const std::size_t end = string_end(text, i);
      if (end == std::string_view::npos) {
        return std::nullopt;
      }
      if (depth == 1 && text.substr(i + 1, end - i - 2) == key) {
        std::size_t next = skip_blanks(text, end);
        if (next < text.size() && text[next] == ':') {
          next = skip_blanks(text, next + 1);
          if (next < text.size() && text[next] == '[') {
            return next + 1;
          }
        }
      }
      i = end;
      continue;
    }
    ++i;
    if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      depth -= depth == 0 ? 0 : 1;
    }
  }
  return std::nullopt;
}

}  // namespace

SplitJson split_json_list(std::string_view text, std::string_view key) {
  const SplitJson whole{.rest = std::string(text), .items = {}};
  const auto start = list_start(text, key);
  if (!start) {
    return whole;
  }
  SplitJson split;
  for (std::size_t at = skip_blanks(text, *start);;) {
    if (at >= text.size() || text[at] != '{') {
      return whole;
    }
    const std::size_t end = object_end(text, at);
    if (end == std::string_view::npos) {
      return whole;
    }
    split.items.push_back(text.substr(at, end - at));
    at = skip_blanks(text, end);
    if (at < text.size() && text[at] == ']') {
      split.rest = std::string(text.substr(0, *start)) + std::string(text.substr(at));
      return split;
    }
    if (at >= text.size() || text[at] != ',') {
      return whole;
    }
    at = skip_blanks(text, at + 1);
  }
}

}  // namespace airlock::ecosystem::pypi
