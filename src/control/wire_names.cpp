// The words and small values of the wire: names, rules for networks, times.
#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/ip_address.hpp"
#include "base/text.hpp"
#include "control/wire.hpp"

namespace airlock::control {

using base::Error;
using base::ErrorCode;

namespace {

template <typename Enum, std::size_t Size>
using Words = std::array<std::pair<Enum, std::string_view>, Size>;

constexpr Words<Operation, 4> k_operations{{{Operation::preview, "preview"},
                                            {Operation::update, "update"},
                                            {Operation::refresh, "refresh"},
                                            {Operation::destroy, "destroy"}}};
constexpr Words<Tool, 4> k_tools{
    {{Tool::pulumi, "pulumi"}, {Tool::tofu, "tofu"}, {Tool::terraform, "terraform"}, {Tool::script, "script"}}};
constexpr Words<RunnerKind, 2> k_runners{{{RunnerKind::process, "process"}, {RunnerKind::docker, "docker"}}};

template <typename Enum, std::size_t Size>
std::string_view word_of(const Words<Enum, Size>& words, Enum value) {
  const auto found = std::ranges::find(words, value, &std::pair<Enum, std::string_view>::first);
  return found == words.end() ? "" : found->second;
}

template <typename Enum, std::size_t Size>
std::optional<Enum> find_word(const Words<Enum, Size>& words, std::string_view name) {
  const auto found = std::ranges::find(words, name, &std::pair<Enum, std::string_view>::second);
  return found == words.end() ? std::nullopt : std::optional(found->first);
}

[[noreturn]] void bad_rule(std::string_view text) {
  throw Error(ErrorCode::malformed, fmt::format("'{}' is not a network rule", base::printable(text, 100)))
      .with_hint(
          "write a name or an address, where need be with a port or a prefix: db.site.example:5432, 10.1.0.0/16, "
          "[fd00::7]:443");
}

template <typename Number>
std::optional<Number> plain_number(std::string_view text, Number largest) {
  Number value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || !base::is_digit(text.front()) || status != std::errc() || end != text.data() + text.size() ||
      value > largest) {
    return std::nullopt;
  }
  return value;
}

bool is_v4(std::string_view text) {
  const auto address = base::IpAddress::parse(text);
  return address && !address->is_v6();
}

bool is_v6(std::string_view text) {
  const auto address = base::IpAddress::parse(text);
  return address && address->is_v6();
}

// RFC 1123 labels; a name of digits and dots alone is a mistyped address.
bool is_host_name(std::string_view text) {
  if (text.empty() || text.size() > 253 || std::ranges::none_of(text, base::is_letter)) {
    return false;
  }
  for (const auto& label : base::split(text, '.')) {
    const auto plain = [](char c) { return base::is_alphanumeric(c) || c == '-' || c == '_'; };
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-' ||
        !std::ranges::all_of(label, plain)) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string_view to_string(Operation operation) {
  return word_of(k_operations, operation);
}

std::string_view to_string(Tool tool) {
  return word_of(k_tools, tool);
}

std::string_view to_string(RunnerKind runner) {
  return word_of(k_runners, runner);
}

std::optional<Operation> find_operation(std::string_view name) {
  return find_word(k_operations, name);
}

std::optional<Tool> find_tool(std::string_view name) {
  return find_word(k_tools, name);
}

std::optional<RunnerKind> find_runner(std::string_view name) {
  return find_word(k_runners, name);
}

bool is_name(std::string_view text) {
  const auto plain = [](char c) { return base::is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; };
  return !text.empty() && text.size() <= limits::k_name && text.front() != '.' && text.front() != '-' &&
         std::ranges::all_of(text, plain);
}

bool is_variable_name(std::string_view name) {
  const auto plain = [](char c) { return base::is_alphanumeric(c) || c == '_'; };
  return !name.empty() && name.size() <= 256 && !base::is_digit(name.front()) && std::ranges::all_of(name, plain);
}

StackName StackName::parse(std::string_view text) {
  auto parts = base::split(text, '/');
  if (parts.size() == 2) {
    parts.insert(parts.begin(), "default");
  }
  if (parts.size() != 3 || !std::ranges::all_of(parts, [](const std::string& part) { return is_name(part); })) {
    throw Error(ErrorCode::malformed, fmt::format("'{}' is not the name of a stack", base::printable(text, 100)))
        .with_hint("write organization/project/stack or project/stack; each of letters, digits, '-', '_' and '.'");
  }
  return {parts[0], parts[1], parts[2]};
}

std::string StackName::to_string() const {
  return organization + "/" + project + "/" + stack;
}

bool is_inner_directory(std::string_view path) {
  if (path.empty()) {
    return true;
  }
  if (path.size() > limits::k_text || path.find('\\') != std::string_view::npos) {
    return false;
  }
  return std::ranges::none_of(base::split(path, '/'), [](const std::string& part) {
    return part.empty() || part == "." || part == ".." ||
           std::ranges::any_of(part, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  });
}

NetworkRule NetworkRule::parse(std::string_view text) {
  NetworkRule rule;
  std::string_view rest = text;
  if (rest.size() > 300) {
    bad_rule(text);
  }
  if (rest.starts_with('[')) {
    const auto end = rest.find(']');
    if (end == std::string_view::npos) {
      bad_rule(text);
    }
    rule.host = base::to_lower(rest.substr(1, end - 1));
    rest.remove_prefix(end + 1);
    if (!is_v6(rule.host)) {
      bad_rule(text);
    }
  } else {
    const bool bare_v6 = std::ranges::count(rest, ':') > 1;
    const auto end = bare_v6 ? rest.find('/') : rest.find_first_of(":/");
    rule.host = base::to_lower(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end);
    if (bare_v6 ? !is_v6(rule.host) : !is_v4(rule.host) && !is_host_name(rule.host)) {
      bad_rule(text);
    }
  }
  if (rest.starts_with('/')) {
    const auto end = rest.find(':');
    const auto prefix =
        plain_number<int>(rest.substr(1, end == std::string_view::npos ? end : end - 1), is_v4(rule.host) ? 32 : 128);
    if (!prefix || !rule.is_address()) {
      bad_rule(text);
    }
    rule.prefix = *prefix;
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end);
  }
  if (!rest.empty()) {
    const auto port = rest.front() == ':' ? plain_number<std::uint16_t>(rest.substr(1), 65535) : std::nullopt;
    if (!port || *port == 0) {
      bad_rule(text);
    }
    rule.port = *port;
  }
  return rule;
}

bool NetworkRule::is_address() const {
  return is_v4(host) || is_v6(host);
}

std::string NetworkRule::to_string() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (prefix) {
    text += fmt::format("/{}", *prefix);
  }
  if (port != 0) {
    text += fmt::format(":{}", port);
  }
  return text;
}

std::string to_rfc3339(UnixMillis time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  std::string text = base::to_rfc3339(seconds);
  text.pop_back();
  return fmt::format("{}.{:03}Z", text, (time - seconds).count());
}

UnixMillis parse_rfc3339_millis(std::string_view text) {
  if (text.size() > 64) {
    throw Error(ErrorCode::malformed, "a time is longer than any");
  }
  UnixMillis time = base::parse_rfc3339(text);
  const auto dot = text.find('.');
  int scale = 100;
  for (std::size_t at = dot + 1; dot != std::string_view::npos && at < text.size() && base::is_digit(text[at]); ++at) {
    time += std::chrono::milliseconds((text[at] - '0') * scale);
    scale /= 10;
  }
  return time;
}

}  // namespace airlock::control
