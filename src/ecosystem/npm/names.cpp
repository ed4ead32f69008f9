#include "ecosystem/npm/names.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/npm/semver.hpp"
#include "model/purl.hpp"

namespace airlock::ecosystem::npm {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_name_limit = 214;          // characters, npm's own
constexpr std::size_t k_version_text_limit = 256;  // node-semver's own
constexpr std::size_t k_spec_limit = 4096;

bool is_plain(char c, std::string_view more) {
  return base::is_alphanumeric(c) || more.find(c) != std::string_view::npos;
}

bool is_plain(std::string_view text, std::string_view more) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) { return is_plain(c, more); });
}

bool is_name_part(std::string_view part) {
  return is_plain(part, "-_.~!'()*") && part[0] != '.' && part[0] != '_';
}

bool begins_with_any(std::string_view text, std::initializer_list<std::string_view> beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(), [&](std::string_view one) { return text.starts_with(one); });
}

Requirement classify(std::string name, std::string wanted) {
  Requirement result{.kind = Requirement::Kind::range, .name = std::move(name), .wanted = std::move(wanted)};
  const std::string_view text = base::trim(result.wanted);
  if (begins_with_any(text, {"file:", "link:", "workspace:", "portal:", "./", "../", "/", "~/"}) || text == "." ||
      text == "..") {
    result.kind = Requirement::Kind::local;
  } else if (text.find_first_of("/:") != std::string_view::npos) {
    result.kind = Requirement::Kind::foreign;
  } else if (text.empty() || Range::parse(text)) {
    result.kind = Requirement::Kind::range;
  } else {
    result.kind = is_tag(text) ? Requirement::Kind::tag : Requirement::Kind::foreign;
  }
  return result;
}

// Where the name of "@scope/name@spec" ends.
std::size_t end_of_name(std::string_view text) {
  return std::min(text.find('@', text.starts_with('@') ? 1 : 0), text.size());
}

}  // namespace

bool is_package_name(std::string_view name) {
  if (name.size() > k_name_limit || name == "node_modules" || name == "favicon.ico") {
    return false;
  }
  if (!name.starts_with('@')) {
    return is_name_part(name);
  }
  const std::size_t slash = name.find('/');
  return slash != std::string_view::npos && is_name_part(name.substr(1, slash - 1)) &&
         is_name_part(name.substr(slash + 1));
}

bool is_tarball_name(std::string_view file) {
  return file.size() <= 512 && file.ends_with(".tgz") && file.size() > 4 && is_plain(file, "-_.~+!'()*") &&
         file[0] != '.';
}

bool is_version(std::string_view text) {
  return text.size() <= k_version_text_limit && is_plain(text, "-.+_") && SemVer::parse(text);
}

bool is_tag(std::string_view text) {
  return text.size() <= k_version_text_limit && is_plain(text, "-_.~!'()*") && text[0] != '.' && !Range::parse(text);
}

std::string base_name(const std::string& package) {
  return package.substr(package.starts_with('@') ? package.find('/') + 1 : 0);
}

std::string usual_tarball_name(const std::string& package, std::string_view version) {
  return fmt::format("{}-{}.tgz", base_name(package), version);
}

std::string Requirement::to_string() const {
  return fmt::format("{}@{}", name, wanted.empty() ? "*" : base::printable(wanted, 200));
}

Requirement parse_dependency(std::string_view key, std::string_view value) {
  const std::string_view spec = base::trim(value);
  if (spec.size() > k_spec_limit) {
    throw Error(ErrorCode::limit, fmt::format("a dependency has {} characters", spec.size()));
  }
  if (base::starts_with_ignoring_case(spec, "npm:")) {
    const std::string_view target = spec.substr(4);
    const std::size_t at = end_of_name(target);
    if (!is_package_name(target.substr(0, at))) {
      throw Error(ErrorCode::malformed, fmt::format("'{}' names no package", base::printable(spec, 200)));
    }
    return classify(std::string(target.substr(0, at)), std::string(target.substr(std::min(at + 1, target.size()))));
  }
  if (!is_package_name(key)) {
    throw Error(ErrorCode::malformed, fmt::format("'{}' is no name of a package", base::printable(key, 200)));
  }
  return classify(std::string(key), std::string(spec));
}

Requirement parse_package(std::string_view text) {
  const std::size_t at = end_of_name(text);
  try {
    Requirement result = parse_dependency(text.substr(0, at), text.substr(std::min(at + 1, text.size())));
    if (result.kind == Requirement::Kind::range || result.kind == Requirement::Kind::tag) {
      return result;
    }
  } catch (const Error&) {
  }
  throw Error(ErrorCode::manifest, fmt::format("'{}' is no package of a registry", base::printable(text, 200)))
      .with_hint("write NAME, NAME@RANGE, NAME@TAG or ALIAS@npm:NAME@RANGE; folders go under `projects`");
}

std::string tarball_path(const std::string& package, std::string_view file) {
  return fmt::format("{}/-/{}", package, file);
}

std::string version_path(const std::string& package, std::string_view version) {
  return fmt::format("{}/{}", package, version);
}

std::string notes_path(const std::string& package, std::string_view version) {
  return fmt::format("{}/-/notes/{}", package, version);
}

std::string purl_of(const std::string& package, std::string_view version) {
  model::Purl purl;
  purl.type = "npm";
  const std::size_t slash = package.find('/');
  if (package.starts_with('@') && slash != std::string::npos) {
    purl.namespace_ = package.substr(0, slash);
    purl.name = package.substr(slash + 1);
  } else {
    purl.name = package;
  }
  purl.version = version;
  return purl.to_string();
}

std::optional<PackageVersion> parse_purl(std::string_view text) {
  try {
    const model::Purl purl = model::Purl::parse(text);
    PackageVersion result{.name = purl.namespace_.empty() ? purl.name : purl.namespace_ + "/" + purl.name,
                          .version = purl.version};
    if (purl.type == "npm" && is_package_name(result.name) && is_version(result.version)) {
      return result;
    }
  } catch (const Error&) {
  }
  return std::nullopt;
}

}  // namespace airlock::ecosystem::npm
