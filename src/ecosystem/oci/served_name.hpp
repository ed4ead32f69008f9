// Which repositories of the catalog a name in a request can mean.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ecosystem/oci/reference.hpp"

namespace airlock::ecosystem::oci {

// The mirror has each upstream under its host: "registry.example_5000/team/app". A bare name is Docker Hub's,
// as docker's mirror list and short names have it; `ns` is the host that containerd asks for (its hosts.toml
// protocol) and then the name is inside that. In order of preference; empty when the name is not one at all.
std::vector<std::string> served_repositories(std::string_view name, std::string_view ns);

// "HOST/REPO" of a catalog path as people and manifests write it: with the port after ':'.
std::string upstream_name(std::string_view repository);

}  // namespace airlock::ecosystem::oci
