// The resolvers of one run, by ecosystem, each made when it is first needed.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "ecosystem/ecosystem.hpp"

namespace airlock::workflow {

using Environment = std::map<std::string, std::string>;

// Thread-safe.
class Upstreams {
 public:
  explicit Upstreams(ecosystem::ResolveContext context) : m_context(std::move(context)) {}

  // The resolver of what `section` of a manifest holds. Throws unsupported.
  ecosystem::Resolver& for_section(std::string_view section);
  // By identity ("oci"). Throws unsupported.
  ecosystem::Resolver& for_ecosystem(std::string_view id);
  std::vector<model::Waiver> waivers() const;  // sorted, each once

 private:
  ecosystem::ResolveContext m_context;
  mutable std::mutex m_mutex;
  std::map<std::string, std::unique_ptr<ecosystem::Resolver>, std::less<>> m_resolvers;
};

}  // namespace airlock::workflow
