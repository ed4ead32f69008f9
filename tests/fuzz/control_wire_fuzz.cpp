// Whatever an agent or a server says, it is taken or refused as malformed; what is taken prints and parses to itself.
#include "base/error.hpp"
#include "control/wire.hpp"
#include "fuzz_target.hpp"

using namespace airlock;

namespace {

template <typename Parse>
void try_parser(std::string_view text, Parse parse) {
  std::string printed;
  try {
    printed = control::print(parse(text));
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::malformed || error.code() == base::ErrorCode::limit,
                  "every refusal is a mistake in the text");
    return;
  }
  fuzz::require(control::print(parse(printed)) == printed, "a message prints and parses to itself");
}

template <typename Parse>
void try_name(std::string_view text, Parse parse) {
  std::string printed;
  try {
    printed = parse(text).to_string();
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::malformed, "every refusal is a mistake in the text");
    return;
  }
  fuzz::require(parse(printed).to_string() == printed, "a name prints and parses to itself");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::as_text(data, size);
  try_parser(text, control::parse_claim);
  try_parser(text, control::parse_lease_answer);
  try_parser(text, control::parse_step_reports);
  try_parser(text, control::parse_log_append);
  try_parser(text, control::parse_append_answer);
  try_parser(text, control::parse_refused_append);
  try_parser(text, control::parse_completion);
  try_name(text, control::NetworkRule::parse);
  try_name(text, control::StackName::parse);
  try {
    const auto half = text.find('\n');
    const std::string first(text.substr(0, half));
    const std::string second(half == std::string_view::npos ? "" : text.substr(half + 1));
    const auto agent = control::parse_identity({{"hostname", first},
                                                {"pid", "1"},
                                                {"platform", second},
                                                {"version", first},
                                                {"instance", "0123456789"},
                                                {"runners", "process"},
                                                {"wait", second}});
    fuzz::require(agent.wait.count() >= 0 && agent.wait.count() <= 25, "nobody waits longer than a poll is held");
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::malformed, "every refusal is a mistake in the query");
  }
  return 0;
}
