#include "workflow/medium.hpp"

#include <algorithm>
#include <system_error>
#include <vector>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t k_mounts_limit = 16u << 20;  // bytes
constexpr std::size_t k_text_limit = 200;          // bytes, of one text
constexpr int k_most_links = 10'000;               // in a folder of /dev/disk

bool is_octal(char c) {
  return c >= '0' && c <= '7';
}

// "\040" is a blank: the kernel writes blanks, tabs, line feeds and backslashes like that.
std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
        is_octal(text[i + 3])) {
      plain.push_back(static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0')));
      i += 3;
    } else {
      plain.push_back(text[i]);
    }
  }
  return plain;
}

// udev writes what a name cannot hold as "\x20".
std::string unescape_hex(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = text.substr(i, 2) == "\\x" ? base::from_hex(text.substr(i + 2, 2)) : std::nullopt;
    if (byte && byte->size() == 1) {
      plain += *byte;
      i += 3;
    } else {
      plain.push_back(text[i]);
    }
  }
  return plain;
}

bool is_below(const std::string& path, const std::string& folder) {
  return folder == "/" || path == folder ||
         (path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/');
}

// The name of the link in `folder` that leads to `device`.
std::string name_of_device(const fs::path& folder, const fs::path& device) {
  std::error_code failure;
  int count = 0;
  for (fs::directory_iterator it(folder, failure), end; !failure && it != end && count < k_most_links;
       it.increment(failure), ++count) {
    std::error_code ignored;
    if (fs::equivalent(it->path(), device, ignored)) {
      return base::printable(unescape_hex(it->path().filename().string()), k_text_limit);
    }
  }
  return {};
}

}  // namespace

Medium find_medium(std::string_view mounts, const std::string& path) {
  Medium found;
  std::string deepest;
  for (const auto& line : base::split(mounts, '\n')) {
    // "36 35 8:17 / /media/stick rw,nosuid - vfat /dev/sdb1 ro,uid=1000"
    const auto words = base::split(line, ' ');
    const auto dash = std::ranges::find(words, "-");
    if (words.size() < 6 || std::distance(dash, words.end()) < 4) {
      continue;
    }
    const auto point = unescape(words[4]);
    // A later mount on the same place hides the earlier one.
    if (!is_below(path, point) || point.size() < deepest.size()) {
      continue;
    }
    deepest = point;
    const auto has_ro = [](const std::string& options) {
      const auto all = base::split(options, ',');
      return std::ranges::find(all, "ro") != all.end();
    };
    found = {.source = base::printable(unescape(dash[2]), k_text_limit),
             .file_system = base::printable(dash[1], k_text_limit),
             .mount_point = base::printable(point, k_text_limit),
             .label = {},
             .uuid = {},
             .read_only = has_ro(words[5]) || has_ro(dash[3])};
  }
  return found;
}

Medium medium_of(const fs::path& file) {
  std::error_code failure;
  const auto path = fs::canonical(file, failure);
  if (failure) {
    return {};
  }
  Medium medium;
  try {
    medium = find_medium(base::read_file("/proc/self/mountinfo", k_mounts_limit), path.string());
  } catch (const base::Error&) {
    return {};
  }
  if (medium.source.starts_with("/dev/")) {
    medium.label = name_of_device("/dev/disk/by-label", medium.source);
    medium.uuid = name_of_device("/dev/disk/by-uuid", medium.source);
  }
  return medium;
}

base::Json to_json(const Medium& medium) {
  if (medium.source.empty()) {
    return {};
  }
  base::Json json = {{"source", medium.source},
                     {"file_system", medium.file_system},
                     {"mount_point", medium.mount_point},
                     {"read_only", medium.read_only}};
  if (!medium.label.empty()) {
    json["label"] = medium.label;
  }
  if (!medium.uuid.empty()) {
    json["uuid"] = medium.uuid;
  }
  return json;
}

}  // namespace airlock::workflow
