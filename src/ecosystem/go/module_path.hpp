// Names of Go modules and of the files in them, and how a proxy's URL spells them (Go modules reference, Module paths,
// and GOPROXY protocol).
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace airlock::ecosystem::go {

struct Module {
  std::string path;     // "github.com/pulumi/pulumi/sdk/v3"
  std::string version;  // canonical
  auto operator<=>(const Module&) const = default;
  std::string to_string() const { return path + "@" + version; }
};

// Why `path` is no module path that a proxy could have; nullopt when it is one.
std::optional<std::string> path_problem(std::string_view path);
// The same for an import path, which may have any ending: "golang.org/x/tools/cmd/stringer".
std::optional<std::string> import_path_problem(std::string_view path);
// That, and whether path and version go together: "/v3" has versions v3.x.y only (or none where it is wanted).
std::optional<std::string> module_problem(const Module& module);
// Why a file of that name may not stand in a module; nullopt when it may. `name` is relative to the module.
std::optional<std::string> file_name_problem(std::string_view name);

// Each upper-case letter as "!" and the lower-case one.
std::string escape(std::string_view text);
// nullopt for what escape() never makes.
std::optional<std::string> unescape(std::string_view escaped);

// The path in the bundle and behind the proxy's address: "ENCODED-MODULE/@v/VERSION.zip"; `extension` with its dot.
std::string file_path(const Module& module, std::string_view extension);
struct FilePath {
  Module module;
  std::string extension;  // ".zip", ".mod", ".info"
};
std::optional<FilePath> parse_file_path(std::string_view path);  // nullopt for anything else; names are checked

std::string purl_of(const Module& module);

// Whether one of the patterns of GOPRIVATE and its like, separated by commas, matches `path` or a prefix of it.
bool matches_patterns(std::string_view patterns, std::string_view path);

}  // namespace airlock::ecosystem::go
