// Go SDKs of Pulumi providers name the plugin that they need in a file of their own: pulumi-plugin.json.
#pragma once

#include <optional>
#include <string_view>

#include "ecosystem/go/go_mod.hpp"
#include "ecosystem/go/module_path.hpp"
#include "model/request.hpp"

namespace airlock::ecosystem::go {

// Whether the module is built on Pulumi's SDK, so that looking for that file is worth the requests.
bool asks_for_pulumi_plugin(const GoMod& mod);

// Pure: the request that the file's content makes; without a version in it the module's counts. nullopt where it says
// that it is no plugin of a resource provider, or names none. Throws malformed.
std::optional<model::Request> parse_pulumi_plugin(std::string_view json, const Module& module);

// Whether a file of that path in a module is the one: beside go.mod, or with the provider's package below it.
bool is_pulumi_plugin_file(std::string_view name);

}  // namespace airlock::ecosystem::go
