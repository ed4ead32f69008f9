#include "ecosystem/oci/oci.hpp"

#include "ecosystem/oci/belonging.hpp"
#include "ecosystem/oci/client_config.hpp"
#include "ecosystem/oci/endpoints.hpp"
#include "ecosystem/oci/importer.hpp"
#include "ecosystem/oci/resolver.hpp"
#include "ecosystem/oci/rows.hpp"
#include "ecosystem/oci/wanted.hpp"

namespace airlock::ecosystem::oci {

const Ecosystem& descriptor() {
  static const Ecosystem ecosystem{
      .id = std::string(k_ecosystem),
      .url_prefix = "/v2/",
      .sections = image_sections(),
      .make_resolver = make_resolver,
      .mount = mount,
      .push = push,
      .client_config = client_config,
      .wanted = wanted,
      .belongs = belongs,
  };
  return ecosystem;
}

}  // namespace airlock::ecosystem::oci
