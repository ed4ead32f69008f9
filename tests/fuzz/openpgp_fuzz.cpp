// Armour, fingerprints as people write them, and what gpgv says of a signature, which quotes the key's owner.
#include "base/text.hpp"
#include "ecosystem/openpgp.hpp"
#include "fuzz_target.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace airlock;
  const std::string_view text = fuzz::as_text(data, size);
  if (const auto packets = ecosystem::dearmor(text)) {
    fuzz::require(packets->size() <= text.size(), "armour only adds");
  }
  if (const auto fingerprint = ecosystem::parse_fingerprint(text)) {
    fuzz::require(ecosystem::parse_fingerprint(*fingerprint) == fingerprint, "a fingerprint is in its only form");
  }
  const auto verdict = ecosystem::read_gpgv_status(text);
  fuzz::require(verdict.good == !verdict.fingerprints.empty(), "a good signature is somebody's");
  fuzz::require(base::printable(verdict.reason, verdict.reason.size() * 8 + 16) == verdict.reason, "printable");
  return 0;
}
