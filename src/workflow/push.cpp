#include "workflow/push.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/refusal.hpp"
#include "base/text.hpp"
#include "base/yaml.hpp"
#include "store/catalog.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;
using base::YamlNode;

constexpr std::size_t k_file_limit = 1024 * 1024;  // bytes

std::vector<std::string> ecosystem_names() {
  std::vector<std::string> names;
  for (const auto* each : ecosystem::all_ecosystems()) {
    names.push_back(each->id);
  }
  return names;
}

void require_ecosystem(const std::string& id, const std::optional<base::SourcePosition>& position) {
  if (ecosystem::find_ecosystem(id) != nullptr) {
    return;
  }
  auto error = Error(position ? ErrorCode::config : ErrorCode::usage,
                     fmt::format("there is no ecosystem '{}'", base::printable(id, 60)));
  if (const auto near = base::nearest(id, ecosystem_names())) {
    error.with_hint(fmt::format("did you mean '{}'?", *near));
  }
  if (position) {
    error.at(*position);
  }
  throw error;
}

base::Url url_for(std::string_view text, const YamlNode* node, std::string_view ecosystem) {
  try {
    auto url = base::Url::parse(text);
    if (!url.user_info().empty()) {
      throw Error(ErrorCode::usage, fmt::format("the URL for {} holds credentials", ecosystem))
          .with_hint("give the name as 'username' and the variable that holds the password as 'password_env'");
    }
    return url;
  } catch (Error& error) {
    if (node != nullptr) {
      error.at(node->position());
    }
    throw;
  }
}

Destination read_one(const std::string& ecosystem, const YamlNode& node, const std::filesystem::path& folder) {
  static const std::vector<std::string> k_keys = {"url", "username", "password_env", "ca_file", "insecure_tls"};
  Destination destination{.ecosystem = ecosystem};
  if (node.is_scalar()) {
    destination.url = url_for(node.scalar(), &node, ecosystem);
    return destination;
  }
  if (!node.is_mapping()) {
    throw Error(ErrorCode::config, fmt::format("'{}' takes a URL or a mapping", ecosystem)).at(node.position());
  }
  bool has_url = false;
  for (const auto& [key, value] : node.members()) {
    const auto name = key.as_string("a key");
    if (name == "url") {
      destination.url = url_for(value.as_string(name), &value, ecosystem);
      has_url = true;
    } else if (name == "username") {
      destination.username = value.as_string(name);
    } else if (name == "password_env") {
      destination.password_env = value.as_string(name);
    } else if (name == "ca_file") {
      const std::filesystem::path path(value.as_string(name));
      destination.ca_file = path.is_absolute() ? path : folder / path;
    } else if (name == "insecure_tls") {
      destination.insecure_tls = value.as_bool(name);
    } else {
      auto error = Error(ErrorCode::config, fmt::format("unknown key '{}'", base::printable(name, 60)));
      if (const auto near = base::nearest(name, k_keys)) {
        error.with_hint(fmt::format("did you mean '{}'?", *near));
      } else {
        error.with_hint("known are: " + base::join(k_keys, ", "));
      }
      throw error.at(key.position());
    }
  }
  if (!has_url) {
    throw Error(ErrorCode::config, fmt::format("'{}' has no url", ecosystem)).at(node.position());
  }
  return destination;
}

base::Secret password_of(const Destination& destination, const PushOptions& options) {
  if (destination.password_env.empty()) {
    return {};
  }
  const char* value = options.environment ? options.environment(destination.password_env.c_str()) : nullptr;
  if (value == nullptr || *value == '\0') {
    throw Error(ErrorCode::config, fmt::format("the variable {} is not set, which holds the password for {}",
                                               destination.password_env, destination.url.redacted()));
  }
  return base::Secret(value);
}

http::ClientOptions client_options(const Destination& destination) {
  http::ClientOptions options;
  http::HostOptions host;
  host.ca_file = destination.ca_file;
  host.insecure_tls = destination.insecure_tls;
  options.hosts[destination.url.host_port()] = host;
  return options;
}

}  // namespace

std::vector<Destination> parse_destinations(std::string_view yaml, const std::filesystem::path& file) {
  try {
    const auto root = base::parse_yaml(yaml, file.string());
    if (!root.is_mapping()) {
      throw Error(ErrorCode::config, "a destinations file maps ecosystems to registries").at(root.position());
    }
    std::vector<Destination> destinations;
    for (const auto& [key, value] : root.members()) {
      const auto ecosystem = key.as_string("an ecosystem");
      require_ecosystem(ecosystem, key.position());
      if (value.is_sequence()) {
        for (const auto& item : value.items()) {
          destinations.push_back(read_one(ecosystem, item, file.parent_path()));
        }
      } else {
        destinations.push_back(read_one(ecosystem, value, file.parent_path()));
      }
    }
    return destinations;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::manifest) {
      throw;
    }
    // The reader of YAML serves manifests first and names them.
    throw base::with_code(error, ErrorCode::config);
  }
}

std::vector<Destination> read_destinations(const std::string& spec) {
  const auto equals = spec.find('=');
  if (equals != std::string::npos && spec.find("://") != std::string::npos) {
    const auto ecosystem = spec.substr(0, equals);
    require_ecosystem(ecosystem, std::nullopt);
    return {{.ecosystem = ecosystem, .url = url_for(spec.substr(equals + 1), nullptr, ecosystem)}};
  }
  return parse_destinations(base::read_file(spec, k_file_limit), spec);
}

std::vector<PushResult> push_catalog(const PushOptions& options, base::Reporter& reporter) {
  const auto catalog = store::Catalog::open_current(options.home.root);
  if (!catalog) {
    throw Error(ErrorCode::not_found,
                fmt::format("nothing is active in {}, so there is nothing to push", options.home.root.string()))
        .with_hint("`airlock import BUNDLE` takes something in; `airlock store list` shows what is here");
  }
  const store::BlobStore blobs(options.home.blobs());
  for (const auto& id : options.only) {
    require_ecosystem(id, std::nullopt);
  }
  std::vector<PushResult> results;
  for (const auto& destination : options.destinations) {
    if (!options.only.empty() &&
        std::find(options.only.begin(), options.only.end(), destination.ecosystem) == options.only.end()) {
      continue;
    }
    const auto* ecosystem = ecosystem::find_ecosystem(destination.ecosystem);
    if (!ecosystem->push) {
      throw Error(ErrorCode::unsupported, fmt::format("airlock cannot push {} yet", destination.ecosystem))
          .with_hint("`airlock ecosystem list` shows what can be pushed");
    }
    http::Client client(client_options(destination));
    const ecosystem::PushTarget target{destination.url, destination.username, password_of(destination, options)};
    const ecosystem::PushContext context{client, *catalog, blobs, reporter, options.mode};
    auto report = base::with_context(
        [&] { return fmt::format("pushing {} to {}", destination.ecosystem, destination.url.redacted()); },
        [&] { return ecosystem->push(context, target); });
    results.push_back({destination.ecosystem, destination.url.redacted(), std::move(report)});
  }
  return results;
}

}  // namespace airlock::workflow
