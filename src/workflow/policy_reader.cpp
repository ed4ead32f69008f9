#include "workflow/policy_reader.hpp"

#include <fmt/format.h>

#include "base/duration.hpp"
#include "base/text.hpp"

namespace airlock::workflow {

using base::Error;
using base::ErrorCode;
using base::YamlNode;

Error wrong_policy(const YamlNode& node, std::string message) {
  return Error(ErrorCode::config, std::move(message)).at(node.position());
}

Error unknown_in_policy(const YamlNode& node, std::string_view what, std::span<const std::string> known) {
  const auto word = node.as_string("a key");
  auto error = wrong_policy(node, fmt::format("unknown {} '{}'", what, base::printable(word, 60)));
  if (const auto near = base::nearest(word, known)) {
    error.with_hint(fmt::format("did you mean '{}'?", *near));
  } else {
    error.with_hint("known are: " + base::join({known.begin(), known.end()}, ", "));
  }
  return error;
}

const std::vector<std::pair<YamlNode, YamlNode>>& policy_members(const YamlNode& node, std::string_view key) {
  if (!node.is_mapping()) {
    throw wrong_policy(node, fmt::format("'{}' takes a mapping", key));
  }
  return node.members();
}

std::vector<YamlNode> policy_items(const YamlNode& node, std::string_view key) {
  if (node.is_scalar()) {
    return {node};
  }
  if (!node.is_sequence() || node.items().empty()) {
    throw wrong_policy(node,
                       fmt::format("'{}' takes a text or a list of texts; leave it out where nothing is meant", key));
  }
  return node.items();
}

void at_node(const YamlNode& node, const std::function<void()>& parse) {
  try {
    parse();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::usage) {
      throw;
    }
    throw wrong_policy(node, error.message()).with_hint(error.hint());
  }
}

std::chrono::seconds policy_duration(const YamlNode& node, std::string_view key) {
  std::chrono::seconds duration{};
  at_node(node, [&] { duration = base::parse_duration(node.as_string(key)); });
  if (duration.count() == 0) {
    throw wrong_policy(node, fmt::format("'{}' must be longer than nothing", key));
  }
  return duration;
}

std::uint64_t policy_bytes(const YamlNode& node, std::string_view key) {
  std::uint64_t bytes = 0;
  at_node(node, [&] { bytes = base::parse_bytes(node.as_string(key)); });
  return bytes;
}

std::string policy_text(const YamlNode& node) {
  if (node.is_scalar()) {
    return node.scalar();
  }
  std::vector<std::string> parts;
  for (const auto& item : node.items()) {
    parts.push_back(policy_text(item));
  }
  for (const auto& [name, value] : node.members()) {
    parts.push_back(fmt::format("{}: {}", policy_text(name), policy_text(value)));
  }
  const auto inside = base::join(parts, ", ");
  return node.is_mapping() ? fmt::format("{{ {} }}", inside) : fmt::format("[{}]", inside);
}

}  // namespace airlock::workflow
