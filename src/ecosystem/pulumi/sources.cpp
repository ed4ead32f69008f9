#include "ecosystem/pulumi/sources.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"
#include "ecosystem/remote_file.hpp"

namespace airlock::ecosystem::pulumi {

using base::Error;
using base::ErrorCode;
using base::SourcePosition;

namespace {

constexpr std::string_view k_github_api = "api.github.com";

// Resource plugins that the CLI looks for in the organisation of the community.
constexpr std::array<std::string_view, 25> k_community{"acme",
                                                       "aquasec",
                                                       "astra",
                                                       "aws-eksa",
                                                       "buildkite",
                                                       "concourse",
                                                       "configcat",
                                                       "doppler",
                                                       "exoscale",
                                                       "gandi",
                                                       "github-credentials",
                                                       "googleworkspace",
                                                       "harbor",
                                                       "hcp",
                                                       "heroku",
                                                       "matchbox",
                                                       "mssql",
                                                       "ngrok",
                                                       "purrl",
                                                       "sentry",
                                                       "statuscake",
                                                       "time",
                                                       "unifi",
                                                       "vra",
                                                       "zitadel"};

std::string repository_name(const Plugin& plugin) {
  const bool shares_one = plugin.name == "yaml" || plugin.name == "hcl";
  if (plugin.kind == "converter" && !shares_one) {
    return "pulumi-converter-" + plugin.name;
  }
  return (plugin.kind == "tool" ? "pulumi-tool-" : "pulumi-") + plugin.name;
}

Source github(std::string_view api_host, const std::string& owner, const std::string& repository) {
  const std::string host(api_host.starts_with("api.") ? api_host.substr(4) : api_host);
  return {.folder = fmt::format("https://{}/{}/{}/releases/download/v{{version}}", host, owner, repository),
          .releases = fmt::format("https://{}/repos/{}/{}/releases", api_host, owner, repository),
          .has_checksums = true,
          .variables_name = {}};
}

bool is_path_part(std::string_view part) {
  return !part.empty() && part.front() != '.' && std::all_of(part.begin(), part.end(), [](char c) {
    return base::is_alphanumeric(c) || std::string_view("-_.%").find(c) != std::string_view::npos;
  });
}

[[noreturn]] void refuse(const Plugin& plugin, const SourcePosition& position, const std::string& hint) {
  throw Error(ErrorCode::manifest, fmt::format("'{}' is no place from which the plugin '{}' can be taken",
                                               base::printable(plugin.server, 200), plugin.name))
      .at(position)
      .with_hint(hint);
}

Source from_server(const Plugin& plugin, const SourcePosition& position) {
  const std::size_t colon = plugin.server.find("://");
  const std::string scheme = base::to_lower(plugin.server.substr(0, colon == std::string::npos ? 0 : colon));
  if (scheme == "http" || scheme == "https") {
    std::string folder = plugin.server;
    while (folder.ends_with('/')) {
      folder.pop_back();
    }
    return {.folder = std::move(folder), .releases = {}, .has_checksums = true, .variables_name = plugin.name};
  }
  const std::vector<std::string> parts =
      colon == std::string::npos ? std::vector<std::string>() : base::split(plugin.server.substr(colon + 3), '/');
  const bool plain = !parts.empty() && std::all_of(parts.begin() + 1, parts.end(), is_path_part) &&
                     !parts.front().empty() && parts.front().find('@') == std::string::npos;
  if (scheme == "github" && plain && (parts.size() == 2 || parts.size() == 3)) {
    return github(parts[0], parts[1], parts.size() == 3 ? parts[2] : repository_name(plugin));
  }
  if (scheme == "gitlab" && plain && parts.size() == 2) {
    return {.folder = fmt::format("https://{}/api/v4/projects/{}/releases/v{{version}}/downloads", parts[0], parts[1]),
            .releases = {},
            .has_checksums = true,
            .variables_name = {}};
  }
  refuse(
      plugin, position,
      "server is https://HOST/PATH, github://HOST/OWNER[/REPOSITORY] or gitlab://HOST/PROJECT; plugins that are built "
      "from a git repository are not carried");
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

}  // namespace

std::vector<Source> sources_of(const Plugin& plugin, const SourcePosition& position) {
  if (!plugin.server.empty()) {
    return {from_server(plugin, position)};
  }
  std::vector<Source> sources;
  const bool community =
      plugin.kind == "resource" && std::find(k_community.begin(), k_community.end(), plugin.name) != k_community.end();
  if (community) {
    return {github(k_github_api, "pulumiverse", repository_name(plugin))};
  }
  sources.push_back(github(k_github_api, "pulumi", repository_name(plugin)));
  if (plugin.name == "hcl" && (plugin.kind == "language" || plugin.kind == "converter")) {
    sources.push_back(github(k_github_api, "pulumi-labs", repository_name(plugin)));  // of older CLIs
  }
  sources.push_back({.folder = "https://get.pulumi.com/releases/plugins",
                     .releases = {},
                     .has_checksums = false,
                     .variables_name = {}});
  return sources;
}

base::Url folder_url(const Source& source, const Plugin& plugin, const model::Platform& platform,
                     const SourcePosition& position) {
  std::string folder = source.folder;
  const std::string version = base::percent_encode(plugin.version);
  if (source.variables_name.empty()) {
    replace_all(folder, "{version}", version);
  } else {
    const std::array<std::pair<std::string_view, std::string>, 4> variables{
        {{"NAME", plugin.name}, {"VERSION", version}, {"OS", platform.os}, {"ARCH", platform.arch}}};
    for (const auto& [name, value] : variables) {
      // Addresses that went through a schema have their braces percent-encoded.
      replace_all(folder, fmt::format("${{{}}}", name), value);
      replace_all(folder, fmt::format("$%7B{}%7D", name), value);
      replace_all(folder, fmt::format("$%7b{}%7d", name), value);
    }
  }
  return checked_url(folder, position);
}

std::string checksums_name(const Plugin& plugin) {
  return fmt::format("pulumi-{}{}_{}_checksums.txt",
                     plugin.kind == "resource" || plugin.kind == "language" ? "" : plugin.kind + "-", plugin.name,
                     plugin.version);
}

}  // namespace airlock::ecosystem::pulumi
