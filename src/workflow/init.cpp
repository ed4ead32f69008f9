#include "workflow/init.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "ecosystem/ecosystem.hpp"
#include "model/request.hpp"
#include "workflow/project.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

bool is_url(const std::string& text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

// "NAME@VERSION", "ECOSYSTEM:SPEC": what stands on either side of the first `separator`.
std::pair<std::string, std::string> parted(const std::string& text, char separator, std::string_view what,
                                           std::string_view example) {
  const std::size_t at = text.find(separator);
  if (at == 0 || at == std::string::npos || at + 1 == text.size()) {
    throw Error(ErrorCode::usage, fmt::format("'{}' is no {}", base::printable(text, 100), what))
        .with_hint(fmt::format("write it as {}", example));
  }
  return {text.substr(0, at), text.substr(at + 1)};
}

model::Request package_request(const std::string& package) {
  auto [id, spec] = parted(package, ':', "package", "ECOSYSTEM:SPEC, for example npm:left-pad@^1.3");
  for (const model::SectionSchema& section : ecosystem::all_sections()) {
    if (section.ecosystem == id && section.form == model::SectionSchema::Form::mapping) {
      return {.section = section.key, .values = {{section.fields.front().name, {std::move(spec)}}}};
    }
  }
  throw Error(ErrorCode::unsupported, fmt::format("this airlock knows no packages of '{}'", base::printable(id, 60)))
      .with_hint("`airlock ecosystem list` shows what it knows");
}

// A reference without the host of a registry means Docker Hub. Where a file of that name lies here, somebody more
// likely meant the file, and would learn it from a registry's refusal only.
void require_no_file(const std::string& image, const fs::path& folder) {
  const std::string first = image.substr(0, image.find('/'));
  const bool is_relative = first == "." || first == "..";
  const bool has_host = !is_relative && image.find('/') != std::string::npos &&
                        (first == "localhost" || first.find_first_of(".:") != std::string::npos);
  std::error_code ignored;
  if (has_host || (!fs::is_regular_file(image, ignored) && !fs::is_regular_file(folder / image, ignored))) {
    return;
  }
  const std::string shown = base::printable(image, 200);
  throw Error(ErrorCode::usage, fmt::format("'{}' was given as an image, and is a file here", shown))
      .with_hint(
          fmt::format("carry a file with --file, which makes an entry `source: {}` under `files:` in the manifest; "
                      "an image is written with its registry, for example docker.io/library/debian:12",
                      shown));
}

std::vector<model::Request> requests_of(const InitOptions& options) {
  std::vector<model::Request> requests;
  for (const std::string& image : options.images) {
    require_no_file(image, options.manifest.parent_path());
    requests.push_back({.section = "images", .values = {{"ref", {image}}}});
  }
  for (const std::string& tool : options.tools) {
    auto [name, version] = parted(tool, '@', "tool and version", "NAME@VERSION, for example opentofu@1.10.0");
    requests.push_back(
        {.section = "tools", .values = {{"name", {std::move(name)}}, {"version", {std::move(version)}}}});
  }
  for (const std::string& file : options.files) {
    requests.push_back({.section = "files", .values = {{is_url(file) ? "url" : "source", {file}}}});
  }
  std::transform(options.packages.begin(), options.packages.end(), std::back_inserter(requests), package_request);
  for (const FoundInProject& found : survey_projects(options.projects)) {
    requests.push_back(found.finding.request);
  }
  return requests;
}

}  // namespace

std::string make_manifest(const InitOptions& options) {
  const auto sections = ecosystem::all_sections();
  const std::string text =
      fmt::format("# What airlock carries across; `airlock bundle create -m` makes a bundle of it.\nname: {}\n{}",
                  base::Json(options.name).dump(), model::manifest_text(requests_of(options), sections));
  model::parse_manifest(text, options.manifest.string(), sections);
  return text;
}

void write_manifest(const InitOptions& options) {
  const std::string text = make_manifest(options);
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(options.manifest, ignored))) {
    throw Error(ErrorCode::conflict, fmt::format("{} exists already", options.manifest.string()))
        .with_hint("add to it with an editor, or name another file with --manifest");
  }
  base::write_file_atomic(options.manifest, text);
}

}  // namespace airlock::workflow
