#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::pulumi {

ClientConfig client_config(const ClientConfigRequest& request);

}  // namespace airlock::ecosystem::pulumi
