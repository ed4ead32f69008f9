#include "ecosystem/go/pulumi_plugin.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace airlock::ecosystem::go {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::string_view k_sdk = "github.com/pulumi/pulumi/sdk/v3";
constexpr std::string_view k_plugin_file = "pulumi-plugin.json";
constexpr std::size_t k_largest_plugin_file = 64 * 1024;  // bytes

bool is_plain(std::string_view text) {
  const auto allowed = [](char c) { return base::is_alphanumeric(c) || c == '-' || c == '_' || c == '.' || c == '+'; };
  return !text.empty() && text.size() <= 200 && std::all_of(text.begin(), text.end(), allowed);
}

}  // namespace

bool asks_for_pulumi_plugin(const GoMod& mod) {
  return std::any_of(mod.requirements.begin(), mod.requirements.end(),
                     [](const Module& module) { return module.path == k_sdk; });
}

std::optional<model::Request> parse_pulumi_plugin(std::string_view json, const Module& module) {
  const std::string what = fmt::format("{} of {}", k_plugin_file, module.to_string());
  const base::Json plugin =
      base::parse_json(json, what, {.bytes = k_largest_plugin_file, .depth = 16, .members = 1000});
  if (!plugin.is_object()) {
    throw Error(ErrorCode::malformed, fmt::format("{} is no JSON object", what));
  }
  if (const auto resource = plugin.find("resource"); resource == plugin.end() || *resource != true) {
    return std::nullopt;
  }
  const std::string name = base::string_member_or(plugin, "name", "", what);
  std::string version = base::string_member_or(plugin, "version", "", what);
  const std::string server = base::string_member_or(plugin, "server", "", what);
  if (version.empty()) {
    version = module.version;
  }
  if (version.starts_with('v')) {
    version.erase(0, 1);
  }
  if (name.empty()) {
    return std::nullopt;
  }
  if (!is_plain(name) || !is_plain(version)) {
    throw Error(ErrorCode::malformed, fmt::format("{} names the plugin '{}' in version '{}'", what,
                                                  base::printable(name, 100), base::printable(version, 100)));
  }
  std::string plugin_text = fmt::format("resource {}@{}", name, version);
  if (!server.empty()) {
    if (server.find_first_of(" \t\r\n") != std::string::npos || server.size() > 1000) {
      throw Error(ErrorCode::malformed, fmt::format("{} names no usable server", what));
    }
    plugin_text += fmt::format(" server={}", server);
  }
  return model::Request{.section = "pulumi", .values = {{"plugins", {plugin_text}}}};
}

bool is_pulumi_plugin_file(std::string_view name) {
  return name.ends_with(k_plugin_file) &&
         (name.size() == k_plugin_file.size() || name[name.size() - k_plugin_file.size() - 1] == '/');
}

}  // namespace airlock::ecosystem::go
