#include "ecosystem/go/module_path.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"
#include "ecosystem/go/version.hpp"
#include "model/purl.hpp"

namespace airlock::ecosystem::go {

namespace {

constexpr std::size_t k_longest_path = 512;  // bytes

bool is_path_character(char c) {
  return base::is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~';
}
bool is_import_character(char c) {
  return is_path_character(c) || c == '+';
}
bool is_file_character(char c) {
  constexpr std::string_view punctuation = "!#$%&()+,-.=@[]^_{}~ ";
  return base::is_alphanumeric(c) || punctuation.find(c) != std::string_view::npos ||
         static_cast<unsigned char>(c) >= 0x80;
}

// Names that Windows keeps for devices, whatever their extension.
bool is_device_name(std::string_view element) {
  const std::string name = base::to_lower(element.substr(0, element.find('.')));
  constexpr std::array<std::string_view, 4> words = {"con", "prn", "aux", "nul"};
  return std::find(words.begin(), words.end(), name) != words.end() ||
         (name.size() == 4 && (name.starts_with("com") || name.starts_with("lpt")) && name[3] >= '1' && name[3] <= '9');
}

enum class PathKind { module, import, file };

std::optional<std::string> element_problem(std::string_view element, PathKind kind) {
  if (element.empty()) {
    return "an empty element";
  }
  if (std::all_of(element.begin(), element.end(), [](char c) { return c == '.'; })) {
    return fmt::format("the element '{}'", element);
  }
  if (element.front() == '.' && kind == PathKind::module) {
    return "an element that begins with a dot";
  }
  if (element.back() == '.') {
    return "an element that ends with a dot";
  }
  const auto allowed = kind == PathKind::module   ? is_path_character
                       : kind == PathKind::import ? is_import_character
                                                  : is_file_character;
  if (!std::all_of(element.begin(), element.end(), allowed)) {
    return "a character that is not allowed";
  }
  if (is_device_name(element)) {
    return fmt::format("the element '{}', which Windows keeps for a device", element);
  }
  if (kind == PathKind::file) {
    return std::nullopt;
  }
  const std::string_view stem = element.substr(0, element.find('.'));
  if (const std::size_t tilde = stem.rfind('~');
      tilde != std::string_view::npos && tilde + 1 < stem.size() &&
      std::all_of(stem.begin() + static_cast<std::ptrdiff_t>(tilde) + 1, stem.end(), base::is_digit)) {
    return "an element like a short name of Windows";
  }
  return std::nullopt;
}

std::optional<std::string> elements_problem(std::string_view path, PathKind kind) {
  if (path.empty() || path.size() > (kind == PathKind::file ? 1024 : k_longest_path)) {
    return "a length that is not allowed";
  }
  if (path.front() == '-' && kind != PathKind::file) {
    return "a leading dash";
  }
  if (!base::is_valid_utf8(path)) {
    return "invalid UTF-8";
  }
  for (const std::string& element : base::split(path, '/')) {
    if (auto problem = element_problem(element, kind)) {
      return problem;
    }
  }
  return std::nullopt;
}

// The first element is a host: with a dot, in lower case.
std::optional<std::string> host_problem(std::string_view path) {
  const std::string_view host = path.substr(0, path.find('/'));
  if (host.find('.') == std::string_view::npos) {
    return "a first element without a dot";
  }
  const auto allowed = [](char c) { return base::is_lower(c) || base::is_digit(c) || c == '-' || c == '.'; };
  if (host.front() == '-' || !std::all_of(host.begin(), host.end(), allowed)) {
    return "a first element that is no host name in lower case";
  }
  return std::nullopt;
}

bool is_gopkg(std::string_view path) {
  return path.starts_with("gopkg.in/");
}

// "/v3", ".v1" (of gopkg.in), or "". nullopt where the ending is none that a module may have.
std::optional<std::string_view> path_major(std::string_view path) {
  const auto end = std::find_if_not(path.rbegin(), path.rend(), base::is_digit);
  const std::size_t digits = static_cast<std::size_t>(end - path.rbegin());
  std::string_view stem = path;
  if (is_gopkg(path)) {
    constexpr std::string_view unstable = "-unstable";
    if (stem.ends_with(unstable)) {
      stem.remove_suffix(unstable.size());
    }
    const auto stop = std::find_if_not(stem.rbegin(), stem.rend(), base::is_digit);
    const std::size_t count = static_cast<std::size_t>(stop - stem.rbegin());
    if (count == 0 || stem.size() < count + 2 || stem.substr(stem.size() - count - 2, 2) != ".v" ||
        (count > 1 && stem[stem.size() - count] == '0')) {
      return std::nullopt;
    }
    return path.substr(stem.size() - count - 2);
  }
  if (digits == 0 || path.size() < digits + 2 || path.substr(path.size() - digits - 2, 2) != "/v") {
    return path.substr(path.size());
  }
  const std::string_view number = path.substr(path.size() - digits);
  if (number.front() == '0' || number == "1") {
    return std::nullopt;
  }
  return path.substr(path.size() - digits - 2);
}

bool major_fits(std::string_view version, std::string_view major, bool gopkg) {
  if (gopkg && major.ends_with("-unstable")) {
    major.remove_suffix(9);
  }
  if (gopkg && version.starts_with("v0.0.0-") && major == ".v1") {
    return true;  // pseudo-versions of old gopkg.in modules
  }
  const std::string_view number = version.substr(0, version.find('.'));
  if (major.empty()) {
    return number == "v0" || number == "v1" || is_incompatible(version);
  }
  return number == major.substr(1) && !is_incompatible(version);
}

}  // namespace

std::optional<std::string> import_path_problem(std::string_view path) {
  if (auto problem = elements_problem(path, PathKind::import)) {
    return problem;
  }
  return host_problem(path);
}

std::optional<std::string> path_problem(std::string_view path) {
  if (auto problem = elements_problem(path, PathKind::module)) {
    return problem;
  }
  if (auto problem = host_problem(path)) {
    return problem;
  }
  if (!path_major(path)) {
    return "an ending that is no major version";
  }
  return std::nullopt;
}

std::optional<std::string> module_problem(const Module& module) {
  if (auto problem = path_problem(module.path)) {
    return problem;
  }
  if (!is_canonical(module.version)) {
    return fmt::format("a version that is not like v1.2.3: '{}'", base::printable(module.version, 80));
  }
  if (!major_fits(module.version, path_major(module.path).value_or(""), is_gopkg(module.path))) {
    return fmt::format("the version {}, which does not go with the path's ending", module.version);
  }
  return std::nullopt;
}

std::optional<std::string> file_name_problem(std::string_view name) {
  return elements_problem(name, PathKind::file);
}

std::string escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (base::is_upper(c)) {
      escaped += '!';
      escaped += static_cast<char>(c - 'A' + 'a');
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::optional<std::string> unescape(std::string_view escaped) {
  std::string text;
  for (std::size_t i = 0; i < escaped.size(); ++i) {
    if (base::is_upper(escaped[i])) {
      return std::nullopt;
    }
    if (escaped[i] != '!') {
      text += escaped[i];
      continue;
    }
    if (++i == escaped.size() || !base::is_lower(escaped[i])) {
      return std::nullopt;
    }
    text += static_cast<char>(escaped[i] - 'a' + 'A');
  }
  return text;
}

std::string file_path(const Module& module, std::string_view extension) {
  return fmt::format("{}/@v/{}{}", escape(module.path), escape(module.version), extension);
}

std::optional<FilePath> parse_file_path(std::string_view path) {
  constexpr std::string_view middle = "/@v/";
  const std::size_t at = path.find(middle);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view name = path.substr(at + middle.size());
  for (const std::string_view extension : {".zip", ".mod", ".info"}) {
    if (!name.ends_with(extension)) {
      continue;
    }
    const auto module_path = unescape(path.substr(0, at));
    const auto version = unescape(name.substr(0, name.size() - extension.size()));
    if (!module_path || !version) {
      return std::nullopt;
    }
    FilePath parsed{.module = {.path = *module_path, .version = *version}, .extension = std::string(extension)};
    return module_problem(parsed.module) ? std::nullopt : std::optional(std::move(parsed));
  }
  return std::nullopt;
}

std::string purl_of(const Module& module) {
  model::Purl purl;
  purl.type = "golang";
  const std::size_t slash = module.path.rfind('/');
  if (slash != std::string::npos) {
    purl.namespace_ = module.path.substr(0, slash);
  }
  purl.name = module.path.substr(slash == std::string::npos ? 0 : slash + 1);
  purl.version = module.version;
  return purl.to_string();
}

bool matches_patterns(std::string_view patterns, std::string_view path) {
  for (const std::string& listed : base::split(patterns, ',')) {
    std::string_view pattern = base::trim(listed);
    while (pattern.ends_with('/')) {
      pattern.remove_suffix(1);
    }
    if (pattern.empty()) {
      continue;
    }
    // As many elements of the path as the pattern has.
    std::size_t end = 0;
    bool long_enough = true;
    for (auto left = std::count(pattern.begin(), pattern.end(), '/') + 1; left > 0; --left) {
      if (end >= path.size()) {
        long_enough = false;
        break;
      }
      end = std::min(path.find('/', end == 0 ? 0 : end + 1), path.size());
    }
    if (long_enough && base::glob_match(pattern, path.substr(0, end))) {
      return true;
    }
  }
  return false;
}

}  // namespace airlock::ecosystem::go
