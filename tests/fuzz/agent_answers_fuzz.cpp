// Answers of the container engine: an image, a container, a command, a list, and the progress of a pull. What has
// another shape is an error of upstream's, and nothing else.
#include <algorithm>
#include <optional>
#include <string>

#include "agent/docker_api.hpp"
#include "base/error.hpp"
#include "fuzz_target.hpp"

using namespace airlock;

namespace {

template <typename Read>
void read(Read&& reader) {
  try {
    reader();
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::upstream, "the engine is at fault");
  }
}

// What was said, or nothing where the pull failed.
std::optional<std::string> pull(std::string_view text, std::size_t piece) {
  std::string said;
  const std::function<void(const std::string&)> say = [&said](const std::string& line) { said += line + "\n"; };
  try {
    agent::PullStatus status("debian:12", say);
    while (!text.empty()) {
      const auto part = text.substr(0, piece);
      status.write(base::as_bytes(part));
      text.remove_prefix(part.size());
    }
    status.finish();
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::upstream, "the engine is at fault");
    return std::nullopt;
  }
  return said;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  if (size < 32 * 1024) {  // beyond it a line may be too long for one way of cutting only
    const auto whole = pull(text, size + 1);
    fuzz::require(pull(text, 1) == whole && pull(text, 7) == whole, "cuts change nothing");
  }
  base::Json json;
  try {
    json = base::parse_json(text, "an answer");
  } catch (const base::Error&) {
    return 0;
  }
  read([&] { fuzz::require(agent::pid_of_container(json) >= 0, "a process has a number"); });
  read([&] { fuzz::require(agent::pid_of_exec(json) >= 0, "a process has a number"); });
  read([&] { static_cast<void>(agent::is_out_of_memory(json)); });
  read([&] { static_cast<void>(agent::exit_code_of_exec(json)); });
  read([&] { static_cast<void>(agent::container_ids(json)); });
  for (const auto& [name, value] : agent::environment_of_image(json)) {
    fuzz::require(!name.empty() && name.find('=') == std::string::npos, "a variable has a name");
  }
  return 0;
}
