// Providers by the address that OpenTofu and Terraform know them by (docs/ecosystems/terraform.md). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "model/platform.hpp"

namespace airlock::ecosystem::terraform {

inline constexpr std::string_view k_opentofu_registry = "registry.opentofu.org";
inline constexpr std::string_view k_terraform_registry = "registry.terraform.io";

struct Provider {
  std::string host;  // lower case, "host" or "host:port"; empty: that of the tool
  std::string namespace_, type;

  auto operator<=>(const Provider&) const = default;
  std::string to_string() const;  // "registry.opentofu.org/hashicorp/null", or without the host where there is none
};

// "null", "hashicorp/null" or "registry.example:5000/team/thing"; case is folded as the clients do. nullopt for what is
// no address.
std::optional<Provider> parse_provider(std::string_view text);
bool is_built_in(const Provider& provider);  // terraform.io/builtin/…, which is part of the program

// As a path of the catalog has it: a port is written with "_".
std::string host_in_path(std::string_view host);
std::string host_of_path(std::string_view part);
// "providers/HOST/NS/TYPE/"; the host must be known.
std::string folder_of(const Provider& provider);

bool is_provider_version(std::string_view text);  // Semantic Versioning 2.0.0, without "v"

struct ProviderFile {
  std::string version, os, arch;
};
// "terraform-provider-null_3.2.2_linux_amd64.zip"
std::string file_name(const Provider& provider, std::string_view version, std::string_view os, std::string_view arch);
// The other way round; hostile. nullopt for every other name.
std::optional<ProviderFile> parse_file_name(const Provider& provider, std::string_view name);

}  // namespace airlock::ecosystem::terraform
