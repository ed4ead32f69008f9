// `scan` in policy.yaml.
#include "workflow/scan_settings.hpp"

#include <array>

#include <fmt/format.h>

#include "base/text.hpp"
#include "workflow/policy_reader.hpp"

namespace airlock::workflow {

namespace {

using base::YamlNode;

constexpr std::uint64_t k_most_in_batch = 10'000;  // of one call: their paths must fit an argument vector
constexpr std::uint64_t k_most_calls = 256;        // at once

std::vector<std::string> argument_vector(const YamlNode& node, std::string_view key) {
  if (!node.is_sequence() || node.items().empty()) {
    throw wrong_policy(node, fmt::format("'{}' takes a list: the program and its arguments, one an item", key))
        .with_hint("no shell reads it: [clamdscan, --no-summary, \"-\"]");
  }
  auto arguments = node.as_strings(key);
  if (arguments.front().empty()) {
    throw wrong_policy(node.items().front(), fmt::format("'{}' names no program", key));
  }
  // From wherever airlock is started, and that may be a medium.
  const auto& program = arguments.front();
  if (program.find('/') != std::string::npos && !program.starts_with('/')) {
    throw wrong_policy(node.items().front(),
                       fmt::format("'{}' would be looked for in the working directory", base::printable(program, 100)))
        .with_hint("give its whole path, or its name alone where it is on PATH");
  }
  return arguments;
}

std::uint64_t number_up_to(const YamlNode& node, std::string_view key, std::uint64_t most) {
  const auto number = node.as_uint(key);
  if (number == 0 || number > most) {
    throw wrong_policy(node, fmt::format("'{}' is a number from 1 to {}", key, most));
  }
  return number;
}

void read_at(const YamlNode& node, ScanSettings& scan) {
  static const std::vector<std::string> k_places = {"create", "import"};
  for (const auto& item : policy_items(node, "at")) {
    const auto place = item.as_string("a place");
    if (place != "create" && place != "import") {
      throw unknown_in_policy(item, "place to scan at", k_places);
    }
    (place == "create" ? scan.at_create : scan.at_import) = true;
  }
}

void read_on_refusal(const YamlNode& node, ScanSettings& scan) {
  static const std::vector<std::string> k_choices = {"refuse", "withhold"};
  const auto choice = node.as_string("on_refusal");
  if (choice != "refuse" && choice != "withhold") {
    throw unknown_in_policy(node, "choice for on_refusal", k_choices);
  }
  scan.on_refusal = choice == "refuse" ? ScanSettings::OnRefusal::refuse : ScanSettings::OnRefusal::withhold;
}

void read_accept(const YamlNode& node, ScanSettings& scan) {
  for (const auto& item : policy_items(node, "accept")) {
    const auto text = item.as_string("a digest");
    if (!text.starts_with("sha256:") || !base::Digest::is_sha256_hex(text.substr(7))) {
      throw wrong_policy(item, fmt::format("'{}' is no digest", base::printable(text, 80)))
          .with_hint("sha256: and 64 hex digits, as the refusal printed it");
    }
    scan.accept.insert(base::Digest::parse(text));
  }
}

using ScanKey = PolicyKey<ScanSettings>;
const std::array k_scan_keys = {
    ScanKey{"command", "none",
            [](const YamlNode& node, ScanSettings& scan) { scan.command = argument_vector(node, "command"); }},
    ScanKey{
        "files_command", "command",
        [](const YamlNode& node, ScanSettings& scan) { scan.files_command = argument_vector(node, "files_command"); }},
    ScanKey{
        "batch", "one file at a time, on stdin",
        [](const YamlNode& node, ScanSettings& scan) { scan.batch = number_up_to(node, "batch", k_most_in_batch); }},
    ScanKey{"at", "[create, import]", &read_at},
    ScanKey{"timeout", "10m",
            [](const YamlNode& node, ScanSettings& scan) { scan.timeout = policy_duration(node, "timeout"); }},
    ScanKey{"on_refusal", "refuse", &read_on_refusal},
    ScanKey{"version", "none",
            [](const YamlNode& node, ScanSettings& scan) { scan.version = node.as_string("version"); }},
    ScanKey{"version_command", "none",
            [](const YamlNode& node, ScanSettings& scan) {
              scan.version_command = argument_vector(node, "version_command");
            }},
    ScanKey{
        "parallel", "one call a core",
        [](const YamlNode& node, ScanSettings& scan) { scan.parallel = number_up_to(node, "parallel", k_most_calls); }},
    ScanKey{"accept", "none", &read_accept},
};

// What does not go together.
void check_scan(const YamlNode& node, ScanSettings& scan) {
  if (!scan.at_create && !scan.at_import) {
    scan.at_create = scan.at_import = true;
  }
  if (scan.batch > 0 && scan.files_form().empty()) {
    throw wrong_policy(node, "'scan' has a batch, and no command for it");
  }
  if (!scan.files_command.empty() && scan.batch == 0) {
    throw wrong_policy(node, "'scan' has a files_command, and no batch: how many files it takes at once");
  }
  if (scan.batch > 0 && scan.files_command.empty() && scan.at_create) {
    throw wrong_policy(node,
                       "at create a scanner reads each file on its stdin, and 'command' would be meant for paths too")
        .with_hint("give what takes paths as 'files_command', or say 'at: [import]'");
  }
  const bool needs_filter = scan.at_create || scan.batch == 0;
  if (needs_filter && scan.command.empty()) {
    throw wrong_policy(node, "'scan' has no command that reads a file on its stdin");
  }
}

}  // namespace

std::optional<ScanSettings> read_scan_settings(const YamlNode& node, std::vector<PolicyValue>& into) {
  if (node.is_null()) {
    into.push_back({.key = "scan", .value = "no scanner", .origin = "default"});
    return std::nullopt;
  }
  ScanSettings scan;
  read_policy_mapping<ScanSettings>(node, "scanner setting", "scan.", k_scan_keys, scan, into);
  check_scan(node, scan);
  return scan;
}

}  // namespace airlock::workflow
