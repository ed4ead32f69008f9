// What one setting of the agent was given, and what it is read as (docs/operations/agent.md). Everything here throws
// config, naming the place.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "agent/agent_config.hpp"
#include "base/secret.hpp"
#include "base/url.hpp"

namespace airlock::agent {

// The values that stand in one place.
struct Given {
  std::vector<std::string> values;
  std::string where;

  const std::string& one() const;  // where there must be just one
  [[noreturn]] void fail(std::string_view why) const;
};

std::vector<std::string> words_of(std::string_view text);  // between spaces

std::uint64_t to_number(const Given& given);
bool to_bool(const Given& given);
std::chrono::seconds to_duration(const Given& given);  // at most 30 days
std::uint64_t to_bytes(const Given& given);
std::uint64_t to_cpus(const Given& given);          // "2", "0.5" in thousandths
std::filesystem::path to_path(const Given& given);  // absolute
std::vector<std::filesystem::path> to_paths(const Given& given);
base::Url to_url(const Given& given);
std::vector<ToolFile> to_tools(const Given& given);  // "/tools/NAME/VERSION/FILE HEX", or path and digest in turn
base::Secret read_token(const Given& given);         // of a file that nobody else can read

}  // namespace airlock::agent
