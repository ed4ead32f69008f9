// What a person types to block, revoke or look for something.
#pragma once

#include <string_view>

#include "model/item.hpp"

namespace airlock::workflow {

// As model::Item::parse, and of an ecosystem or a type of package URL that there is: a misspelt one would be taken,
// stop nothing, and look as if it did. Throws usage, with what may have been meant.
model::Item known_item(std::string_view text);

}  // namespace airlock::workflow
