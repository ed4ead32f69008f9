// Questions of a job to its resolver: every answer fits a datagram.
#include "agent/dns_message.hpp"
#include "fuzz_target.hpp"

using namespace airlock::agent;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto question = parse_dns_query({data, size});
  if (!question) {
    return 0;
  }
  const std::vector<airlock::base::IpAddress> addresses(100, *airlock::base::IpAddress::parse("10.0.0.1"));
  for (const auto& answer : {dns_answer(*question, addresses), dns_no_such_name(*question), dns_failure(*question)}) {
    airlock::fuzz::require(answer.size() >= 12 && answer.size() <= 512, "an answer fits a datagram");
  }
  return 0;
}
