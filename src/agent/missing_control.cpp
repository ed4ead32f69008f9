#include "agent/missing_control.hpp"

#include <system_error>

namespace airlock::agent {

void throw_missing(std::string control, const std::string& doing, int error) {
  throw MissingControl(std::move(control), doing + ": " + std::generic_category().message(error));
}

}  // namespace airlock::agent
