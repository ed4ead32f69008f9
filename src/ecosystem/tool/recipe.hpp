// Where a tool's releases are and how they are proven, as data (docs/ecosystems/tool.md, Recipes).
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "ecosystem/checksums.hpp"
#include "ecosystem/tool/template.hpp"
#include "model/platform.hpp"

namespace airlock::ecosystem::tool {

struct ChecksumSource {
  Template url;
  ChecksumFormat format = ChecksumFormat::sha256sums;
};

enum class SignatureKind {
  gpg,       // a detached OpenPGP signature; checked when the key is there
  cosign,    // carried, not checked
  minisign,  // carried, not checked
};

enum class Signed { checksums, file };

struct SignatureSource {
  SignatureKind kind = SignatureKind::gpg;
  Signed of = Signed::checksums;
  std::vector<Template> urls;  // the signature, and what belongs to it (a certificate)
  std::string key;             // for gpg: relative path of an armoured public key, "keys/opentofu.asc"
  // For gpg, upper-case hex: one of these keys must have made it. Empty: any key of the file.
  std::vector<std::string> key_fingerprints;
  Template key_url;  // where the key is fetched from when no file has it; only with fingerprints
};

struct Recipe {
  std::string name, description, license, homepage;
  std::string since;                        // the oldest version that this layout is right for; empty: any
  ByPlatformText url;                       // template by operating system
  Template file;                            // the name under which the release is served; empty: that of its URL
  std::map<std::string, std::string> os;    // Go's name -> upstream's name; only these systems exist
  std::map<std::string, std::string> arch;  // likewise; "arm/v7" before "arm"
  std::vector<model::Platform> platforms;   // when not every pair of the two exists
  std::map<std::string, std::string> ext;   // by Go's name of the system, or "default": what {ext} is
  std::optional<ChecksumSource> checksums;
  std::optional<SignatureSource> signature;
  std::string executable;  // where the program is inside an archive, for people; empty: the file is the program
  base::SourcePosition position;
  std::filesystem::path folder;  // of a recipe read from disk, where its key lies too; empty for built-in ones
};

// Strict: every mistake throws manifest with file, line and column, and a suggestion for a misspelt key.
Recipe parse_recipe(std::string_view text, const std::string& file);

// Throws manifest when the recipe has nothing for that platform; the hint lists what there is.
Variables variables_for(const Recipe& recipe, const std::string& version, const model::Platform& platform);

// Whether one file serves every platform: nothing in its name or URL depends on it.
bool is_independent_of_platform(const Recipe& recipe);

// A tool's name: [a-z0-9][a-z0-9._-]{0,62}. Throws manifest.
void check_tool_name(std::string_view name, const base::SourcePosition& position);

// Without a leading "v"; throws manifest for what is no exact version, such as "latest", "1.*" or ">=1".
std::string exact_version(std::string_view text, const base::SourcePosition& position);

}  // namespace airlock::ecosystem::tool
