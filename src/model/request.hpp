// A wish that a program makes in the terms of the manifest: what a package in the bundle asks for beside it, what a
// project folder needs, what a client missed.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "model/manifest.hpp"

namespace airlock::model {

struct Request {
  std::string section;                                     // key of a section: "pulumi"
  std::map<std::string, std::vector<std::string>> values;  // by field; paths are absolute
  auto operator<=>(const Request&) const = default;
};

// The requests as YAML that parse_manifest() takes once a `name` stands beside it: each an item where the section is a
// list, united where it is a mapping; in order of section, then of value, each once. Requests of sections that are not
// among `sections` throw unsupported.
std::string manifest_text(std::span<const Request> requests, std::span<const SectionSchema> sections);

}  // namespace airlock::model
