// The same step for many things, on all cores.
#pragma once

#include <cstddef>
#include <functional>

namespace airlock::base {

// Calls step(0) … step(count - 1), begun in that order, on `threads` threads (0: one a core), or on as many as can be
// had. What a step throws ends the work and is thrown again here, the first of several.
void for_each_in_parallel(std::size_t count, unsigned threads, const std::function<void(std::size_t)>& step);

}  // namespace airlock::base
