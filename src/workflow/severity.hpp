// Which of several failures counts.
#pragma once

namespace airlock::workflow {

// The smaller, the worse: security (exit code 3) before incompleteness (4) before staleness (5); what is none of them
// counts least.
constexpr int severity_rank(int exit_code) {
  return exit_code >= 3 && exit_code <= 5 ? exit_code : 6;
}

}  // namespace airlock::workflow
