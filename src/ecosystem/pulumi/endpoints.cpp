#include "ecosystem/pulumi/endpoints.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "ecosystem/plain_tree.hpp"
#include "ecosystem/pulumi/plugin.hpp"
#include "model/version.hpp"

namespace airlock::ecosystem::pulumi {

using http::ServerRequest;
using http::ServerResponse;
using model::Kind;

namespace {

// The CLI's releases came in as the tool `pulumi`: pulumi/VERSION/FILE there.
constexpr std::string_view k_tool = "tool";
constexpr std::string_view k_tool_folder = "pulumi/";

// "pulumi-v3.259.0-linux-x64.tar.gz", "pulumi-3.259.0-checksums.txt"
std::optional<std::string> version_of_sdk_file(std::string_view name) {
  constexpr std::string_view prefix = "pulumi-";
  if (!name.starts_with(prefix)) {
    return std::nullopt;
  }
  name.remove_prefix(prefix.size());
  name.remove_prefix(name.starts_with('v') ? 1 : 0);
  // A version may have "-" in it, so the longest one that there is a known ending for.
  for (const std::string_view ending : {"-linux-", "-darwin-", "-windows-", "-checksums.txt"}) {
    const std::size_t at = name.rfind(ending);
    if (at != std::string_view::npos && is_plugin_version(name.substr(0, at))) {
      return std::string(name.substr(0, at));
    }
  }
  return std::nullopt;
}

ServerResponse get_sdk_file(const MirrorContext& context, const ServerRequest& request) {
  const std::string& name = request.parameter("file");
  const auto version = version_of_sdk_file(name);
  const auto catalog = context.catalog();
  const auto row =
      catalog && version ? catalog->find(k_tool, fmt::format("{}{}/{}", k_tool_folder, *version, name)) : std::nullopt;
  if (row && row->kind == Kind::withheld) {
    return ServerResponse::text(403, fmt::format("'{}' {}\n", name, why_withheld(*row)));
  }
  if (row && row->sha256 && row->length && (row->kind == Kind::file || row->kind == Kind::meta)) {
    return serve_blob(context, *row);
  }
  if (version && context.missing) {
    context.missing("pulumi", "sdk/" + name);
  }
  return ServerResponse::text(404, fmt::format("'{}' is not in any imported bundle\n", name));
}

// What installers of the CLI ask: the newest version, as one word.
ServerResponse latest_version(const MirrorContext& context) {
  const auto catalog = context.catalog();
  std::optional<model::Version> newest;
  std::optional<store::CatalogRow> withheld;
  if (catalog) {
    for (const store::CatalogRow& row : catalog->list(k_tool, k_tool_folder)) {
      const std::size_t end = row.path.find('/', k_tool_folder.size());
      const auto version = model::Version::parse(row.path.substr(k_tool_folder.size(), end - k_tool_folder.size()));
      if (row.kind == Kind::file && version && (!newest || *newest < *version)) {
        newest = version;
      }
      if (row.kind == Kind::withheld && version) {
        withheld = row;
      }
    }
  }
  if (!newest && withheld) {
    return ServerResponse::text(403, fmt::format("the CLI {}\n", why_withheld(*withheld)));
  }
  return newest ? ServerResponse::text(200, newest->text() + "\n")
                : ServerResponse::text(404, "no release of the CLI is in any imported bundle\n");
}

}  // namespace

void mount(http::Router& router, const MirrorContext& context) {
  mount_plain_tree(router, context, "pulumi", "/pulumi/");
  router.add("GET", "/pulumi/sdk/{file}",
             [context](const ServerRequest& request) { return get_sdk_file(context, request); });
  router.add("GET", "/pulumi/sdk/latest-version", [context](const ServerRequest&) { return latest_version(context); });
}

Wanted wanted(std::string_view name) {
  constexpr std::string_view plugins = "plugins/";
  constexpr std::string_view sdk = "sdk/";
  if (name.starts_with(plugins)) {
    const auto file = parse_file_name(name.substr(plugins.size()));
    if (!file) {
      return {};
    }
    return {.request = model::Request{
                .section = "pulumi",
                .values = {{"plugins", {file->plugin.to_string()}}, {"platforms", {file->os + "/" + file->arch}}}}};
  }
  if (name.starts_with(sdk)) {
    if (const auto version = version_of_sdk_file(name.substr(sdk.size()))) {
      return {.request = model::Request{.section = "tools", .values = {{"name", {"pulumi"}}, {"version", {*version}}}}};
    }
  }
  return {};
}

}  // namespace airlock::ecosystem::pulumi
