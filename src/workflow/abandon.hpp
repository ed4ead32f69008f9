// Making transfers that nobody waits for any more give up at once, wherever they wait: for a connection, for a body
// that stalls, for the time that a server asked for.
#pragma once

#include "base/interrupt.hpp"

namespace airlock::workflow {

// As long as it lives, transfers of this process end as if the user had asked for it, which is the one request that all
// of them heed.
class AbandonTransfers {
 public:
  AbandonTransfers() { base::begin_giving_up(); }
  AbandonTransfers(const AbandonTransfers&) = delete;
  AbandonTransfers& operator=(const AbandonTransfers&) = delete;
  ~AbandonTransfers() { base::end_giving_up(); }
};

}  // namespace airlock::workflow
