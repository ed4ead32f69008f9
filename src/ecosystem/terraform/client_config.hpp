#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::terraform {

ClientConfig client_config(const ClientConfigRequest& request);

}  // namespace airlock::ecosystem::terraform
