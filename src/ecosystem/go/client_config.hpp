#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::go {

ClientConfig client_config(const ClientConfigRequest& request);

}  // namespace airlock::ecosystem::go
