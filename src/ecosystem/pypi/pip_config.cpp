#include "ecosystem/pypi/pip_config.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/process.hpp"
#include "base/text.hpp"

namespace airlock::ecosystem::pypi {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using base::Secret;
using base::Url;

namespace {

constexpr std::size_t k_file_limit = std::size_t{1} << 20;  // bytes
constexpr std::chrono::seconds k_ask_timeout{30};

std::string variable(const Environment& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> found(1);
  for (const char c : text) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      if (!found.back().empty()) {
        found.emplace_back();
      }
    } else {
      found.back() += c;
    }
  }
  if (found.back().empty()) {
    found.pop_back();
  }
  return found;
}

std::vector<fs::path> configuration_files(const Environment& environment) {
  const std::string own = variable(environment, "PIP_CONFIG_FILE");
  if (own == "/dev/null") {
    return {};
  }
  std::vector<fs::path> files;
  std::string system = variable(environment, "XDG_CONFIG_DIRS");
  for (const std::string& folder : base::split(system.empty() ? "/etc/xdg" : system, ':')) {
    if (folder.starts_with('/')) {
      files.push_back(fs::path(folder) / "pip/pip.conf");
    }
  }
  files.emplace_back("/etc/pip.conf");
  if (const std::string home = variable(environment, "HOME"); !home.empty()) {
    files.push_back(fs::path(home) / ".pip/pip.conf");
    const std::string config = variable(environment, "XDG_CONFIG_HOME");
    files.push_back((config.empty() ? fs::path(home) / ".config" : fs::path(config)) / "pip/pip.conf");
  }
  if (const std::string venv = variable(environment, "VIRTUAL_ENV"); !venv.empty()) {
    files.push_back(fs::path(venv) / "pip.conf");
  }
  if (!own.empty()) {
    files.emplace_back(own);
  }
  return files;
}

// The settings of `pip install` after all files and variables, later ones over earlier ones.
std::map<std::string, std::string> settings(const Environment& environment) {
  std::map<std::string, std::string> merged;
  for (const fs::path& file : configuration_files(environment)) {
    const auto text = base::read_file_if_exists(file, k_file_limit);
    if (!text) {
      continue;
    }
    IniFile ini = parse_ini(*text, file.string());
    for (const char* section : {"global", "download", "install"}) {
      for (auto& [key, value] : ini[section]) {
        merged[key] = value;
      }
    }
  }
  for (const auto& [name, value] : environment) {
    if (name.starts_with("PIP_") && !value.empty()) {
      std::string key = base::to_lower(std::string_view(name).substr(4));
      std::replace(key.begin(), key.end(), '_', '-');
      merged[key] = value;
    }
  }
  return merged;
}

bool is_set(const std::map<std::string, std::string>& merged, const std::string& key) {
  const auto found = merged.find(key);
  return found != merged.end() && found->second != "0" && base::to_lower(found->second) != "false" &&
         base::to_lower(found->second) != "no" && !found->second.empty();
}

// pip has no command that prints its built-in address; its own code does.
std::string built_in_index() {
  for (const char* program : {"python3", "python"}) {
    if (!base::program_exists(program)) {
      continue;
    }
    const auto result = base::run_process(
        {.argv = {program, "-c", "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"},
         .directory = "/",  // Python imports first from where it stands, and that may be somebody else's folder
         .timeout = k_ask_timeout});
    const std::string answer(base::trim(result.output));
    if (result.exit_code == 0 && answer.starts_with("http")) {
      return answer;
    }
  }
  throw Error(ErrorCode::config, "no package index is configured, and pip cannot be asked for its own")
      .with_hint("install pip, set index-url in pip.conf or PIP_INDEX_URL, or give the manifest `upstreams: { pypi: "
                 "{ url: … } }`");
}

void add_index(IndexSettings& found, std::string text, std::string_view setting) {
  if (!text.ends_with('/')) {
    text += '/';
  }
  Url url;
  try {
    url = Url::parse(text);
  } catch (const Error&) {
    throw Error(ErrorCode::config, fmt::format("pip's {} on this host is no URL that can be used", setting));
  }
  if (url.scheme() != "http" && url.scheme() != "https") {
    throw Error(ErrorCode::config, fmt::format("pip's {} on this host is neither http nor https", setting));
  }
  if (!url.user_info().empty()) {
    const std::string& info = url.user_info();
    const std::size_t colon = std::min(info.find(':'), info.size());
    found.by_origin[url.origin()] =
        basic(base::percent_decode(info.substr(0, colon)),
              colon < info.size() ? base::percent_decode(info.substr(colon + 1)) : std::string());
  }
  found.indexes.push_back(Url::parse(url.to_string()));
}

}  // namespace

Secret basic(std::string_view username, std::string_view password) {
  return Secret("Basic " + base::base64_encode(fmt::format("{}:{}", username, password)));
}

IniFile parse_ini(std::string_view text, std::string_view name) {
  IniFile file;
  std::string section, key;
  int number = 0;
  const auto fail = [&](std::string_view why) {
    return Error(ErrorCode::malformed, fmt::format("{}:{}: {}", name, number, why));
  };
  for (const std::string& raw : base::split(text, '\n')) {
    ++number;
    const std::string_view line = base::trim(raw);
    if (line.empty() || line.front() == '#' || line.front() == ';') {
      continue;
    }
    const bool indented = raw.front() == ' ' || raw.front() == '\t';
    if (indented && !key.empty()) {
      std::string& value = file[section][key];
      value += '\n';
      value += line;
      continue;
    }
    if (line.front() == '[') {
      if (!line.ends_with(']')) {
        throw fail("a section's name has no end");
      }
      section = base::trim(line.substr(1, line.size() - 2));
      key.clear();
      continue;
    }
    const std::size_t separator = line.find_first_of("=:");
    if (separator == std::string_view::npos || section.empty()) {
      throw fail("this is neither a section nor a setting in one");
    }
    key = base::to_lower(base::trim(line.substr(0, separator)));
    std::replace(key.begin(), key.end(), '_', '-');
    if (key.empty()) {
      throw fail("a setting has no name");
    }
    file[section][key] = base::trim(line.substr(separator + 1));
  }
  return file;
}

std::map<std::string, Login> parse_netrc(std::string_view text) {
  std::map<std::string, Login> found;
  std::vector<std::string> tokens;
  bool in_macro = false;  // ends at an empty line
  for (const std::string& line : base::split(text, '\n')) {
    const std::string_view plain = base::trim(line);
    if (in_macro || plain.starts_with('#')) {
      in_macro = in_macro && !plain.empty();
      continue;
    }
    if (plain.starts_with("macdef")) {
      in_macro = true;
      continue;
    }
    for (std::string& token : words(plain)) {
      tokens.push_back(std::move(token));
    }
  }
  std::string host;
  bool open = false;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool has_value = i + 1 < tokens.size();
    if (tokens[i] == "default") {
      host.clear();
      open = true;
    } else if (!has_value) {
      break;
    } else if (tokens[i] == "machine") {
      host = base::to_lower(tokens[++i]);
      open = true;
    } else if (tokens[i] == "login" && open) {
      found[host].username = tokens[++i];
    } else if (tokens[i] == "password" && open) {
      found[host].password = Secret(tokens[++i]);
    } else {
      ++i;  // "account" and what we do not know
    }
  }
  return found;
}

IndexSettings read_pip_settings(const Environment& environment) {
  auto merged = settings(environment);
  IndexSettings found;
  if (is_set(merged, "no-index")) {
    throw Error(ErrorCode::config, "pip on this host is told to use no index")
        .with_hint(
            "take no-index out of pip.conf or PIP_NO_INDEX, or name an index in the manifest: upstreams: pypi: url");
  }
  const std::string main = merged["index-url"].empty() ? merged["pypi-url"] : merged["index-url"];
  add_index(found, main.empty() ? built_in_index() : main, "index-url");
  for (const std::string& extra : words(merged["extra-index-url"])) {
    add_index(found, extra, "extra-index-url");
  }
  if (!merged["find-links"].empty()) {
    found.warnings.emplace_back("pip's find-links on this host is not followed: packages come from the index only");
  }
  std::string netrc = variable(environment, "NETRC");
  if (netrc.empty() && !variable(environment, "HOME").empty()) {
    netrc = variable(environment, "HOME") + "/.netrc";
  }
  if (!netrc.empty()) {
    if (const auto text = base::read_file_if_exists(netrc, k_file_limit)) {
      found.netrc = parse_netrc(*text);
    }
  }
  return found;
}

std::string host_python() {
  if (base::program_exists("python3")) {
    const auto result =
        base::run_process({.argv = {"python3", "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"},
                           .directory = "/",
                           .timeout = k_ask_timeout});
    if (result.exit_code == 0 && !base::trim(result.output).empty()) {
      return std::string(base::trim(result.output));
    }
  }
  throw Error(ErrorCode::config, "this host has no python3 to ask for which version packages are wanted")
      .with_hint("say it in the manifest: `pypi: { python: [\"3.11\"] }`");
}

}  // namespace airlock::ecosystem::pypi
