#include "model/platform.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::model {

using base::Error;
using base::ErrorCode;

namespace {

// GOOS and GOARCH values, which image indexes use too.
const std::vector<std::string>& systems() {
  static const std::vector<std::string> names = {"linux",   "windows", "darwin",    "freebsd", "openbsd", "netbsd",
                                                 "solaris", "illumos", "dragonfly", "aix",     "android", "wasip1"};
  return names;
}

const std::vector<std::string>& architectures() {
  static const std::vector<std::string> names = {"amd64",   "arm64",   "arm",  "386",    "ppc64le", "ppc64",    "s390x",
                                                 "riscv64", "loong64", "mips", "mipsle", "mips64",  "mips64le", "wasm"};
  return names;
}

struct OtherName {
  std::string_view other, ours;
};
constexpr std::array<OtherName, 9> k_other_names{{{"x86_64", "amd64"},
                                                  {"x64", "amd64"},
                                                  {"aarch64", "arm64"},
                                                  {"armhf", "arm/v7"},
                                                  {"armv7l", "arm/v7"},
                                                  {"i386", "386"},
                                                  {"i686", "386"},
                                                  {"macos", "darwin"},
                                                  {"win32", "windows"}}};

std::string hint_for(const std::string& word, const std::vector<std::string>& known) {
  for (const OtherName& name : k_other_names) {
    if (base::to_lower(word) == name.other) {
      return fmt::format("did you mean '{}'?", name.ours);
    }
  }
  if (const auto near = base::nearest(word, known)) {
    return fmt::format("did you mean '{}'?", *near);
  }
  return fmt::format("known are {}", base::join(known, ", "));
}

bool is_variant(std::string_view text) {
  return !text.empty() && text.size() <= 16 && std::all_of(text.begin(), text.end(), [](char c) {
    return base::is_lower(c) || base::is_digit(c) || c == '.';
  });
}

// The variant that an architecture means when none is written.
std::string usual_variant(const Platform& platform) {
  if (!platform.variant.empty()) {
    return platform.variant;
  }
  if (platform.arch == "arm64") {
    return "v8";
  }
  if (platform.arch == "arm") {
    return "v7";
  }
  return platform.arch == "amd64" ? "v1" : "";
}

}  // namespace

Platform Platform::parse(std::string_view text) {
  const std::vector<std::string> parts = base::split(text, '/');
  if (parts.size() < 2 || parts.size() > 3) {
    throw Error(ErrorCode::manifest, fmt::format("'{}' is not a platform", base::printable(text)))
        .with_hint("a platform is SYSTEM/ARCHITECTURE, for example linux/amd64 or linux/arm/v7");
  }
  if (std::find(systems().begin(), systems().end(), parts[0]) == systems().end()) {
    throw Error(ErrorCode::manifest, fmt::format("platform '{}' has the unknown system '{}'", base::printable(text),
                                                 base::printable(parts[0])))
        .with_hint(hint_for(parts[0], systems()));
  }
  if (std::find(architectures().begin(), architectures().end(), parts[1]) == architectures().end()) {
    throw Error(ErrorCode::manifest, fmt::format("platform '{}' has the unknown architecture '{}'",
                                                 base::printable(text), base::printable(parts[1])))
        .with_hint(hint_for(parts[1], architectures()));
  }
  if (parts.size() == 3 && !is_variant(parts[2])) {
    throw Error(ErrorCode::manifest, fmt::format("platform '{}' has the malformed variant '{}'", base::printable(text),
                                                 base::printable(parts[2])))
        .with_hint("variants look like v7");
  }
  return {.os = parts[0], .arch = parts[1], .variant = parts.size() == 3 ? parts[2] : ""};
}

std::string Platform::to_string() const {
  return variant.empty() ? fmt::format("{}/{}", os, arch) : fmt::format("{}/{}/{}", os, arch, variant);
}

Platform Platform::host() {
  utsname names{};
  ::uname(&names);
  const std::string machine = names.machine;
  std::string arch = machine;
  if (machine == "x86_64") {
    arch = "amd64";
  } else if (machine == "aarch64") {
    arch = "arm64";
  } else if (machine.starts_with("arm")) {
    arch = "arm";
  } else if (machine == "i386" || machine == "i686") {
    arch = "386";
  } else if (machine == "loongarch64") {
    arch = "loong64";
  }
  return {.os = "linux", .arch = arch, .variant = ""};
}

bool Platform::accepts(const Platform& other) const {
  return os == other.os && arch == other.arch && usual_variant(*this) == usual_variant(other);
}

std::vector<Platform> parse_platforms(const std::vector<std::string>& texts) {
  std::vector<Platform> platforms;
  for (const std::string& text : texts) {
    platforms.push_back(Platform::parse(text));
  }
  std::sort(platforms.begin(), platforms.end());
  platforms.erase(std::unique(platforms.begin(), platforms.end()), platforms.end());
  return platforms;
}

}  // namespace airlock::model
