#include "ecosystem/pypi/metadata.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/pypi/names.hpp"

namespace airlock::ecosystem::pypi {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_most_requirements = 10'000;

// Calls `visit(name in lower case, value)` for each header; continued lines are joined.
template <typename Visit>
void for_each_header(std::string_view text, Visit visit) {
  std::string name, value;
  const auto flush = [&] {
    if (!name.empty()) {
      visit(name, std::string(base::trim(value)));
      name.clear();
    }
  };
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (line.empty()) {
      break;  // the description follows
    }
    if (line.front() == ' ' || line.front() == '\t') {
      value += '\n';
      value += line;
      continue;
    }
    flush();
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos) {
      name = base::to_lower(base::trim(line.substr(0, colon)));
      value = line.substr(colon + 1);
    }
  }
  flush();
}

}  // namespace

bool Metadata::needs(std::string_view project) const {
  return std::any_of(requirements.begin(), requirements.end(),
                     [&](const Requirement& requirement) { return requirement.name == project; });
}

Metadata parse_metadata(std::string_view text, std::string_view what) {
  Metadata metadata;
  std::string form;
  bool dynamic = false;
  for_each_header(text, [&](const std::string& name, const std::string& value) {
    if (name == "metadata-version") {
      form = value;
    } else if (name == "name") {
      metadata.name = value;
    } else if (name == "version") {
      metadata.version = value;
    } else if (name == "requires-python") {
      metadata.requires_python = value;
    } else if (name == "provides-extra") {
      metadata.extras.insert(normalised(value));
    } else if (name == "dynamic") {
      const std::string field = base::to_lower(value);
      dynamic = dynamic || field == "requires-dist" || field == "provides-extra" || field == "version";
    } else if (name == "requires-dist") {
      if (metadata.requirements.size() >= k_most_requirements) {
        throw Error(ErrorCode::limit, fmt::format("{} lists too many requirements", what));
      }
      metadata.requirements.push_back(Requirement::parse(value));
    }
  });
  if (!is_name(metadata.name) || !Version::parse(metadata.version)) {
    throw Error(ErrorCode::malformed, fmt::format("{} does not give a name and a version", what));
  }
  const auto version = Version::parse(form);
  metadata.requirements_are_known = !dynamic && version && *version >= *Version::parse("2.2");
  return metadata;
}

}  // namespace airlock::ecosystem::pypi
