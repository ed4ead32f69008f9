#include "ecosystem/npm/version_document.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/url.hpp"
#include "ecosystem/npm/names.hpp"
#include "ecosystem/npm/version_facts.hpp"

namespace airlock::ecosystem::npm {

using base::Json;

namespace {

// Of the publisher and of the registry's own workings; no client that installs reads them.
constexpr std::array<const char*, 19> k_left_out = {"readme",
                                                    "readmeFilename",
                                                    "_npmUser",
                                                    "_npmVersion",
                                                    "_nodeVersion",
                                                    "_npmOperationalInternal",
                                                    "maintainers",
                                                    "contributors",
                                                    "gitHead",
                                                    "_from",
                                                    "_resolved",
                                                    "_shasum",
                                                    "_integrity",
                                                    "_attachments",
                                                    "users",
                                                    "_rev",
                                                    "_defaultsLoaded",
                                                    "_engineSupported",
                                                    "_cnpm_publish_time"};
constexpr std::array<const char*, 4> k_dist_kept = {"integrity", "shasum", "fileCount", "unpackedSize"};
constexpr std::array<const char*, 1> k_dist_notes = {"signatures"};
constexpr std::array<const char*, 22> k_abbreviated_members = {"name",
                                                               "version",
                                                               "deprecated",
                                                               "dependencies",
                                                               "optionalDependencies",
                                                               "devDependencies",
                                                               "peerDependencies",
                                                               "peerDependenciesMeta",
                                                               "bundleDependencies",
                                                               "bundledDependencies",
                                                               "acceptDependencies",
                                                               "bin",
                                                               "directories",
                                                               "dist",
                                                               "engines",
                                                               "_hasShrinkwrap",
                                                               "hasInstallScript",
                                                               "funding",
                                                               "cpu",
                                                               "os",
                                                               "libc",
                                                               "license"};

std::string print(const Json& json) {
  return base::to_line(json);
}

// True when npm runs something at installation, which the abbreviated form tells without the scripts.
bool has_install_script(const Json& version) {
  const auto scripts = version.find("scripts");
  return scripts != version.end() && scripts->is_object() &&
         (scripts->contains("install") || scripts->contains("preinstall") || scripts->contains("postinstall"));
}

}  // namespace

std::string carried_version(const Json& upstream, std::string_view tarball) {
  Json version = upstream;
  for (const char* key : k_left_out) {
    version.erase(key);
  }
  version.erase("deprecated");
  Json dist = Json::object();
  if (const auto old = upstream.find("dist"); old != upstream.end() && old->is_object()) {
    for (const char* key : k_dist_kept) {
      if (const auto value = old->find(key); value != old->end()) {
        dist[key] = *value;
      }
    }
  }
  dist["tarball"] = tarball;
  version["dist"] = std::move(dist);
  return print(version);
}

std::optional<std::string> carried_notes(const Json& upstream, std::string_view time) {
  Json notes = Json::object();
  if (const auto text = upstream.find("deprecated");
      text != upstream.end() && (text->is_string() || text->is_boolean())) {
    notes["deprecated"] = *text;
  }
  if (const auto dist = upstream.find("dist"); dist != upstream.end() && dist->is_object()) {
    for (const char* key : k_dist_notes) {
      // Attestations are at an address of the registry's, which is not there on the far side.
      if (const auto value = dist->find(key); value != dist->end() && value->is_array()) {
        notes[key] = *value;
      }
    }
  }
  if (!time.empty()) {
    notes["time"] = time;
  }
  return notes.empty() ? std::nullopt : std::optional(print(notes));
}

Json served_version(Json version, const Json& notes, std::string_view base) {
  if (!version.is_object()) {
    throw base::Error(base::ErrorCode::malformed, "the document of a version is no object");
  }
  const std::string name = text_or_nothing(version, "name");
  Json& dist = version["dist"];
  if (!dist.is_object()) {
    dist = Json::object();
  }
  const std::string file = text_or_nothing(dist, "tarball");
  dist["tarball"] = fmt::format("{}/{}", base, base::percent_encode(tarball_path(name, file), "/@~!'()*"));
  if (notes.is_object()) {
    if (const auto text = notes.find("deprecated"); text != notes.end()) {
      version["deprecated"] = *text;
    }
    for (const char* key : k_dist_notes) {
      if (const auto value = notes.find(key); value != notes.end()) {
        dist[key] = *value;
      }
    }
  }
  version["_id"] = fmt::format("{}@{}", name, text_or_nothing(version, "version"));
  return version;
}

Json abbreviated_version(const Json& served) {
  Json result = Json::object();
  for (const char* key : k_abbreviated_members) {
    if (const auto value = served.find(key); value != served.end()) {
      result[key] = *value;
    }
  }
  if (!result.contains("hasInstallScript") && has_install_script(served)) {
    result["hasInstallScript"] = true;
  }
  return result;
}

}  // namespace airlock::ecosystem::npm
