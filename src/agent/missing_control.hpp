// "This kernel, or this service's sandbox, does not give what contains a job": named, so that an administrator can act.
#pragma once

#include <stdexcept>
#include <string>

namespace airlock::agent {

// Thrown inside the process that builds a job's walls, and sent to the agent as CellEvent.
class MissingControl : public std::runtime_error {
 public:
  MissingControl(std::string control, const std::string& cause)
      : std::runtime_error(cause), m_control(std::move(control)) {}
  const std::string& control() const { return m_control; }

 private:
  std::string m_control;
};

// With the text of `error` (an errno) behind `doing`.
[[noreturn]] void throw_missing(std::string control, const std::string& doing, int error);

}  // namespace airlock::agent
