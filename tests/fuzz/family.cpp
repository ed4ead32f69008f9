// libFuzzer's side: every input goes to each of the targets that AIRLOCK_FUZZ names, with spaces between. Those of one
// family take inputs of one kind, so that what one target finds is tried on all.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "fuzz_target.hpp"
#include "targets.hpp"

namespace {

namespace fuzz = airlock::fuzz;

std::vector<fuzz::Target> chosen_targets() {
  const char* const names = std::getenv("AIRLOCK_FUZZ");
  std::vector<fuzz::Target> chosen;
  for (const std::string& name : airlock::base::split(names == nullptr ? "" : names, ' ')) {
    const auto known = fuzz::targets();
    const auto target = std::find_if(known.begin(), known.end(), [&](const auto& each) { return each.name == name; });
    if (target == known.end()) {
      std::fprintf(stderr, "AIRLOCK_FUZZ names no fuzz target: \"%s\"\n", name.c_str());
      std::exit(2);
    }
    chosen.push_back(*target);
  }
  return chosen;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<fuzz::Target> targets = chosen_targets();
  for (const fuzz::Target& target : targets) {
    target.run(data, size);
  }
  return 0;
}
