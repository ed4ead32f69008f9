#pragma once

#include <memory>

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::pypi {

std::unique_ptr<Resolver> make_resolver(const ResolveContext& context);

}  // namespace airlock::ecosystem::pypi
