// Which paths the package URL of a provider's version names: its packages, and what proves them.
#pragma once

#include "model/belonging.hpp"

namespace airlock::ecosystem::terraform {

model::Belonging belongs(const model::FileRow& row);  // pure; hostile

}  // namespace airlock::ecosystem::terraform
