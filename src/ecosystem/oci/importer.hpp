// Pushes what the catalog holds into a registry that is already there (distribution-spec 1.1, "Push").
#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::oci {

// Everything is pushed below the target's path with the mirror's names:
// ".../prefix/docker.io/library/debian:12". What is there is skipped; what fails is a finding, and the rest
// goes on. Throws only when nothing can be done at all (the registry does not answer, credentials are
// refused). One artifact of the report is one tag, or one image that is known by digest only.
PushReport push(const PushContext& context, const PushTarget& target);

}  // namespace airlock::ecosystem::oci
