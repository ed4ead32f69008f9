#include "ecosystem/go/go_env.hpp"

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/json.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "ecosystem/go/note.hpp"

namespace airlock::ecosystem::go {

using base::Error;
using base::ErrorCode;
using base::Secret;
using base::Url;

namespace {

constexpr std::size_t k_largest_program = std::size_t{256} * 1024 * 1024;  // bytes

ProxyElement parse_element(std::string_view text) {
  ProxyElement element;
  if (text == "direct" || text == "off") {
    element.is_direct = text == "direct";
    element.is_off = text == "off";
    return element;
  }
  const bool has_scheme = text.find("://") != std::string_view::npos;
  try {
    element.url = Url::parse(has_scheme ? std::string(text) : fmt::format("https://{}", text));
  } catch (const Error& error) {
    throw Error(ErrorCode::config, fmt::format("GOPROXY names no usable address: {}", error.message()));
  }
  if (element.url.scheme() != "http" && element.url.scheme() != "https") {
    throw Error(ErrorCode::unsupported, "GOPROXY names a folder, and only proxies behind http and https can be asked")
        .with_hint("serve the folder with any web server, and name that under `upstreams: go: { url: … }`");
  }
  if (!element.url.user_info().empty()) {
    element.authorization = basic_authorization(base::percent_decode(element.url.user_info()));
    element.url = Url::parse(element.url.to_string());
  }
  return element;
}

}  // namespace

std::string value_of(const GoEnv& env, const std::string& name) {
  const auto found = env.find(name);
  return found == env.end() ? "" : found->second;
}

GoEnv read_go_env(const std::map<std::string, std::string>& environment) {
  GoEnv variables;
  base::ProcessOptions options;
  options.argv = {"go", "env", "-json"};
  options.directory = "/";  // no go.mod or go.work has a say in it
  for (const auto& [name, value] : environment) {
    if (name.starts_with("GO")) {
      variables.emplace(name, value);
      options.environment.emplace(name, value);
    }
  }
  options.environment["GOTOOLCHAIN"] = "local";  // it must not fetch another client
  if (!base::program_exists("go")) {
    return variables;
  }
  const base::ProcessResult result = base::run_process(options);
  if (result.exit_code != 0) {
    throw Error(ErrorCode::config, fmt::format("`go env` failed: {}", base::printable(base::trim(result.errors))));
  }
  const base::Json object = base::parse_json(result.output, "the output of `go env -json`");
  for (const auto& [name, value] : object.items()) {
    if (value.is_string()) {
      variables[name] = value.get<std::string>();
    }
  }
  return variables;
}

std::vector<ProxyElement> parse_proxy_list(std::string_view list) {
  std::vector<ProxyElement> elements;
  while (!list.empty()) {
    const std::size_t end = list.find_first_of(",|");
    const std::string_view text = base::trim(list.substr(0, end));
    const bool any_failure = end != std::string_view::npos && list[end] == '|';
    list.remove_prefix(end == std::string_view::npos ? list.size() : end + 1);
    if (text.empty()) {
      continue;
    }
    elements.push_back(parse_element(text));
    elements.back().any_failure_goes_on = any_failure;
    if (elements.back().is_direct || elements.back().is_off) {
      break;
    }
  }
  return elements;
}

Secret basic_authorization(std::string_view user_and_password) {
  return Secret("Basic " + base::base64_encode(user_and_password));
}

Secret find_in_netrc(std::string_view text, std::string_view host) {
  std::string machine, login, password;
  bool in_machine = false;
  bool in_macro = false;
  const auto complete = [&] { return in_machine && machine == host && !login.empty() && !password.empty(); };
  for (const std::string& line : base::split(text, '\n')) {
    if (in_macro) {
      in_macro = !base::trim(line).empty();
      continue;
    }
    std::vector<std::string> words;
    for (const std::string& word : base::split(line, ' ')) {
      for (const std::string& part : base::split(word, '\t')) {
        if (const auto trimmed = base::trim(part); !trimmed.empty()) {
          words.emplace_back(trimmed);
        }
      }
    }
    for (std::size_t i = 0; i < words.size() && !words[i].starts_with('#'); ++i) {
      if (words[i] == "macdef") {
        in_macro = true;
        break;
      }
      if (words[i] == "default") {
        return complete() ? Secret(login + ":" + password) : Secret();  // the Go client reads no further
      }
      if (i + 1 == words.size()) {
        break;
      }
      if (words[i] == "machine") {
        if (complete()) {
          return Secret(login + ":" + password);
        }
        in_machine = true;
        machine = words[++i];
        login.clear();
        password.clear();
      } else if (words[i] == "login") {
        login = words[++i];
      } else if (words[i] == "password") {
        password = words[++i];
      }
    }
  }
  return complete() ? Secret(login + ":" + password) : Secret();
}

std::string find_built_in_key(const std::filesystem::path& program, std::string_view name) {
  if (name.empty() || name.size() > 255) {
    return {};
  }
  const std::string start = fmt::format("{}+", name);
  const std::size_t length = start.size() + 8 + 1 + 44;  // a hash of 4 bytes in hex, "+", 33 bytes in base64
  const base::Fd fd = base::open_for_reading(program);
  const std::uint64_t size = base::file_size(fd.get(), program.string());
  if (size > k_largest_program) {
    return {};
  }
  base::FileSource source(fd.get(), 0, size, program.string());
  std::vector<std::byte> buffer(base::k_copy_buffer_size);
  std::string window;  // the end of what was read before, and what was read now
  while (const std::size_t got = source.read(buffer)) {
    window.append(reinterpret_cast<const char*>(buffer.data()), got);
    for (std::size_t at = window.find(start); at != std::string::npos; at = window.find(start, at + 1)) {
      const std::string candidate = window.substr(at, length);
      if (candidate.size() == length && parse_verifier_key(candidate)) {
        return candidate;
      }
    }
    if (window.size() > length) {
      window.erase(0, window.size() - length);
    }
  }
  return {};
}

}  // namespace airlock::ecosystem::go
