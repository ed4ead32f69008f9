#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::file {

ClientConfig client_config(const ClientConfigRequest& request);

}  // namespace airlock::ecosystem::file
