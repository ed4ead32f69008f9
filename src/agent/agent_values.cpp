#include "agent/agent_values.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include <fmt/format.h>

#include "base/duration.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"

namespace airlock::agent {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_token_limit = 4096;  // bytes

}  // namespace

const std::string& Given::one() const {
  if (values.size() != 1) {
    throw Error(ErrorCode::config, fmt::format("{}: it takes one value", where));
  }
  return values.front();
}

void Given::fail(std::string_view why) const {
  throw Error(ErrorCode::config, fmt::format("{}: {}", where, why));
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words = base::split(text, ' ');
  std::erase(words, "");
  return words;
}

std::uint64_t to_number(const Given& given) {
  const auto& text = given.one();
  std::uint64_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size()) {
    given.fail(fmt::format("'{}' is not a whole number", base::printable(text, 40)));
  }
  return value;
}

bool to_bool(const Given& given) {
  const auto text = base::to_lower(given.one());
  if (text != "true" && text != "false" && text != "1" && text != "0") {
    given.fail("it is true or false");
  }
  return text == "true" || text == "1";
}

std::chrono::seconds to_duration(const Given& given) {
  std::chrono::seconds value{};
  try {
    value = base::parse_duration(given.one());
  } catch (const Error& error) {
    given.fail(fmt::format("{}; {}", error.message(), error.hint()));
  }
  if (value > std::chrono::days(30)) {
    given.fail("it is longer than 30 days");
  }
  return value;
}

std::uint64_t to_bytes(const Given& given) {
  try {
    return base::parse_bytes(given.one());
  } catch (const Error& error) {
    given.fail(error.message());
  }
}

std::uint64_t to_cpus(const Given& given) {
  double value = 0;
  const auto& text = given.one();
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size() || value < 0.01 || value > 1024) {
    given.fail("it is a number of CPUs, such as 2 or 0.5");
  }
  return static_cast<std::uint64_t>(value * 1000);
}

fs::path to_path(const Given& given) {
  const fs::path path = given.one();
  if (!path.is_absolute()) {
    given.fail(fmt::format("'{}' is not an absolute path", base::printable(path.string(), 200)));
  }
  return path.lexically_normal();
}

base::Url to_url(const Given& given) {
  std::string text = given.one();
  while (text.ends_with('/')) {
    text.pop_back();
  }
  try {
    return base::Url::parse(text + "/");
  } catch (const Error& error) {
    given.fail(error.message());
  }
}

std::vector<fs::path> to_paths(const Given& given) {
  std::vector<fs::path> paths;
  for (const auto& value : given.values) {
    paths.push_back(to_path({{value}, given.where}));
  }
  return paths;
}

std::vector<ToolFile> to_tools(const Given& given) {
  std::vector<std::string> words;
  for (const auto& value : given.values) {
    std::ranges::copy(words_of(value), std::back_inserter(words));
  }
  std::vector<ToolFile> tools;
  for (std::size_t i = 0; i < words.size(); i += 2) {
    ToolFile tool{words[i], i + 1 < words.size() ? base::to_lower(words[i + 1]) : ""};
    const auto digest = base::from_hex(tool.sha256);
    if (!tool.path.starts_with('/') || !digest || digest->size() != 32) {
      given.fail("a tool is a path on the mirror and the SHA-256 of what lies there: '/tools/NAME/VERSION/FILE HEX'");
    }
    tools.push_back(std::move(tool));
  }
  return tools;
}

base::Secret read_token(const Given& given) {
  const fs::path path = to_path(given);
  struct stat info = {};
  if (stat(path.c_str(), &info) == 0 && (info.st_mode & 0077) != 0) {
    throw Error(ErrorCode::config, fmt::format("others on this host can read the token in {}", path.string()))
        .with_hint(fmt::format("chmod 600 {}", path.string()));
  }
  return base::Secret(std::string(base::trim(base::read_file(path, k_token_limit))));
}

}  // namespace airlock::agent
