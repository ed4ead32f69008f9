// One Python on one platform: what markers say there, and which wheels pip takes there, in its order of preference
// (Platform compatibility tags of the PyPA; PEP 425, 600, 656).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ecosystem/pypi/names.hpp"
#include "ecosystem/pypi/requirement.hpp"
#include "model/platform.hpp"

namespace airlock::ecosystem::pypi {

struct PythonVersion {
  std::uint64_t major = 3, minor = 0, patch = 0;
  // "3.11" (which means 3.11.0) or "3.11.4"; nullopt for others, and for what is no Python 3.
  static std::optional<PythonVersion> parse(std::string_view text);
  auto operator<=>(const PythonVersion&) const = default;
};

struct Libc {
  enum class Kind { glibc, musl } kind = Kind::glibc;
  std::uint64_t major = 2, minor = 28;                                    // of the oldest host that is to be served
  static std::optional<Libc> parse(Kind kind, std::string_view version);  // "2.36"
  auto operator<=>(const Libc&) const = default;
};

class Target {
 public:
  // `libc` counts on linux only. Throws unsupported for a system that pip knows no wheels for.
  Target(PythonVersion python, model::Platform platform, Libc libc);

  const MarkerEnvironment& markers() const { return m_markers; }
  const model::Platform& platform() const { return m_platform; }
  std::string to_string() const;  // "Python 3.11 on linux/amd64 (glibc 2.28)"
  // Place of a wheel in pip's order, 0 the best; nullopt where it does not run here.
  std::optional<std::size_t> rank(const FileName& wheel) const;
  // What `requires-python` says of it. What cannot be read counts as yes, as for pip.
  bool accepts_python(std::string_view requires_python) const;
  const std::vector<std::string>& tags() const { return m_order; }  // "cp311-cp311-manylinux_2_28_x86_64", best first

 private:
  void add_tag(std::string tag);

  PythonVersion m_python;
  model::Platform m_platform;
  Libc m_libc;
  MarkerEnvironment m_markers;
  std::vector<std::string> m_order;
  std::unordered_map<std::string, std::size_t> m_ranks;
};

}  // namespace airlock::ecosystem::pypi
