#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::tool {

ClientConfig client_config(const ClientConfigRequest& request);

}  // namespace airlock::ecosystem::tool
