#include "workflow/init.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "ecosystem/ecosystem.hpp"
#include "model/manifest.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

// A double-quoted YAML scalar; its escapes are JSON's.
std::string quoted(const std::string& text) {
  return base::Json(text).dump();
}

bool is_url(const std::string& text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

std::string tool_line(const std::string& tool) {
  const std::size_t at = tool.find('@');
  if (at == 0 || at == std::string::npos || at + 1 == tool.size()) {
    throw Error(ErrorCode::usage, fmt::format("'{}' is no tool and version", base::printable(tool, 100)))
        .with_hint("write it as NAME@VERSION, for example opentofu@1.10.0");
  }
  return fmt::format("  - {{ name: {}, version: {} }}\n", quoted(tool.substr(0, at)), quoted(tool.substr(at + 1)));
}

std::string file_line(const std::string& file) {
  return fmt::format("  - {{ {}: {} }}\n", is_url(file) ? "url" : "source", quoted(file));
}

std::map<std::string, std::vector<std::string>> by_ecosystem(const std::vector<std::string>& packages) {
  std::map<std::string, std::vector<std::string>> result;
  for (const std::string& package : packages) {
    const std::size_t colon = package.find(':');
    if (colon == 0 || colon == std::string::npos || colon + 1 == package.size()) {
      throw Error(ErrorCode::usage, fmt::format("'{}' is no package", base::printable(package, 100)))
          .with_hint("write it as ECOSYSTEM:SPEC, for example npm:left-pad@^1.3");
    }
    const std::string id = package.substr(0, colon);
    if (ecosystem::find_ecosystem(id) == nullptr) {
      throw Error(ErrorCode::unsupported, fmt::format("this airlock knows no ecosystem '{}'", base::printable(id, 60)))
          .with_hint("`airlock ecosystem list` shows those that it knows");
    }
    result[id].push_back(package.substr(colon + 1));
  }
  return result;
}

}  // namespace

std::string make_manifest(const InitOptions& options) {
  std::string text = "# What airlock carries across; `airlock bundle create -m` makes a bundle of it.\n";
  text += fmt::format("name: {}\n", quoted(options.name));
  if (!options.images.empty()) {
    text += "images:\n";
    for (const std::string& image : options.images) {
      text += fmt::format("  - {}\n", quoted(image));
    }
  }
  if (!options.tools.empty()) {
    text += "tools:\n";
    for (const std::string& tool : options.tools) {
      text += tool_line(tool);
    }
  }
  if (!options.files.empty()) {
    text += "files:\n";
    for (const std::string& file : options.files) {
      text += file_line(file);
    }
  }
  for (const auto& [id, specs] : by_ecosystem(options.packages)) {
    text += fmt::format("{}:\n  packages:\n", id);
    for (const std::string& spec : specs) {
      text += fmt::format("    - {}\n", quoted(spec));
    }
  }
  model::parse_manifest(text, options.manifest.string(), ecosystem::all_sections());
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
