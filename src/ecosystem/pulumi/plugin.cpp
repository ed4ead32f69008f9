#include "ecosystem/pulumi/plugin.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"

namespace airlock::ecosystem::pulumi {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_longest_name = 100;  // characters, as for a version
constexpr std::string_view k_prefix = "pulumi-";
constexpr std::string_view k_ending = ".tar.gz";
constexpr std::array<std::string_view, 3> k_systems{"linux", "darwin", "windows"};
constexpr std::array<std::string_view, 2> k_machines{"amd64", "arm64"};

const std::vector<std::string>& kinds() {
  static const std::vector<std::string> all = {"resource", "language", "converter", "tool", "analyzer"};
  return all;
}

// The CLI's documentation says policy, its file names say analyzer.
std::string canonical_kind(std::string_view kind) {
  return kind == "policy" ? "analyzer" : std::string(kind);
}

bool is_kind(std::string_view text) {
  const std::string kind = canonical_kind(text);
  return std::find(kinds().begin(), kinds().end(), kind) != kinds().end();
}

bool is_plugin_name(std::string_view name) {
  const auto plain = base::is_alphanumeric;
  return !name.empty() && name.size() <= k_longest_name && plain(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return plain(c) || c == '-' || c == '_' || c == '.'; });
}

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

std::string Plugin::to_string() const {
  return fmt::format("{} {}{}{}{}{}", kind, name, version.empty() ? "" : "@", version,
                     server.empty() ? "" : " server=", server);
}

bool is_plugin_version(std::string_view text) {
  // Semantic Versioning 2.0.0: three numbers, then perhaps "-…" and "+…".
  std::size_t at = 0;
  for (int part = 0; part < 3; ++part) {
    const std::size_t begin = at;
    while (at < text.size() && base::is_digit(text[at])) {
      ++at;
    }
    if (at == begin || (part < 2 && (at == text.size() || text[at] != '.'))) {
      return false;
    }
    at += part < 2 ? 1 : 0;
  }
  const std::string_view rest = text.substr(at);
  return text.size() <= k_longest_name && (rest.empty() || rest.front() == '-' || rest.front() == '+') &&
         rest.size() != 1 && std::all_of(rest.begin(), rest.end(), [](char c) {
           return base::is_alphanumeric(c) || c == '-' || c == '.' || c == '+';
         });
}

void check_plugin(const Plugin& plugin, const base::SourcePosition& position) {
  if (!is_kind(plugin.kind)) {
    const auto near = base::nearest(plugin.kind, kinds());
    throw Error(ErrorCode::manifest, fmt::format("'{}' is not a kind of plugin", base::printable(plugin.kind, 80)))
        .at(position)
        .with_hint(near ? fmt::format("did you mean '{}'?", *near)
                        : fmt::format("known are {}", base::join(kinds(), ", ")));
  }
  if (!is_plugin_name(plugin.name)) {
    throw Error(ErrorCode::manifest,
                fmt::format("'{}' cannot be the name of a plugin", base::printable(plugin.name, 80)))
        .at(position)
        .with_hint("write `[KIND ]NAME@VERSION[ server=URL]`, for example `random@4.18.0`");
  }
  if (!plugin.version.empty() && !is_plugin_version(plugin.version)) {
    throw Error(ErrorCode::manifest, fmt::format("'{}' is not an exact version of the plugin '{}'",
                                                 base::printable(plugin.version, 80), plugin.name))
        .at(position)
        .with_hint("three numbers, such as 4.18.0; leave the version out for the newest");
  }
}

Plugin parse_plugin(std::string_view text, const base::SourcePosition& position) {
  Plugin plugin;
  std::vector<std::string> words;
  for (const std::string& word : base::split(text, ' ')) {
    if (!base::trim(word).empty()) {
      words.emplace_back(base::trim(word));
    }
  }
  constexpr std::string_view server = "server=";
  if (!words.empty() && words.back().starts_with(server)) {
    plugin.server = words.back().substr(server.size());
    words.pop_back();
  }
  if (words.empty() || words.size() > 2) {
    throw Error(ErrorCode::manifest, fmt::format("'{}' is not a plugin", base::printable(text, 200)))
        .at(position)
        .with_hint("write `[KIND ]NAME@VERSION[ server=URL]`, for example `random@4.18.0`");
  }
  if (words.size() == 2) {
    plugin.kind = canonical_kind(words.front());
  }
  const std::string& named = words.back();
  const std::size_t sign = named.find('@');
  plugin.name = named.substr(0, sign);
  if (sign != std::string::npos) {
    plugin.version = named.substr(sign + 1);
    if (plugin.version.size() > 1 && plugin.version[0] == 'v' && base::is_digit(plugin.version[1])) {
      plugin.version.erase(0, 1);
    }
    if (plugin.version == "latest") {
      plugin.version.clear();
    } else if (plugin.version.empty()) {
      plugin.version = "(none)";  // refused below, with the way out
    }
  }
  check_plugin(plugin, position);
  return plugin;
}

std::string file_name(const Plugin& plugin, const model::Platform& platform) {
  return fmt::format("{}{}-{}-v{}-{}-{}{}", k_prefix, plugin.kind, plugin.name, plugin.version, platform.os,
                     platform.arch, k_ending);
}

std::optional<NamedFile> parse_file_name(std::string_view name) {
  if (!name.starts_with(k_prefix) || !name.ends_with(k_ending) || name.size() < k_prefix.size() + k_ending.size()) {
    return std::nullopt;
  }
  name.remove_prefix(k_prefix.size());
  name.remove_suffix(k_ending.size());
  NamedFile file;
  const auto cut_last = [&](std::string& part) {
    const std::size_t dash = name.rfind('-');
    if (dash == std::string_view::npos) {
      return false;
    }
    part = name.substr(dash + 1);
    name = name.substr(0, dash);
    return true;
  };
  if (!cut_last(file.arch) || !cut_last(file.os) || !is_one_of(k_systems, file.os) ||
      !is_one_of(k_machines, file.arch)) {
    return std::nullopt;
  }
  const std::size_t kind_end = name.find('-');
  if (kind_end == std::string_view::npos || !is_kind(name.substr(0, kind_end))) {
    return std::nullopt;
  }
  file.plugin.kind = canonical_kind(name.substr(0, kind_end));
  name.remove_prefix(kind_end + 1);
  // A name may have "-v" in it and a version "-" after its numbers: the first "-v" before a version ends the name.
  for (std::size_t at = name.find("-v"); at != std::string_view::npos; at = name.find("-v", at + 1)) {
    if (is_plugin_version(name.substr(at + 2))) {
      file.plugin.name = name.substr(0, at);
      file.plugin.version = name.substr(at + 2);
      return is_plugin_name(file.plugin.name) ? std::optional(file) : std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace airlock::ecosystem::pulumi
