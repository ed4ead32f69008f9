// pulumi-plugin.json: which plugin a provider's SDK drives. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ecosystem/pypi/index_page.hpp"

namespace airlock::ecosystem::pypi {

inline constexpr std::size_t k_plugin_limit = 64 * 1024;  // bytes

bool is_plugin_description(std::string_view member);  // "pulumi_command/pulumi-plugin.json"

// "resource NAME@VERSION", with " server=URL" where it names one; the version is the package's own where it gives
// none. nullopt for an SDK without a plugin. Throws malformed.
std::optional<std::string> parse_plugin(std::string_view text, const IndexFile& file);

}  // namespace airlock::ecosystem::pypi
