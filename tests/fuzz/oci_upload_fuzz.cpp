// Where a registry says that an upload goes on: never from https to plain http, and elsewhere only where it says so.
#include "base/error.hpp"
#include "ecosystem/oci/push_target.hpp"
#include "fuzz_target.hpp"

using namespace airlock;
namespace oci = ecosystem::oci;

namespace {

void check(const base::Url& registry, std::string_view location) {
  const base::Url asked = registry.resolve("/v2/team/app/blobs/uploads/");
  base::Url address;
  try {
    address = oci::upload_address(registry, asked, location);
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::upstream, "it is the registry's mistake");
    return;
  }
  fuzz::require(address.scheme() == "https" || (address.scheme() == "http" && registry.scheme() == "http"),
                "what goes out stays as private as it was");
  const base::Url end = oci::upload_end(address, base::sha256("content"));
  fuzz::require(end.origin() == address.origin() && end.path() == address.path(), "the digest changes no address");
  fuzz::require(end.query().ends_with("digest=sha256%3A" + base::sha256("content").hex()), "it ends with the digest");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const base::Url secure = base::Url::parse("https://registry.example:5000/");
  static const base::Url plain = base::Url::parse("http://registry.example/");
  const std::string_view location = fuzz::as_text(data, size);
  check(secure, location);
  check(plain, location);
  return 0;
}
