// The wish as one text, to see whether it has changed since a lock was made.
#include <algorithm>

#include "base/text.hpp"
#include "model/flat_json.hpp"
#include "model/manifest.hpp"

namespace airlock::model {

namespace {

std::string json_list(const std::vector<std::string>& values) {
  std::string out = "[";
  for (const std::string& value : values) {
    if (out.size() > 1) {
      out += ',';
    }
    append_json_string(out, value);
  }
  return out + "]";
}

std::vector<std::string> texts(const std::vector<Platform>& platforms) {
  std::vector<std::string> out;
  std::transform(platforms.begin(), platforms.end(), std::back_inserter(out),
                 [](const Platform& platform) { return platform.to_string(); });
  return out;
}

}  // namespace

std::string canonical_text(const Manifest& manifest) {
  std::vector<std::string> lines;
  for (const Entry& entry : manifest.entries) {
    std::string line = entry.section();
    for (const auto& [field, values] : entry.values()) {
      // Which platforms hold is said below, also where they come from a default. The order in which lists were united
      // says nothing.
      if (field != "platforms") {
        std::vector<std::string> sorted = values;
        std::sort(sorted.begin(), sorted.end());
        line += ' ' + field + '=' + json_list(sorted);
      }
    }
    line += " platforms=" + json_list(texts(entry.platforms()));
    lines.push_back(std::move(line));
  }
  std::sort(lines.begin(), lines.end());
  return "name " + manifest.name + "\n" + base::join(lines, "\n") + "\n";
}

}  // namespace airlock::model
