#pragma once

#include <memory>

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::terraform {

std::unique_ptr<Resolver> make_resolver(const ResolveContext& context);

}  // namespace airlock::ecosystem::terraform
