// Connected side: entries of the `images` section to rows, and rows to bytes.
#pragma once

#include <memory>
#include <vector>

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::oci {

std::unique_ptr<Resolver> make_resolver(const ResolveContext& context);

// The `images` section of the manifest.
std::vector<model::SectionSchema> image_sections();

}  // namespace airlock::ecosystem::oci
