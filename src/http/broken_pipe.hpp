// Peers hang up; that must be an error code and not a signal.
#pragma once

namespace airlock::http {

// Ignores SIGPIPE in the whole process, unless it has a handler already: OpenSSL writes with plain write(2),
// where no flag can say so for one call.
void ignore_broken_pipes();

}  // namespace airlock::http
