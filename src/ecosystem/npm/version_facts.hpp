// What a version's object in a registry, or a package.json, says that matters to a closure (npm's package.json
// documentation). Pure; takes foreign JSON.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/json.hpp"
#include "model/platform.hpp"

namespace airlock::ecosystem::npm {

enum class Libc { glibc, musl };

struct Dependencies {
  // Name to range, each name in one of them only: what is optional is not required. An optional peer is not installed
  // for its own sake, but where it is there it must fit.
  std::map<std::string, std::string> required, optional, peer, optional_peer;
};

struct PlatformLimits {  // empty: any
  std::vector<std::string> os, cpu, libc;
  bool any() const { return os.empty() && cpu.empty() && libc.empty(); }
  // As npm-install-checks decides.
  bool allow(const model::Platform& platform, Libc libc) const;
};

struct PulumiPlugin {
  std::string name, version, server;
};

struct VersionFacts {
  Dependencies dependencies;  // bundled ones left out
  PlatformLimits limits;
  std::string deprecated;  // the message; empty when it is not
  std::vector<base::Digest> integrity;
  std::string tarball;  // URL as upstream gave it; may be empty
  std::optional<PulumiPlugin> pulumi;
};

// `what` stands in messages. Throws malformed, limit.
VersionFacts read_facts(const base::Json& version, std::string_view what);
// Those of a package.json, with its devDependencies among the required ones when `dev`.
Dependencies read_dependencies(const base::Json& package, bool dev, std::string_view what);
PlatformLimits read_limits(const base::Json& package);
// A member of an object; "" where it is not there or no text, as old packages have it.
std::string text_or_nothing(const base::Json& object, const char* key);

}  // namespace airlock::ecosystem::npm
