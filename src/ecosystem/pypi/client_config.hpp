#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::pypi {

ClientConfig client_config(const ClientConfigRequest& request);

}  // namespace airlock::ecosystem::pypi
