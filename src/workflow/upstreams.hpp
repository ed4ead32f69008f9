// The resolvers of one run, by ecosystem, each made when it is first needed.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ecosystem/ecosystem.hpp"

namespace airlock::workflow {

using Environment = std::map<std::string, std::string>;

// Thread-safe.
class Upstreams {
 public:
  // `context`'s `demand` is this object's own affair.
  explicit Upstreams(ecosystem::ResolveContext context);
  Upstreams(const Upstreams&) = delete;
  Upstreams& operator=(const Upstreams&) = delete;

  // The resolver of what `section` of a manifest holds. Throws unsupported.
  ecosystem::Resolver& for_section(std::string_view section);
  // By identity ("oci"). Throws unsupported.
  ecosystem::Resolver& for_ecosystem(std::string_view id);
  std::vector<model::Waiver> waivers() const;  // sorted, each once

  // What packages asked for of other ecosystems since the last call, and who asked first; each request once in a run.
  std::map<model::Request, std::string> take_demands();

 private:
  ecosystem::ResolveContext m_context;
  mutable std::mutex m_mutex;
  std::map<std::string, std::unique_ptr<ecosystem::Resolver>, std::less<>> m_resolvers;
  std::mutex m_demand_mutex;  // resolvers demand while another is being made
  std::map<model::Request, std::string> m_demands;
  std::set<model::Request> m_taken;
};

}  // namespace airlock::workflow
