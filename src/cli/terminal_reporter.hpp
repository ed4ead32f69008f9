// Progress and messages on stderr: bars with rate and time left on a terminal, a plain line every few seconds
// elsewhere.
#pragma once

#include <cstdio>
#include <memory>

#include "base/reporter.hpp"

namespace airlock::cli {

struct ReporterOptions {
  std::FILE* stream = stderr;  // borrowed
  enum class Progress { none, lines, bars } progress = Progress::lines;
  bool quiet = false;    // no say()
  bool verbose = false;  // note() too
  bool color = false;
  int width = 0;  // columns of the terminal; 0: asked of the terminal each time
};

// Thread-safe. Tasks may outlive neither the reporter nor its stream.
std::unique_ptr<base::Reporter> make_terminal_reporter(const ReporterOptions& options);

}  // namespace airlock::cli
