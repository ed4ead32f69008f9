// DSSE envelopes from a medium: nothing but base::Error may come out, and nothing opens that no key signed.
#include "base/error.hpp"
#include "fuzz_target.hpp"
#include "trust/dsse.hpp"

namespace {

using namespace airlock;

constexpr std::size_t k_limit = 1 << 20;
constexpr std::string_view k_type = "application/vnd.airlock.shipment+json";

// A fixed key whose private half nobody kept.
const trust::PublicKey& some_key() {
  static const auto key = trust::PublicKey::from_json(
      {{"keytype", "ed25519"},
       {"scheme", "ed25519"},
       {"keyval", {{"public", "5555555555555555555555555555555555555555555555555555555555555555"}}}});
  return key;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  try {
    const auto envelope = trust::parse_envelope(text, "envelope", k_limit);
    trust::dsse_pae(envelope.payload_type, envelope.payload);
    const trust::PublicKey& key = some_key();
    trust::open_envelope(text, k_type, "envelope", {.keyids = {key.keyid()}, .threshold = 1}, {{key.keyid(), key}},
                         k_limit);
    fuzz::require(false, "nothing opens that no key signed");
  } catch (const base::Error&) {
  }
  return 0;
}
