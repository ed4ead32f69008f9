#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::npm {

std::unique_ptr<Resolver> make_resolver(const ResolveContext& context);

}  // namespace airlock::ecosystem::npm
