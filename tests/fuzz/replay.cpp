// Runs a fuzz target over files and folders of inputs, where libFuzzer is not there to do it: TARGET PATH…
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "targets.hpp"

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> inputs_of(const fs::path& place) {
  if (!fs::is_directory(place)) {
    return {place};
  }
  std::vector<fs::path> inputs;
  for (const auto& entry : fs::recursive_directory_iterator(place)) {
    if (entry.is_regular_file()) {
      inputs.push_back(entry.path());
    }
  }
  return inputs;
}

}  // namespace

int main(int argc, char** argv) {
  const auto targets = airlock::fuzz::targets();
  const auto target = std::find_if(targets.begin(), targets.end(), [&](const auto& each) {
    return argc > 1 && each.name == std::string_view(argv[1]);
  });
  if (target == targets.end()) {
    std::fprintf(stderr, "the first argument names no fuzz target\n");
    return 2;
  }
  std::size_t count = 0;
  for (int i = 2; i < argc; ++i) {
    for (const fs::path& path : inputs_of(argv[i])) {
      std::ifstream stream(path, std::ios::binary);
      const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
      if (!stream) {
        std::fprintf(stderr, "cannot read %s\n", path.c_str());
        return 1;
      }
      target->run(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
      ++count;
    }
  }
  std::printf("%zu inputs ran\n", count);
  return count > 0 ? 0 : 1;
}
