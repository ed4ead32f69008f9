#include "model/name_folding.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::model {

namespace {

constexpr std::array<std::string_view, 4> k_folding{"file", "nuget", "pypi", "tool"};

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

struct Free {
  void operator()(utf8proc_uint8_t* text) const { std::free(text); }
};

const utf8proc_uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const utf8proc_uint8_t*>(text.data());
}

// `text` as it is where it is no UTF-8.
std::string mapped(std::string_view text, int options) {
  utf8proc_uint8_t* made = nullptr;
  const utf8proc_ssize_t length = utf8proc_map(bytes_of(text), static_cast<utf8proc_ssize_t>(text.size()), &made,
                                               static_cast<utf8proc_option_t>(UTF8PROC_STABLE | options));
  const std::unique_ptr<utf8proc_uint8_t, Free> owned(made);
  if (length == UTF8PROC_ERROR_INVALIDUTF8) {
    return std::string(text);
  }
  if (length < 0) {
    throw base::Error(base::ErrorCode::internal, fmt::format("cannot fold a name: {}", utf8proc_errmsg(length)));
  }
  return {made, made + length};
}

}  // namespace

bool folds_case(std::string_view ecosystem) {
  return std::ranges::find(k_folding, ecosystem) != k_folding.end();
}

std::string fold_name(std::string_view name) {
  if (is_ascii(name)) {
    return base::to_lower(name);
  }
  // Taken apart first: folding makes a letter of the iota below a Greek one, and marks must stand in their order by
  // then.
  return mapped(mapped(name, UTF8PROC_DECOMPOSE), UTF8PROC_CASEFOLD | UTF8PROC_COMPOSE);
}

bool is_composed(std::string_view name) {
  return is_ascii(name) || mapped(name, UTF8PROC_COMPOSE) == name;
}

std::size_t longest_mark_row(std::string_view name) {
  std::size_t longest = 0;
  std::size_t row = 0;
  while (!name.empty()) {
    utf8proc_int32_t point = -1;
    const utf8proc_ssize_t size = utf8proc_iterate(bytes_of(name), static_cast<utf8proc_ssize_t>(name.size()), &point);
    const bool mark = size > 0 && utf8proc_get_property(point)->combining_class != 0;
    row = mark ? row + 1 : 0;
    longest = std::max(longest, row);
    name.remove_prefix(size > 0 ? static_cast<std::size_t>(size) : 1);
  }
  return longest;
}

}  // namespace airlock::model
