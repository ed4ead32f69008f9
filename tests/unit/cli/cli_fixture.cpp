#include "cli_fixture.hpp"

#include <memory>

#include "cli/run.hpp"

namespace airlock::test {

namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

std::string text_of(std::FILE* file) {
  std::fflush(file);
  std::rewind(file);
  std::string text;
  char buffer[4096];
  for (std::size_t count = 0; (count = std::fread(buffer, 1, sizeof buffer, file)) > 0;) {
    text.append(buffer, count);
  }
  return text;
}

}  // namespace

CommandResult CommandLine::run_bare(const std::vector<std::string>& arguments) const {
  const File out(std::tmpfile(), &std::fclose);
  const File err(std::tmpfile(), &std::fclose);
  REQUIRE(out);
  REQUIRE(err);
  CommandResult result;
  result.exit_code = cli::run(arguments, {.out = out.get(), .err = err.get()});
  result.out = text_of(out.get());
  result.err = text_of(err.get());
  return result;
}

CommandResult CommandLine::run(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"--home", home().string()});
  return run_bare(arguments);
}

}  // namespace airlock::test
