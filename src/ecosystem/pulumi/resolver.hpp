#pragma once

#include <memory>

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::pulumi {

std::unique_ptr<Resolver> make_resolver(const ResolveContext& context);

}  // namespace airlock::ecosystem::pulumi
