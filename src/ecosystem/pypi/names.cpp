#include "ecosystem/pypi/names.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace airlock::ecosystem::pypi {

namespace {

constexpr std::size_t k_longest_name = 200;       // bytes
constexpr std::size_t k_longest_file_name = 300;  // bytes
constexpr std::size_t k_most_tags = 64;

bool is_joint(char c) {
  return c == '-' || c == '_' || c == '.';
}

std::optional<FileName> parse_wheel(std::string_view stem, std::string_view project) {
  const std::vector<std::string> parts = base::split(stem, '-');
  if (parts.size() != 5 && parts.size() != 6) {
    return std::nullopt;
  }
  const auto version = Version::parse(parts[1]);
  if (!is_name(parts[0]) || normalised(parts[0]) != project || !version) {
    return std::nullopt;
  }
  const std::size_t tags = parts.size() - 3;
  FileName name{.kind = FileName::Kind::wheel,
                .project = std::string(project),
                .version_text = parts[1],
                .version = *version,
                .build = parts.size() == 6 ? parts[2] : "",
                .pythons = base::split(parts[tags], '.'),
                .abis = base::split(parts[tags + 1], '.'),
                .platforms = base::split(parts[tags + 2], '.')};
  const bool build_is_sound = name.build.empty() ? parts.size() == 5 : name.build[0] >= '0' && name.build[0] <= '9';
  for (const auto* list : {&name.pythons, &name.abis, &name.platforms}) {
    const bool sound =
        list->size() <= k_most_tags && std::all_of(list->begin(), list->end(), [](const std::string& tag) {
          return !tag.empty() &&
                 std::all_of(tag.begin(), tag.end(), [](char c) { return base::is_alphanumeric(c) || c == '_'; });
        });
    if (!sound || !build_is_sound) {
      return std::nullopt;
    }
  }
  return name;
}

// "NAME-VERSION"; of old ones the name itself may hold dashes, so the project's name decides where it ends.
std::optional<FileName> parse_sdist(std::string_view stem, std::string_view project) {
  for (std::size_t dash = stem.find('-'); dash != std::string_view::npos; dash = stem.find('-', dash + 1)) {
    if (!is_name(stem.substr(0, dash)) || normalised(stem.substr(0, dash)) != project) {
      continue;
    }
    const std::string_view text = stem.substr(dash + 1);
    if (const auto version = Version::parse(text)) {
      return FileName{.kind = FileName::Kind::sdist,
                      .project = std::string(project),
                      .version_text = std::string(text),
                      .version = *version,
                      .build = {},
                      .pythons = {},
                      .abis = {},
                      .platforms = {}};
    }
  }
  return std::nullopt;
}

}  // namespace

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= k_longest_name && base::is_alphanumeric(text.front()) &&
         base::is_alphanumeric(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return base::is_alphanumeric(c) || is_joint(c); });
}

std::string normalised(std::string_view name) {
  std::string out;
  for (const char c : base::to_lower(name)) {
    if (!is_joint(c)) {
      out += c;
    } else if (!out.ends_with('-')) {
      out += '-';
    }
  }
  return out;
}

bool is_normalised(std::string_view name) {
  return is_name(name) && normalised(name) == name;
}

std::optional<FileName> parse_file_name(std::string_view file, std::string_view project) {
  const bool plain = file.size() <= k_longest_file_name && std::all_of(file.begin(), file.end(), [](char c) {
                       return base::is_alphanumeric(c) || is_joint(c) || c == '+' || c == '!';
                     });
  if (!plain || file.starts_with('.')) {
    return std::nullopt;
  }
  if (file.ends_with(".whl")) {
    return parse_wheel(file.substr(0, file.size() - 4), project);
  }
  for (const std::string_view suffix : {".tar.gz", ".zip", ".tar.bz2", ".tgz"}) {
    if (file.ends_with(suffix)) {
      return parse_sdist(file.substr(0, file.size() - suffix.size()), project);
    }
  }
  return std::nullopt;
}

}  // namespace airlock::ecosystem::pypi
