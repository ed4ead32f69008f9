// Which paths an image's package URL names: its tag, whatever its digests lead to in its repository.
#pragma once

#include "model/belonging.hpp"

namespace airlock::ecosystem::oci {

model::Belonging belongs(const model::FileRow& row);  // pure; hostile

}  // namespace airlock::ecosystem::oci
