#include "ecosystem/tool/recipe.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"
#include "base/yaml.hpp"
#include "ecosystem/openpgp.hpp"

namespace airlock::ecosystem::tool {

using base::Error;
using base::ErrorCode;
using base::SourcePosition;
using base::YamlNode;

namespace {

Error mistake(const YamlNode& node, std::string message) {
  return Error(ErrorCode::manifest, std::move(message)).at(node.position());
}

// A mapping whose every key must be asked for.
class Mapping {
 public:
  Mapping(const YamlNode& node, std::string what, std::vector<std::string> known) : m_node(node), m_what(what) {
    if (!node.is_mapping()) {
      throw mistake(node, fmt::format("{} must be a mapping", what));
    }
    for (const auto& [key, value] : node.members()) {
      const std::string name = key.is_scalar() ? key.scalar() : std::string();
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        const auto near = base::nearest(name, known);
        throw mistake(key, fmt::format("'{}' is not a key of {}", base::printable(name, 80), what))
            .with_hint(near ? fmt::format("did you mean '{}'?", *near)
                            : fmt::format("known are {}", base::join(known, ", ")));
      }
    }
  }

  const YamlNode* find(std::string_view key) const { return m_node.find(key); }
  const YamlNode& at(std::string_view key) const {
    const YamlNode* node = find(key);
    if (node == nullptr) {
      throw mistake(m_node, fmt::format("{} has no '{}'", m_what, key));
    }
    return *node;
  }
  std::string text(std::string_view key) const { return at(key).as_string(fmt::format("'{}' of {}", key, m_what)); }
  std::string text_or_empty(std::string_view key) const { return find(key) == nullptr ? "" : text(key); }
  Template template_or_empty(std::string_view key) const {
    return find(key) == nullptr ? Template() : Template::parse(text(key), at(key).position());
  }

 private:
  const YamlNode& m_node;
  std::string m_what;
};

std::map<std::string, std::string> read_names(const YamlNode& node, std::string_view what) {
  if (!node.is_mapping()) {
    throw mistake(node, fmt::format("{} must be a mapping", what));
  }
  std::map<std::string, std::string> names;
  for (const auto& [key, value] : node.members()) {
    names[key.as_string(what)] = value.as_string(what);
  }
  if (names.empty()) {
    throw mistake(node, fmt::format("{} is empty", what));
  }
  return names;
}

// A scalar for every system, or a mapping by system.
std::map<std::string, std::string> read_by_os(const YamlNode& node, std::string_view what) {
  if (node.is_scalar()) {
    return {{"default", node.as_string(what)}};
  }
  return read_names(node, what);
}

// Parses a platform for which a name in the recipe stands; a mistake gets the place.
model::Platform parse_at(const YamlNode& node, const std::string& platform) {
  try {
    return model::Platform::parse(platform);
  } catch (Error& error) {
    error.at(node.position());
    throw;
  }
}

void check_platform_names(const Recipe& recipe, const YamlNode& root) {
  for (const auto& [name, upstream] : recipe.os) {
    const YamlNode& node = *root.find("os");
    if (parse_at(node, name + "/amd64").os != name) {
      throw mistake(node, fmt::format("'{}' is not a system", base::printable(name, 80)));
    }
  }
  for (const auto& [name, upstream] : recipe.arch) {
    parse_at(*root.find("arch"), "linux/" + name);
  }
}

ChecksumSource read_checksums(const YamlNode& node) {
  const Mapping mapping(node, "'checksums' of a recipe", {"url", "format"});
  ChecksumSource source;
  source.url = Template::parse(mapping.text("url"), mapping.at("url").position());
  if (const YamlNode* format = mapping.find("format")) {
    const std::string name = mapping.text("format");
    if (name == "sha256sums") {
      source.format = ChecksumFormat::sha256sums;
    } else if (name == "single") {
      source.format = ChecksumFormat::single;
    } else if (name == "bsd") {
      source.format = ChecksumFormat::bsd;
    } else {
      throw mistake(*format, fmt::format("'{}' is not a format of checksum files", base::printable(name, 80)))
          .with_hint("known are sha256sums, single, bsd");
    }
  }
  return source;
}

SignatureSource read_signature(const YamlNode& node) {
  const Mapping mapping(node, "'signature' of a recipe", {"kind", "url", "of", "key", "key_fingerprint", "key_url"});
  SignatureSource source;
  const std::string kind = mapping.text("kind");
  if (kind == "gpg") {
    source.kind = SignatureKind::gpg;
  } else if (kind == "cosign") {
    source.kind = SignatureKind::cosign;
  } else if (kind == "minisign") {
    source.kind = SignatureKind::minisign;
  } else {
    throw mistake(mapping.at("kind"), fmt::format("'{}' is not a kind of signature", base::printable(kind, 80)))
        .with_hint("known are gpg, cosign, minisign");
  }
  if (const YamlNode* of = mapping.find("of")) {
    const std::string name = mapping.text("of");
    if (name != "checksums" && name != "file") {
      throw mistake(*of, fmt::format("a signature is of the 'checksums' or of the 'file', not of '{}'",
                                     base::printable(name, 80)));
    }
    source.of = name == "file" ? Signed::file : Signed::checksums;
  }
  for (const std::string& url : mapping.at("url").as_strings("'url' of a signature")) {
    source.urls.push_back(Template::parse(url, mapping.at("url").position()));
  }
  source.key = mapping.text_or_empty("key");
  if (const YamlNode* fingerprints = mapping.find("key_fingerprint")) {
    for (const std::string& text : fingerprints->as_strings("'key_fingerprint' of a signature")) {
      const auto fingerprint = parse_fingerprint(text);
      if (!fingerprint) {
        throw mistake(*fingerprints, fmt::format("'{}' is no OpenPGP fingerprint", base::printable(text, 80)))
            .with_hint("all of its 40 hexadecimal digits; a key id is too short to tell keys apart");
      }
      source.key_fingerprints.push_back(*fingerprint);
    }
  }
  source.key_url = mapping.template_or_empty("key_url");
  if (source.kind == SignatureKind::gpg &&
      (source.urls.size() != 1 || (source.key.empty() && source.key_url.empty()))) {
    throw mistake(node, "a gpg signature needs one 'url' and a 'key'");
  }
  if (!source.key_url.empty() && source.key_fingerprints.empty()) {
    throw mistake(mapping.at("key_url"), "a key from the network needs a 'key_fingerprint' that it is held to");
  }
  if (source.kind != SignatureKind::gpg && (!source.key_fingerprints.empty() || !source.key_url.empty())) {
    throw mistake(node, "'key_fingerprint' and 'key_url' are for gpg signatures");
  }
  if (source.key.find("..") != std::string::npos || source.key.starts_with('/')) {
    throw mistake(mapping.at("key"), "the key must lie beside the recipe, for example keys/NAME.asc");
  }
  return source;
}

}  // namespace

Recipe parse_recipe(std::string_view text, const std::string& file) {
  const YamlNode root = base::parse_yaml(text, file);
  const Mapping mapping(root, "a recipe",
                        {"name", "description", "license", "homepage", "since", "url", "file", "os", "arch",
                         "platforms", "ext", "checksums", "signature", "executable"});
  Recipe recipe;
  recipe.position = root.position();
  recipe.name = mapping.text("name");
  check_tool_name(recipe.name, mapping.at("name").position());
  recipe.description = mapping.text("description");
  recipe.license = mapping.text("license");
  recipe.homepage = mapping.text_or_empty("homepage");
  recipe.since = mapping.text_or_empty("since");
  recipe.executable = mapping.text_or_empty("executable");
  recipe.file = mapping.template_or_empty("file");
  recipe.os = read_names(mapping.at("os"), "'os' of a recipe");
  recipe.arch = read_names(mapping.at("arch"), "'arch' of a recipe");
  check_platform_names(recipe, root);
  for (const auto& [os, url] : read_by_os(mapping.at("url"), "'url' of a recipe")) {
    recipe.url.by_os[os] = Template::parse(url, mapping.at("url").position());
  }
  if (const YamlNode* ext = mapping.find("ext")) {
    recipe.ext = read_by_os(*ext, "'ext' of a recipe");
  }
  for (const auto& [os, upstream] : recipe.os) {
    const auto serves = [&name = os](const auto& by_os) { return by_os.contains("default") || by_os.contains(name); };
    if (!serves(recipe.url.by_os)) {
      throw mistake(mapping.at("url"), fmt::format("'url' says nothing for '{}' and has no 'default'", os));
    }
    if (!recipe.ext.empty() && !serves(recipe.ext)) {
      throw mistake(mapping.at("ext"), fmt::format("'ext' says nothing for '{}' and has no 'default'", os));
    }
  }
  if (const YamlNode* platforms = mapping.find("platforms")) {
    for (const std::string& platform : platforms->as_strings("'platforms' of a recipe")) {
      recipe.platforms.push_back(parse_at(*platforms, platform));
    }
  }
  if (const YamlNode* checksums = mapping.find("checksums")) {
    recipe.checksums = read_checksums(*checksums);
  }
  if (const YamlNode* signature = mapping.find("signature")) {
    recipe.signature = read_signature(*signature);
    if (recipe.signature->of == Signed::checksums && !recipe.checksums) {
      throw mistake(*signature, "the signature is of the checksums, but the recipe has none");
    }
  }
  return recipe;
}

Variables variables_for(const Recipe& recipe, const std::string& version, const model::Platform& platform) {
  const auto os = recipe.os.find(platform.os);
  auto arch = recipe.arch.find(platform.arch + "/" + platform.variant);
  if (arch == recipe.arch.end() && (platform.variant.empty() || platform.arch != "arm")) {
    arch = recipe.arch.find(platform.arch);
  }
  if (arch == recipe.arch.end() && platform.arch == "arm" && platform.variant.empty()) {
    arch = recipe.arch.find("arm/v7");  // what "arm" alone means to images
  }
  const auto accepts = [&](const model::Platform& one) { return one.accepts(platform); };
  const bool listed =
      recipe.platforms.empty() || std::any_of(recipe.platforms.begin(), recipe.platforms.end(), accepts);
  if (os == recipe.os.end() || arch == recipe.arch.end() || !listed) {
    std::vector<std::string> there;
    if (recipe.platforms.empty()) {
      for (const auto& [system, upstream_system] : recipe.os) {
        for (const auto& [machine, upstream_machine] : recipe.arch) {
          there.push_back(system + "/" + machine);
        }
      }
    } else {
      std::transform(recipe.platforms.begin(), recipe.platforms.end(), std::back_inserter(there),
                     [](const model::Platform& one) { return one.to_string(); });
    }
    throw Error(ErrorCode::manifest,
                fmt::format("the recipe of '{}' has nothing for {}", recipe.name, platform.to_string()))
        .with_hint(fmt::format("it has {}; give the entry `platforms:` of its own", base::join(there, ", ")));
  }
  Variables variables = {{"version", version},
                         {"os", os->second},
                         {"arch", arch->second},
                         {"goos", platform.os},
                         {"goarch", platform.arch},
                         {"ext", ""},
                         {"exe", platform.os == "windows" ? ".exe" : ""}};
  for (const std::string& key : {std::string("default"), platform.os}) {
    if (const auto ext = recipe.ext.find(key); ext != recipe.ext.end()) {
      variables["ext"] = ext->second;
    }
  }
  return variables;
}

bool is_independent_of_platform(const Recipe& recipe) {
  return recipe.url.by_os.size() == 1 && !recipe.url.by_os.begin()->second.uses_platform() &&
         !recipe.file.uses_platform();
}

void check_tool_name(std::string_view name, const SourcePosition& position) {
  const auto plain = [](char c) { return base::is_lower(c) || base::is_digit(c); };
  const bool good =
      !name.empty() && name.size() <= 63 && plain(name.front()) &&
      std::all_of(name.begin(), name.end(), [&](char c) { return plain(c) || c == '.' || c == '_' || c == '-'; });
  if (!good) {
    throw Error(ErrorCode::manifest, fmt::format("'{}' cannot be the name of a tool", base::printable(name, 80)))
        .at(position)
        .with_hint("1 to 63 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit");
  }
}

std::string exact_version(std::string_view text, const SourcePosition& position) {
  static constexpr std::array<std::string_view, 10> k_moving{"latest", "stable", "current", "newest", "edge",
                                                             "main",   "master", "nightly", "head",   "lts"};
  const auto letter_or_digit = [](char c) { return base::is_alphanumeric(c); };
  std::string version(text);
  if (version.size() > 1 && (version[0] == 'v' || version[0] == 'V') && version[1] >= '0' && version[1] <= '9') {
    version.erase(0, 1);
  }
  const bool plain = !version.empty() && version.size() <= 128 && letter_or_digit(version.front()) &&
                     std::all_of(version.begin(), version.end(), [&](char c) {
                       return letter_or_digit(c) || std::string_view("._+~-").find(c) != std::string_view::npos;
                     });
  const std::string lower = base::to_lower(version);
  const bool moving = std::find(k_moving.begin(), k_moving.end(), lower) != k_moving.end();
  const bool wildcard = lower == "x" || lower.ends_with(".x") || lower.find(".x.") != std::string::npos;
  if (!plain || moving || wildcard) {
    throw Error(ErrorCode::manifest, fmt::format("'{}' is not an exact version", base::printable(text, 80)))
        .at(position)
        .with_hint("tools are taken by exact version, for example 1.12.6; look up the newest one at upstream and write "
                   "it down");
  }
  return version;
}

}  // namespace airlock::ecosystem::tool
