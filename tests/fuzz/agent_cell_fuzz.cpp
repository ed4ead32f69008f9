// What a job may write: to the agent's own other half, into its file of variables, and addresses.
#include "agent/cell_spec.hpp"
#include "agent/job_environment.hpp"
#include "base/error.hpp"
#include "base/ip_address.hpp"
#include "fuzz_target.hpp"

using namespace airlock;

namespace {

template <typename Parse>
void try_parser(std::string_view text, Parse parse) {
  std::string printed;
  try {
    printed = agent::print(parse(text));
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::malformed || error.code() == base::ErrorCode::limit,
                  "every refusal is a mistake in the text");
    return;
  }
  fuzz::require(agent::print(parse(printed)) == printed, "a message prints and parses to itself");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  try_parser(text, agent::parse_cell_spec);
  try_parser(text, agent::parse_cell_command);
  try_parser(text, agent::parse_cell_event);
  for (const auto& [name, value] : agent::parse_variables_file(text)) {
    fuzz::require(!name.empty() && name.find('=') == std::string::npos && name.find('\0') == std::string::npos,
                  "a variable has a name");
    fuzz::require(value.find('\0') == std::string::npos, "a value has no NUL");
  }
  if (const auto address = base::IpAddress::parse(text)) {
    fuzz::require(base::IpAddress::parse(address->to_string()) == *address, "an address prints and parses to itself");
    fuzz::require(address->in(*address, address->is_v6() ? 128 : 32), "an address lies in its own range");
  }
  return 0;
}
