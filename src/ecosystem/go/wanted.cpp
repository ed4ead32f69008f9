#include "ecosystem/go/wanted.hpp"

#include "base/error.hpp"
#include "ecosystem/go/query.hpp"
#include "ecosystem/internal_host.hpp"

namespace airlock::ecosystem::go {

Wanted wanted(std::string_view name) {
  const std::string_view host = name.substr(0, name.find_first_of("/@"));
  Wanted wanted;
  wanted.is_private = is_internal_host(host);
  try {
    const Query query = parse_query(name);
    wanted.request = model::Request{.section = "go", .values = {{"packages", {query.path + "@" + query.version}}}};
  } catch (const base::Error&) {
    return wanted;
  }
  return wanted;
}

}  // namespace airlock::ecosystem::go
