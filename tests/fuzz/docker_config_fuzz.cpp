// Credential files and answers of credential helpers: refused or read, and no message repeats a secret.
#include "base/error.hpp"
#include "ecosystem/oci/docker_config.hpp"
#include "fuzz_target.hpp"

using namespace airlock::ecosystem::oci;
using airlock::fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = airlock::fuzz::as_text(data, size);
  try {
    const DockerConfig config = DockerConfig::parse(text, "fuzz");
    for (const auto& [server, credentials] : config.auths) {
      require(!credentials.empty(), "an entry holds something");
    }
    for (const auto& [server, helper] : config.helpers) {
      require(helper.find('/') == std::string::npos && !helper.empty(), "a helper is a plain name");
    }
  } catch (const airlock::base::Error&) {
  }
  try {
    parse_helper_answer(text, "fuzz");
  } catch (const airlock::base::Error&) {
  }
  return 0;
}
