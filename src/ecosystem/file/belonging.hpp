// Which path a file's package URL names: its own.
#pragma once

#include "model/belonging.hpp"

namespace airlock::ecosystem::file {

model::Belonging belongs(const model::FileRow& row);  // pure; hostile

}  // namespace airlock::ecosystem::file
