// The whole program as a function, so that tests run it in their own process.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

namespace airlock::cli {

struct Streams {
  std::FILE* out = stdout;
  std::FILE* err = stderr;
};

// Parses `arguments` (without the program's name), runs the command and returns the exit code. Catches everything and
// prints it: text to `err`, or with --json one object to `out`.
int run(const std::vector<std::string>& arguments, const Streams& streams = {});

}  // namespace airlock::cli
