// A polite end on the first signal: long work asks, nothing is killed half way.
#pragma once

namespace airlock::base {

void install_interrupt_handlers();  // SIGINT, SIGTERM set the flag; a second one ends the process at once
void request_interrupt();           // what the handler does; also for tests
void clear_interrupt();             // for tests
bool interrupt_requested();
void throw_if_interrupted();  // throws Error(interrupted)

}  // namespace airlock::base
