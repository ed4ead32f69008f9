// Where things stand in a registry's document of a package, found in one pass without building a tree: such a document
// may have 30 MB, of which a closure needs a few kilobytes.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace airlock::ecosystem::npm {

struct PackumentIndex {
  struct Span {  // bytes of the document
    std::size_t begin = 0, end = 0;
  };
  std::string name;
  std::map<std::string, std::string> dist_tags;  // tag to version
  std::map<std::string, Span> versions;          // version to its object
  std::map<std::string, std::string> times;      // version to its time; empty where the registry tells none
};

// Reads the members name, dist-tags, versions and time and passes over the rest. Throws malformed for what is no such
// document or is cut off, limit for more than 100,000 versions or nesting beyond 64. A version's object is only
// bracketed here, and must be parsed before use. `what` stands in messages.
PackumentIndex index_packument(std::string_view text, std::string_view what);

}  // namespace airlock::ecosystem::npm
