// Public keys and detached signatures that were carried here: nothing but base::Error may come out, and what is read
// writes and reads again as the same.
#include "base/error.hpp"
#include "fuzz_target.hpp"
#include "trust/detached_signature.hpp"
#include "trust/public_key_file.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace airlock;
  const std::string_view text = fuzz::as_text(data, size);
  try {
    const auto file = trust::parse_public_key_file(text, "key");
    const auto again = trust::parse_public_key_file(trust::to_text(file), "key");
    fuzz::require(again.key.keyid() == file.key.keyid(), "a public key that is written again keeps its id");
    fuzz::require(!trust::as_signature(file.key, "no holder signed this", text), "no input is a signature of itself");
  } catch (const base::Error&) {
  }
  try {
    const auto signature = trust::parse_detached_signature(text, "signature");
    const auto again = trust::parse_detached_signature(trust::to_text(signature), "signature");
    fuzz::require(again.sig == signature.sig && again.payload == signature.payload && again.keyid == signature.keyid,
                  "a signature that is written again is the same");
  } catch (const base::Error&) {
  }
  return 0;
}
