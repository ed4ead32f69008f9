// Providers of OpenTofu and Terraform (docs/ecosystems/terraform.md).
#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::terraform {

const Ecosystem& descriptor();

}  // namespace airlock::ecosystem::terraform
