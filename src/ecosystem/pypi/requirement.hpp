// Dependency specifiers: "requests[socks] >=2.8.1, ==2.8.* ; python_version < '3.9'" (PEP 508).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ecosystem/pypi/version.hpp"

namespace airlock::ecosystem::pypi {

// Values of the variables that markers know, for one Python on one platform.
using MarkerEnvironment = std::map<std::string, std::string, std::less<>>;

class Marker {
 public:
  // Throws malformed. Nesting is limited.
  static Marker parse(std::string_view text);
  // With `extra` as the value of `extra`; "" for none.
  bool holds(const MarkerEnvironment& environment, std::string_view extra) const;

  struct Node;

 private:
  std::shared_ptr<const Node> m_root;
};

struct Requirement {
  std::string name;              // normalised
  std::set<std::string> extras;  // normalised
  SpecifierSet specifiers;
  std::string url;  // of "NAME @ URL"
  std::optional<Marker> marker;
  std::string text;  // as given, for messages

  static Requirement parse(std::string_view text);  // throws malformed, saying what is wrong
};

}  // namespace airlock::ecosystem::pypi
