#include "ecosystem/pypi/target.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::ecosystem::pypi {

using base::Error;
using base::ErrorCode;
using model::Platform;

namespace {

constexpr std::uint64_t k_newest_minor = 99;
constexpr std::uint64_t k_macos = 13;  // major version of macOS that "darwin" means

std::optional<std::vector<std::uint64_t>> numbers(std::string_view text) {
  std::vector<std::uint64_t> found;
  for (const std::string& part : base::split(text, '.')) {
    std::uint64_t value = 0;
    const auto [end, failure] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (failure != std::errc() || end != part.data() + part.size() || value > 9999) {
      return std::nullopt;
    }
    found.push_back(value);
  }
  return found;
}

struct Machine {
  std::string_view arch, linux, darwin, windows, windows_tag;  // by Go's name; "" where there is none
};
constexpr std::array<Machine, 10> k_machines{{{"amd64", "x86_64", "x86_64", "AMD64", "win_amd64"},
                                              {"arm64", "aarch64", "arm64", "ARM64", "win_arm64"},
                                              {"386", "i686", "", "x86", "win32"},
                                              {"arm", "armv7l", "", "", ""},
                                              {"ppc64le", "ppc64le", "", "", ""},
                                              {"ppc64", "ppc64", "", "", ""},
                                              {"s390x", "s390x", "", "", ""},
                                              {"riscv64", "riscv64", "", "", ""},
                                              {"loong64", "loongarch64", "", "", ""},
                                              {"mips64le", "mips64", "", "", ""}}};

std::vector<std::string> manylinux_tags(const Libc& libc, std::string_view machine) {
  // manylinux1 was for x86 only; elsewhere the oldest is 2.17 (PEP 600 and its forerunners).
  const std::uint64_t oldest = machine == "x86_64" || machine == "i686" ? 5 : 17;
  std::vector<std::string> tags;
  for (std::uint64_t minor = libc.minor + 1; libc.major == 2 && minor-- > oldest;) {
    tags.push_back(fmt::format("manylinux_2_{}_{}", minor, machine));
    if (minor == 17) {
      tags.push_back(fmt::format("manylinux2014_{}", machine));
    } else if (minor == 12) {
      tags.push_back(fmt::format("manylinux2010_{}", machine));
    } else if (minor == 5) {
      tags.push_back(fmt::format("manylinux1_{}", machine));
    }
  }
  return tags;
}

std::vector<std::string> linux_tags(const Libc& libc, std::string_view machine) {
  std::vector<std::string> tags;
  if (libc.kind == Libc::Kind::glibc) {
    tags = manylinux_tags(libc, machine);
  } else {
    for (std::uint64_t minor = libc.minor + 1; minor-- > 0;) {
      tags.push_back(fmt::format("musllinux_{}_{}_{}", libc.major, minor, machine));
    }
  }
  tags.push_back(fmt::format("linux_{}", machine));
  return tags;
}

std::vector<std::string> darwin_tags(std::string_view machine) {
  const bool arm = machine == "arm64";
  const std::vector<std::string_view> formats =
      arm ? std::vector<std::string_view>{"arm64", "universal2"}
          : std::vector<std::string_view>{"x86_64", "intel", "fat64", "fat32", "universal2", "universal"};
  std::vector<std::string> tags;
  for (std::uint64_t major = k_macos; major > 10; --major) {
    for (const std::string_view format : formats) {
      tags.push_back(fmt::format("macosx_{}_0_{}", major, format));
    }
  }
  for (std::uint64_t minor = 16; minor > 3; --minor) {
    if (arm) {
      tags.push_back(fmt::format("macosx_10_{}_universal2", minor));
      continue;
    }
    for (const std::string_view format : formats) {
      tags.push_back(fmt::format("macosx_10_{}_{}", minor, format));
    }
  }
  return tags;
}

}  // namespace

std::optional<PythonVersion> PythonVersion::parse(std::string_view text) {
  const auto parts = numbers(base::trim(text));
  if (!parts || parts->size() < 2 || parts->size() > 3 || (*parts)[0] != 3 || (*parts)[1] > k_newest_minor) {
    return std::nullopt;
  }
  return PythonVersion{.major = 3, .minor = (*parts)[1], .patch = parts->size() == 3 ? (*parts)[2] : 0};
}

std::optional<Libc> Libc::parse(Kind kind, std::string_view version) {
  const auto parts = numbers(base::trim(version));
  const std::uint64_t major = kind == Kind::glibc ? 2 : 1;
  if (!parts || parts->size() != 2 || (*parts)[0] != major || (*parts)[1] > k_newest_minor) {
    return std::nullopt;
  }
  return Libc{.kind = kind, .major = major, .minor = (*parts)[1]};
}

Target::Target(PythonVersion python, Platform platform, Libc libc)
    : m_python(python), m_platform(std::move(platform)), m_libc(libc) {
  const auto machine = std::find_if(k_machines.begin(), k_machines.end(),
                                    [&](const Machine& one) { return one.arch == m_platform.arch; });
  const auto no_wheels = [&] {
    return Error(ErrorCode::unsupported, fmt::format("there are no wheels for {}", m_platform.to_string()))
        .with_hint("packages are resolved for linux, darwin and windows on the architectures that pip knows");
  };
  if (machine == k_machines.end()) {
    throw no_wheels();
  }
  std::vector<std::string> platforms;
  std::string machine_name, os_name = "posix", sys_platform, system;
  if (m_platform.os == "linux") {
    machine_name = machine->linux;
    sys_platform = "linux";
    system = "Linux";
    platforms = linux_tags(m_libc, machine_name);
  } else if (m_platform.os == "darwin" && !machine->darwin.empty()) {
    machine_name = machine->darwin;
    sys_platform = "darwin";
    system = "Darwin";
    platforms = darwin_tags(machine_name);
  } else if (m_platform.os == "windows" && !machine->windows.empty()) {
    machine_name = machine->windows;
    os_name = "nt";
    sys_platform = "win32";
    system = "Windows";
    platforms = {std::string(machine->windows_tag)};
  } else {
    throw no_wheels();
  }
  const std::string full = fmt::format("{}.{}.{}", m_python.major, m_python.minor, m_python.patch);
  m_markers = {{"python_version", fmt::format("{}.{}", m_python.major, m_python.minor)},
               {"python_full_version", full},
               {"implementation_version", full},
               {"implementation_name", "cpython"},
               {"platform_python_implementation", "CPython"},
               {"os_name", os_name},
               {"sys_platform", sys_platform},
               {"platform_system", system},
               {"platform_machine", machine_name},
               {"platform_release", ""},
               {"platform_version", ""}};

  // CPython's own, stable ABIs, then what any Python 3 takes: packaging's cpython_tags() and compatible_tags().
  const std::string cp = fmt::format("cp{}{}", m_python.major, m_python.minor);
  for (const std::string_view abi : {std::string_view(cp), std::string_view("abi3"), std::string_view("none")}) {
    for (const std::string& one : platforms) {
      add_tag(fmt::format("{}-{}-{}", cp, abi, one));
    }
  }
  for (std::uint64_t minor = m_python.minor; minor-- > 2;) {
    for (const std::string& one : platforms) {
      add_tag(fmt::format("cp3{}-abi3-{}", minor, one));
    }
  }
  std::vector<std::string> pythons = {fmt::format("py3{}", m_python.minor), "py3"};
  for (std::uint64_t minor = m_python.minor; minor-- > 0;) {
    pythons.push_back(fmt::format("py3{}", minor));
  }
  for (const std::string& py : pythons) {
    for (const std::string& one : platforms) {
      add_tag(fmt::format("{}-none-{}", py, one));
    }
  }
  add_tag(fmt::format("{}-none-any", cp));
  for (const std::string& py : pythons) {
    add_tag(fmt::format("{}-none-any", py));
  }
}

void Target::add_tag(std::string tag) {
  if (m_ranks.emplace(tag, m_order.size()).second) {
    m_order.push_back(std::move(tag));
  }
}

std::string Target::to_string() const {
  std::string text = fmt::format("Python {}.{}{} on {}", m_python.major, m_python.minor,
                                 m_python.patch == 0 ? "" : fmt::format(".{}", m_python.patch), m_platform.to_string());
  if (m_platform.os == "linux") {
    text += fmt::format(" ({} {}.{})", m_libc.kind == Libc::Kind::glibc ? "glibc" : "musl", m_libc.major, m_libc.minor);
  }
  return text;
}

std::optional<std::size_t> Target::rank(const FileName& wheel) const {
  std::optional<std::size_t> best;
  for (const std::string& python : wheel.pythons) {
    for (const std::string& abi : wheel.abis) {
      for (const std::string& platform : wheel.platforms) {
        const auto found = m_ranks.find(base::to_lower(fmt::format("{}-{}-{}", python, abi, platform)));
        if (found != m_ranks.end() && (!best || found->second < *best)) {
          best = found->second;
        }
      }
    }
  }
  return best;
}

bool Target::accepts_python(std::string_view requires_python) const {
  if (requires_python.empty()) {
    return true;
  }
  const auto specifiers = SpecifierSet::parse(requires_python);
  const std::string& own = m_markers.find("python_full_version")->second;
  const auto version = Version::parse(own);
  return !specifiers || !version || specifiers->contains(*version, own);
}

}  // namespace airlock::ecosystem::pypi
