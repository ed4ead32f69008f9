// Rules that the wire and the user's API share.
#pragma once

#include <string_view>

#include "control/wire.hpp"

namespace airlock::control {

// Each throws malformed, saying what is wrong.
void check_source(const Source& source);
void check_backend_url(std::string_view url);  // holds no password
void check_image_reference(std::string_view reference);
// 32 lower-case hex characters in groups: the form of a UUID, as clients expect of a deployment's id.
bool is_deployment_id(std::string_view text);

}  // namespace airlock::control
