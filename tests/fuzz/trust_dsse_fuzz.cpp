// DSSE envelopes from a medium: nothing but base::Error may come out, nothing opens that no key signed, and what is
// signed opens as it was, and as what it is.
#include <memory>
#include <string>

#include "base/error.hpp"
#include "fuzz_target.hpp"
#include "trust/dsse.hpp"

namespace {

using namespace airlock;

constexpr std::size_t k_limit = 1 << 20;
constexpr std::string_view k_type = "application/vnd.airlock.shipment+json";

// A key that the corpus does not know.
struct Holder {
  std::unique_ptr<trust::Signer> signer = trust::generate_key(trust::Scheme::ed25519);
  std::string keyid = signer->public_key().keyid();
  trust::RoleKeys role{.keyids = {keyid}, .threshold = 1};
  std::map<std::string, trust::PublicKey> keys{{keyid, signer->public_key()}};

  bool opens(std::string_view envelope, std::string_view type, std::string_view expected) const {
    try {
      const std::string payload = trust::open_envelope(envelope, type, "envelope", role, keys, k_limit);
      fuzz::require(payload == expected, "only what was signed opens");
      return true;
    } catch (const base::Error&) {
      return false;
    }
  }
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Holder holder;
  const std::string_view text = fuzz::as_text(data, size);
  try {
    auto envelope = trust::parse_envelope(text, "envelope", k_limit);
    trust::dsse_pae(envelope.payload_type, envelope.payload);
    fuzz::require(!holder.opens(text, k_type, "") && !holder.opens(text, envelope.payload_type, ""),
                  "nothing opens that no key signed");
  } catch (const base::Error&) {
  }
  if (size == 0 || size > k_limit / 2) {
    return 0;
  }
  std::string made = trust::sign_envelope(k_type, text, {holder.signer.get()});
  fuzz::require(holder.opens(made, k_type, text), "what is signed opens");
  fuzz::require(!holder.opens(made, "application/vnd.airlock.other+json", text), "it is of one type");
  // Whatever changes in it, nothing else comes out.
  const std::size_t at = (std::size_t{data[0]} << 8 | data[size - 1]) % made.size();
  made[at] = static_cast<char>(made[at] ^ (1 << (data[size / 2] % 8)));
  static_cast<void>(holder.opens(made, k_type, text));
  return 0;
}
