// References, row paths and names in requests: what parses prints and parses again to the same.
#include "base/error.hpp"
#include "ecosystem/oci/reference.hpp"
#include "ecosystem/oci/rows.hpp"
#include "ecosystem/oci/served_name.hpp"
#include "fuzz_target.hpp"

using namespace airlock::ecosystem::oci;
using airlock::fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = airlock::fuzz::as_text(data, size);
  try {
    const Reference reference = parse_reference(text);
    require(parse_reference(reference.to_string()) == reference, "a reference prints and parses to itself");
    require(is_repository(host_to_path(reference.host)), "a host is a legal path component");
    if (!reference.tag.empty()) {
      const std::string path = tag_path(repository_path(reference), reference.tag);
      require(parse_row_path(path).has_value(), "its path is a row path");
    }
  } catch (const airlock::base::Error&) {
  }
  if (const auto path = parse_row_path(text)) {
    require(path->to_string() == text, "a row path prints and parses to itself");
  }
  for (const std::string& repository : served_repositories(text, "registry.example:5000")) {
    require(repository.starts_with("registry.example_5000/"), "ns stays inside its host");
  }
  for (const std::string& repository : served_repositories(text, "")) {
    require(is_repository(repository) || repository.size() > 255, "a served name is a repository");
  }
  return 0;
}
