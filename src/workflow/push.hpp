// From the store into registries that are already there.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/reporter.hpp"
#include "base/secret.hpp"
#include "base/url.hpp"
#include "ecosystem/ecosystem.hpp"
#include "workflow/home.hpp"

namespace airlock::workflow {

// One registry and what is pushed to it. In the file (YAML):
//
//   oci:
//     url: https://registry.site.example/mirror
//     username: pusher
//     password_env: REGISTRY_PASSWORD      the variable that holds it; passwords never stand in the file
//     ca_file: site-ca.pem                 relative to the file
struct Destination {
  std::string ecosystem;
  base::Url url;
  std::string username;
  std::string password_env;
  std::filesystem::path ca_file;
  bool insecure_tls = false;
};

// `spec` is a file, or "ECOSYSTEM=URL". Throws not_found, config with a position, usage.
std::vector<Destination> read_destinations(const std::string& spec);
std::vector<Destination> parse_destinations(std::string_view yaml, const std::filesystem::path& file);

struct PushOptions {
  Home home;
  std::vector<Destination> destinations;
  std::vector<std::string> only;  // ecosystems; empty: all destinations
  ecosystem::PushContext::Mode mode = ecosystem::PushContext::Mode::push;
  std::function<const char*(const char*)> environment;
};

struct PushResult {
  std::string ecosystem;
  std::string url;  // without secrets
  ecosystem::PushReport report;
};

// Throws not_found (nothing is active), config (a variable that is not set), unsupported (an ecosystem that cannot
// push), network, auth. Artifacts that fail are in the report, and the others go on.
std::vector<PushResult> push_catalog(const PushOptions& options, base::Reporter& reporter);

}  // namespace airlock::workflow
