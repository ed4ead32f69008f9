#include "ecosystem/npm/version_facts.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/npm/integrity.hpp"
#include "ecosystem/npm/names.hpp"

namespace airlock::ecosystem::npm {

using base::Error;
using base::ErrorCode;
using base::Json;

namespace {

constexpr std::size_t k_dependency_limit = 10'000;  // of one package
constexpr std::size_t k_list_limit = 64;            // systems, architectures
constexpr std::size_t k_plugin_text_limit = 512;

std::map<std::string, std::string> text_map(const Json& object, const char* key, std::string_view what) {
  std::map<std::string, std::string> result;
  const auto found = object.find(key);
  if (found == object.end() || !found->is_object()) {
    return result;  // old packages have lists and strings here; npm passes over them too
  }
  if (found->size() > k_dependency_limit) {
    throw Error(ErrorCode::limit, fmt::format("{} has {} {}", what, found->size(), key));
  }
  for (const auto& [name, value] : found->items()) {
    if (value.is_string()) {
      result.emplace(name, value.get<std::string>());
    }
  }
  return result;
}

// A string, or a list of them.
std::vector<std::string> text_list(const Json& object, const char* key) {
  const auto found = object.find(key);
  std::vector<std::string> result;
  if (found == object.end()) {
    return result;
  }
  if (found->is_string()) {
    result.push_back(found->get<std::string>());
  } else if (found->is_array()) {
    for (const Json& one : *found) {
      if (one.is_string() && result.size() < k_list_limit) {
        result.push_back(one.get<std::string>());
      }
    }
  }
  return result;
}

std::set<std::string> bundled_names(const Json& package, const Dependencies& dependencies) {
  std::set<std::string> names;
  for (const char* key : {"bundleDependencies", "bundledDependencies"}) {
    const auto found = package.find(key);
    if (found == package.end()) {
      continue;
    }
    if (found->is_boolean() && found->get<bool>()) {
      for (const auto& [name, range] : dependencies.required) {
        names.insert(name);
      }
    } else if (found->is_array()) {
      for (const Json& one : *found) {
        if (one.is_string()) {
          names.insert(one.get<std::string>());
        }
      }
    }
  }
  return names;
}

bool check_list(std::string_view value, const std::vector<std::string>& list) {
  if (list.empty() || (list.size() == 1 && list[0] == "any")) {
    return true;
  }
  std::size_t negated = 0;
  bool match = false;
  for (const std::string& one : list) {
    if (one.starts_with('!')) {
      ++negated;
      if (std::string_view(one).substr(1) == value) {
        return false;
      }
    } else {
      match = match || one == value;
    }
  }
  return match || negated == list.size();
}

// Names of Node.js for those of Go.
std::string_view node_os(std::string_view os) {
  return os == "windows" ? "win32" : os == "solaris" || os == "illumos" ? "sunos" : os;
}
std::string_view node_cpu(std::string_view arch) {
  if (arch == "amd64") {
    return "x64";
  }
  if (arch == "386") {
    return "ia32";
  }
  if (arch == "ppc64le") {
    return "ppc64";
  }
  return arch == "mipsle" ? "mipsel" : arch;
}

bool is_plain_text(const std::string& text) {
  return !text.empty() && text.size() <= k_plugin_text_limit &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; });
}

// The `pulumi` member of a provider's SDK (docs/ecosystems/npm.md, What is carried).
std::optional<PulumiPlugin> read_plugin(const Json& version) {
  const auto found = version.find("pulumi");
  if (found == version.end() || !found->is_object() || !found->value("resource", Json(false)).is_boolean() ||
      !found->value("resource", Json(false)).get<bool>()) {
    return std::nullopt;
  }
  PulumiPlugin plugin{.name = text_or_nothing(*found, "name"),
                      .version = text_or_nothing(*found, "version"),
                      .server = text_or_nothing(*found, "server")};
  if (plugin.version.empty()) {
    plugin.version = text_or_nothing(version, "version");
  }
  if (plugin.name.empty()) {  // "@pulumi/random" means "random"
    plugin.name = base_name(text_or_nothing(version, "name"));
  }
  if (plugin.version.starts_with('v')) {
    plugin.version.erase(0, 1);
  }
  if (!is_plain_text(plugin.name) || !is_version(plugin.version) ||
      (!plugin.server.empty() && !is_plain_text(plugin.server))) {
    return std::nullopt;
  }
  return plugin;
}

std::vector<base::Digest> read_integrity(const Json& dist) {
  std::vector<base::Digest> digests;
  if (const auto integrity = dist.find("integrity"); integrity != dist.end() && integrity->is_string()) {
    digests = parse_integrity(integrity->get_ref<const std::string&>());
  }
  if (const auto shasum = dist.find("shasum"); shasum != dist.end() && shasum->is_string()) {
    const std::string text = base::to_lower(shasum->get_ref<const std::string&>());
    digests.push_back(base::Digest::parse("sha1:" + text));
  }
  return digests;
}

}  // namespace

bool PlatformLimits::allow(const model::Platform& platform, Libc wanted) const {
  if (!check_list(node_os(platform.os), os) || !check_list(node_cpu(platform.arch), cpu)) {
    return false;
  }
  return libc.empty() || (platform.os == "linux" && check_list(wanted == Libc::glibc ? "glibc" : "musl", libc));
}

std::string text_or_nothing(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

PlatformLimits read_limits(const Json& package) {
  return {.os = text_list(package, "os"), .cpu = text_list(package, "cpu"), .libc = text_list(package, "libc")};
}

Dependencies read_dependencies(const Json& package, bool dev, std::string_view what) {
  Dependencies result;
  result.required = text_map(package, "dependencies", what);
  result.optional = text_map(package, "optionalDependencies", what);
  result.peer = text_map(package, "peerDependencies", what);
  const std::set<std::string> bundled = bundled_names(package, result);
  if (dev) {
    result.required.merge(text_map(package, "devDependencies", what));
  }
  if (const auto meta = package.find("peerDependenciesMeta"); meta != package.end() && meta->is_object()) {
    for (const auto& [name, about] : meta->items()) {
      const auto optional = about.is_object() ? about.find("optional") : about.end();
      if (about.is_object() && optional != about.end() && optional->is_boolean() && optional->get<bool>()) {
        const auto place = result.peer.extract(name);
        // Some are named there only, which means any version.
        result.optional_peer.emplace(name, place ? place.mapped() : "*");
      }
    }
  }
  for (const auto& [name, range] : result.optional) {
    result.required.erase(name);
  }
  for (const std::string& name : bundled) {
    result.required.erase(name);
    result.optional.erase(name);
  }
  for (const auto& [name, range] : result.required) {
    result.peer.erase(name);  // a package that is both is placed as its own dependency
    result.optional_peer.erase(name);
  }
  return result;
}

VersionFacts read_facts(const Json& version, std::string_view what) {
  if (!version.is_object()) {
    throw Error(ErrorCode::malformed, fmt::format("{} is no object", what));
  }
  return base::with_context([&] { return fmt::format("while reading {}", what); },
                            [&] {
                              VersionFacts facts;
                              facts.dependencies = read_dependencies(version, false, what);
                              facts.limits = read_limits(version);
                              if (const auto text = version.find("deprecated"); text != version.end()) {
                                // `true` and "" occur; an empty message takes a deprecation back.
                                facts.deprecated = text->is_string()                         ? text->get<std::string>()
                                                   : text->is_boolean() && text->get<bool>() ? "deprecated"
                                                                                             : "";
                              }
                              if (const auto dist = version.find("dist"); dist != version.end() && dist->is_object()) {
                                facts.integrity = read_integrity(*dist);
                                facts.tarball = text_or_nothing(*dist, "tarball");
                              }
                              facts.pulumi = read_plugin(version);
                              return facts;
                            });
}

}  // namespace airlock::ecosystem::npm
