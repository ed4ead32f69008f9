// An isolated host's day: a root on paper, and a stick with two states of a channel.
#pragma once

#include <filesystem>
#include <string>

#include "cli_fixture.hpp"
#include "support/bundle_maker.hpp"

namespace airlock::test {

struct Day {
  CommandLine line;
  ProducerKeys keys;
  std::filesystem::path root = line.folder() / "root.json";
  std::filesystem::path stick = line.folder() / "stick";
  MadeBundle first, second;

  Day() {
    base::write_file_atomic(root, keys.first_root());
    base::make_directories(stick);
    const auto now = base::SystemClock().now();
    first = make_bundle(stick, sample_files(), keys, {.created = now - std::chrono::hours(2)});
    auto files = sample_files();
    files.push_back(text_file("docs/more.txt", "more\n"));
    second = make_bundle(stick, files, keys,
                         {.serial = 2, .created = now - std::chrono::hours(1), .previous = first.contents});
  }
  std::string fingerprint() const { return trust::check_pinnable(keys.first_root(), {}).fingerprint.hex(); }
  CommandResult pin() const {
    return line.run({"trust", "init", root.string(), "--fingerprint", fingerprint(), "--json"});
  }
};

}  // namespace airlock::test
