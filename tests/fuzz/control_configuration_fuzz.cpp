// No configuration of a deployment does more than be refused; what is kept of one holds no secret in plain, and keeping
// it again changes nothing.
#include <filesystem>

#include "base/error.hpp"
#include "base/files.hpp"
#include "control/configuration.hpp"
#include "fuzz_target.hpp"

using namespace airlock;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const base::TempDir folder;
  static const control::Vault vault(folder.path() / "key");
  const control::StackName stack{"default", "shop", "prod"};
  try {
    const auto json = base::parse_json(fuzz::as_text(data, size), "input", {1 << 20, 16, 10'000});
    const auto closed = control::with_closed_secrets(json, vault, stack);
    fuzz::require(control::with_closed_secrets(closed, vault, stack) == closed, "what is closed stays as it is");
    fuzz::require(closed.dump().find("\"isSecret\":true") == std::string::npos, "no secret stays in plain");
    control::shown_environment(closed);
    control::job_of(closed, stack, control::Operation::update, vault);
    control::merged(closed, closed);
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::malformed || error.code() == base::ErrorCode::limit ||
                      error.code() == base::ErrorCode::unsupported,
                  "every refusal is a mistake in the document");
  }
  return 0;
}
