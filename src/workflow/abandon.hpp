// Making transfers that nobody waits for any more give up at once, wherever they wait: for a connection, for a body
// that stalls, for the time that a server asked for.
#pragma once

#include "base/interrupt.hpp"

namespace airlock::workflow {

// As long as it lives, transfers of this process end as if the user had asked for it, which is the one request that all
// of them heed. A user's own request stays.
class AbandonTransfers {
 public:
  AbandonTransfers() : m_asked_before(base::interrupt_requested()) { base::request_interrupt(); }
  AbandonTransfers(const AbandonTransfers&) = delete;
  AbandonTransfers& operator=(const AbandonTransfers&) = delete;
  ~AbandonTransfers() {
    if (!m_asked_before) {
      base::clear_interrupt();
    }
  }

 private:
  bool m_asked_before;
};

}  // namespace airlock::workflow
