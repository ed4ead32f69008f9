#include "ecosystem/pypi/plugin.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace airlock::ecosystem::pypi {

using base::Error;
using base::ErrorCode;
using base::Json;

namespace {

constexpr std::size_t k_longest_word = 512;  // bytes

bool is_plain(std::string_view text, std::string_view others) {
  return text.size() <= k_longest_word && std::all_of(text.begin(), text.end(), [&](char c) {
           return base::is_alphanumeric(c) || others.find(c) != std::string_view::npos;
         });
}

}  // namespace

bool is_plugin_description(std::string_view member) {
  constexpr std::string_view suffix = "/pulumi-plugin.json";
  return member.ends_with(suffix) && member.find('/') == member.size() - suffix.size();
}

std::optional<std::string> parse_plugin(std::string_view text, const IndexFile& file) {
  const std::string what = fmt::format("pulumi-plugin.json in '{}'", file.file);
  const Json plugin = base::parse_json(text, what, {.bytes = k_plugin_limit, .depth = 16, .members = 1000});
  const auto resource = plugin.find("resource");
  if (!plugin.is_object() || resource == plugin.end() || !resource->is_boolean() || !resource->get<bool>()) {
    return std::nullopt;
  }
  const std::string name = base::string_member_or(plugin, "name", "", what);
  std::string version = base::string_member_or(plugin, "version", "", what);
  const std::string server = base::string_member_or(plugin, "server", "", what);
  if (version.starts_with('v')) {
    version.erase(0, 1);
  }
  if (version.empty()) {
    version = file.name.version_text;
  }
  if (name.empty() || !is_plain(name, "-_.") || !is_plain(version, "-_.+") ||
      !is_plain(server, "-_.~:/?#[]@!$&'()*+,;=%{}")) {
    throw Error(ErrorCode::malformed, fmt::format("{} names no plugin that could be asked for", what));
  }
  return fmt::format("resource {}@{}{}", name, version, server.empty() ? "" : " server=" + server);
}

}  // namespace airlock::ecosystem::pypi
