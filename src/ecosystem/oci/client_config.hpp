// What makes docker, containerd, podman and their kin use only this mirror.
#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::oci {

ClientConfig client_config(const ClientConfigRequest& request);

}  // namespace airlock::ecosystem::oci
