// The small documents of a bundle: what is accepted is written again as it was.
#include <string>

#include "base/error.hpp"
#include "bundle/documents.hpp"
#include "bundle/layout.hpp"
#include "bundle/oci_index.hpp"
#include "fuzz_target.hpp"

namespace {

using namespace airlock;

template <typename Function>
void tolerate_errors(Function&& function) {
  try {
    function();
  } catch (const base::Error&) {
    return;
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  tolerate_errors(
      [&] { fuzz::require(to_text(bundle::parse_descriptor(text, "d")) == text, "one text for a descriptor"); });
  tolerate_errors(
      [&] { fuzz::require(to_text(bundle::parse_shipment(text, "s")) == text, "one text for a shipment"); });
  tolerate_errors([&] {
    fuzz::require(bundle::to_text(bundle::parse_attachments(text, "a")) == text, "one text for attachments");
  });
  tolerate_errors([&] {
    fuzz::require(bundle::revoked_text(bundle::parse_revoked(text, "r")) == text, "one text for what is revoked");
  });
  tolerate_errors([&] { bundle::layout_only_index_of(bundle::k_docker_list_type, text); });
  if (const auto hint = bundle::parse_hint(text)) {
    fuzz::require(bundle::parse_hint(to_text(*hint)) == hint, "a hint is read as it was written");
  }
  if (const auto blob = bundle::parse_blob_member(text)) {
    fuzz::require(bundle::blob_member_name(blob->sha256, blob->part) == text, "one name for a blob");
  }
  if (const auto name = bundle::parse_consistent_name(text)) {
    fuzz::require(bundle::consistent_name(name->target, name->sha256) == text, "one name for a target");
  }
  return 0;
}
