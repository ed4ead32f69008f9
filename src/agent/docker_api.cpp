#include "agent/docker_api.hpp"

#include <algorithm>
#include <limits>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::agent {

namespace {

using base::Error;
using base::ErrorCode;
using base::Json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t k_frame_header = 8;
constexpr std::size_t k_answer_limit = 4 * 1024 * 1024;
constexpr std::size_t k_line_limit = 64 * 1024;
constexpr int k_looks_for_code = 100;
constexpr std::chrono::hours k_no_stall{24 * 365};  // a command may be silent for as long as it likes

http::ClientOptions options_for(const std::filesystem::path& socket) {
  http::ClientOptions options;
  options.hosts["docker"].unix_socket = socket;
  options.retries = 0;
  return options;
}

// Its answers are malformed to no fault of whoever reads this.
template <typename Read>
auto from_daemon(Read&& read) {
  try {
    return std::forward<Read>(read)();
  } catch (const Error& error) {
    throw Error(ErrorCode::upstream, fmt::format("Docker's answer cannot be read: {}", error.message()));
  }
}

bool flag_of(const Json& object, std::string_view key, std::string_view name) {
  const Json& value = base::member(object, key, name);
  if (!value.is_boolean()) {
    throw Error(ErrorCode::malformed, fmt::format("the member '{}' of {} is neither true nor false", key, name));
  }
  return value.get<bool>();
}

pid_t pid_in(const Json& object, std::string_view name) {
  const auto pid = base::uint_member(object, "Pid", name);
  if (pid > static_cast<std::uint64_t>(std::numeric_limits<pid_t>::max())) {
    throw Error(ErrorCode::malformed, fmt::format("the member 'Pid' of {} is no number of a process", name));
  }
  return static_cast<pid_t>(pid);
}

struct ImageName {
  std::string repository;  // all before tag and digest
  std::string suffix;      // "sha256:…", or a tag
  bool by_digest = false;
};

ImageName split_reference(std::string_view reference) {
  const bool fits = !reference.empty() && reference.size() < 1024 && std::ranges::all_of(reference, [](char c) {
    return base::is_alphanumeric(c) || std::string_view("./:@_-").find(c) != std::string_view::npos;
  });
  if (!fits) {
    throw Error(ErrorCode::malformed, fmt::format("'{}' is no name of an image", base::printable(reference, 200)));
  }
  if (const auto at = reference.find('@'); at != std::string_view::npos) {
    std::string_view name = reference.substr(0, at);
    const auto slash = name.rfind('/');
    const auto tag = name.find(':', slash == std::string_view::npos ? 0 : slash);
    return {std::string(name.substr(0, tag)), std::string(reference.substr(at + 1)), true};
  }
  const auto slash = reference.rfind('/');
  const auto tag = reference.find(':', slash == std::string_view::npos ? 0 : slash);
  if (tag == std::string_view::npos) {
    return {std::string(reference), "latest", false};
  }
  return {std::string(reference.substr(0, tag)), std::string(reference.substr(tag + 1)), false};
}

}  // namespace

pid_t pid_of_container(const Json& container) {
  return from_daemon(
      [&] { return pid_in(base::member(container, "State", "a container of Docker"), "a container's state"); });
}

bool is_out_of_memory(const Json& container) {
  return from_daemon([&] {
    return flag_of(base::member(container, "State", "a container of Docker"), "OOMKilled", "a container's state");
  });
}

pid_t pid_of_exec(const Json& exec) {
  return from_daemon([&] { return pid_in(exec, "a command of Docker"); });
}

bool is_running(const Json& exec) {
  return from_daemon([&] { return flag_of(exec, "Running", "a command of Docker"); });
}

std::optional<int> exit_code_of_exec(const Json& exec) {
  return from_daemon([&]() -> std::optional<int> {
    const bool running = flag_of(exec, "Running", "a command of Docker");
    const Json& code = base::member(exec, "ExitCode", "a command of Docker");
    if (running || code.is_null()) {
      return std::nullopt;
    }
    const auto value = code.is_number_integer() ? code.get<std::int64_t>() : std::numeric_limits<std::int64_t>::max();
    if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max()) {
      throw Error(ErrorCode::malformed, "the member 'ExitCode' of a command of Docker is no number of that size");
    }
    return static_cast<int>(value);
  });
}

std::map<std::string, std::string> environment_of_image(const Json& image) {
  std::map<std::string, std::string> variables;
  const auto config = image.find("Config");
  if (config == image.end() || !config->is_object()) {
    return variables;
  }
  const auto list = config->find("Env");
  if (list == config->end() || !list->is_array()) {
    return variables;
  }
  for (const Json& each : *list) {
    const std::string text = each.is_string() ? each.get<std::string>() : std::string();
    if (const auto equals = text.find('='); equals != std::string::npos && equals != 0) {
      variables[text.substr(0, equals)] = text.substr(equals + 1);
    }
  }
  return variables;
}

std::vector<std::string> container_ids(const Json& containers) {
  return from_daemon([&] {
    std::vector<std::string> ids;
    for (const Json& each : containers) {
      ids.push_back(base::string_member(each, "Id", "a container of Docker"));
    }
    return ids;
  });
}

void PullStatus::write(std::span<const std::byte> data) {
  m_line.append(reinterpret_cast<const char*>(data.data()), data.size());
  std::size_t at = 0;
  for (auto end = m_line.find('\n'); end != std::string::npos; end = m_line.find('\n', at)) {
    take(std::string_view(m_line).substr(at, end - at));
    at = end + 1;
  }
  m_line.erase(0, at);
  if (m_line.size() > k_line_limit) {
    throw Error(ErrorCode::upstream, "Docker's answer to a pull has a line without an end");
  }
}

void PullStatus::finish() {
  take(std::exchange(m_line, {}));
}

void PullStatus::take(std::string_view line) const {
  if (base::trim(line).empty()) {
    return;
  }
  const auto [failure, status] = from_daemon([&] {
    const Json json = base::parse_json(line, "the progress of a pull");
    return std::pair(json.contains("error")
                         ? std::optional(base::string_member(json, "error", "the progress of a pull"))
                         : std::nullopt,
                     base::string_member_or(json, "status", "", "the progress of a pull"));
  });
  if (failure) {
    throw Error(ErrorCode::upstream,
                fmt::format("Docker cannot pull {}: {}", m_reference, base::printable(*failure, 400)))
        .with_hint("the daemon must trust the mirror: its authority in /etc/docker/certs.d/HOST:PORT/ca.crt, or for "
                   "plain HTTP its address in insecure-registries");
  }
  if (status.starts_with("Digest:") || status.starts_with("Status:")) {
    m_on_status(base::printable(status, 300));
  }
}

void DockerFrames::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    if (m_left == 0) {
      const auto part = bytes.substr(0, k_frame_header - m_header.size());
      m_header += part;
      bytes.remove_prefix(part.size());
      if (m_header.size() < k_frame_header) {
        return;
      }
      for (std::size_t i = 4; i < k_frame_header; ++i) {
        m_left = (m_left << 8) | static_cast<unsigned char>(m_header[i]);
      }
      m_header.clear();
      continue;
    }
    const auto part = bytes.substr(0, std::min<std::uint64_t>(m_left, bytes.size()));
    m_output(part);
    m_left -= part.size();
    bytes.remove_prefix(part.size());
  }
}

std::string image_on_mirror(std::string_view reference, const base::Url& mirror) {
  const ImageName name = split_reference(reference);
  const std::string suffix = (name.by_digest ? "@" : ":") + name.suffix;
  const std::string own = fmt::format("{}:{}", mirror.host(), mirror.port());
  if (name.repository.starts_with(own + "/")) {
    return name.repository + suffix;
  }
  const auto slash = name.repository.find('/');
  const std::string first = name.repository.substr(0, slash);
  const bool has_registry =
      slash != std::string::npos &&
      (first.find('.') != std::string::npos || first.find(':') != std::string::npos || first == "localhost");
  if (!has_registry) {
    return fmt::format("{}/docker.io/{}{}{}", own, slash == std::string::npos ? "library/" : "", name.repository,
                       suffix);
  }
  std::string registry = first;
  std::ranges::replace(registry, ':', '_');
  return fmt::format("{}/{}{}{}", own, registry, name.repository.substr(slash), suffix);
}

DockerApi::DockerApi(const std::filesystem::path& socket, DockerPatience patience)
    : m_patience(patience), m_http(options_for(socket)), m_attached(options_for(socket)) {
  http::Request ping = request("GET", "/_ping");
  try {
    const auto response = m_http.send(ping);
    http::expect_status(response, {200}, "asking Docker whether it is there");
    const auto version = response.headers.find("Api-Version");
    m_version = version ? "/v" + std::string(*version) : std::string();
  } catch (const Error& error) {
    throw Error(ErrorCode::unsupported,
                fmt::format("no Docker daemon answers at {}: {}", socket.string(), error.message()))
        .with_hint("start it, or name its socket with 'docker_socket'");
  }
}

http::Request DockerApi::request(const std::string& method, const std::string& path) const {
  http::Request result;
  result.method = method;
  result.url = base::Url::parse("http://docker" + m_version + path);
  result.redirects = http::Redirects::refuse;
  result.body_limit = k_answer_limit;
  result.patience = m_patience.brief;
  result.retry = false;
  return result;
}

http::Response DockerApi::call(const std::string& method, const std::string& path, const Json* body,
                               std::initializer_list<int> accepted, std::string_view what,
                               std::optional<std::chrono::seconds> patience) {
  auto sent = request(method, path);
  sent.patience = patience.value_or(m_patience.brief);
  if (body != nullptr) {
    sent.headers.add("Content-Type", "application/json");
    sent.body = base::to_line(*body);
  }
  auto response = m_http.send(sent);
  http::expect_status(response, accepted, what);
  return response;
}

std::optional<Json> DockerApi::image(const std::string& reference) {
  const auto response = call("GET", "/images/" + base::percent_encode(reference, "/:@") + "/json", nullptr, {200, 404},
                             "looking for an image");
  if (response.status == 404) {
    return std::nullopt;
  }
  return base::parse_json(response.body, "an image of Docker");
}

void DockerApi::pull(const std::string& reference, const std::string& user, const base::Secret& password,
                     const std::function<void(const std::string&)>& on_status, const std::function<bool()>& given_up) {
  const ImageName name = split_reference(reference);
  auto sent = request("POST", fmt::format("/images/create?fromImage={}&tag={}", base::percent_encode(name.repository),
                                          base::percent_encode(name.suffix)));
  sent.patience = m_patience.work;
  sent.given_up = given_up;
  if (!password.empty()) {
    const Json credentials = {{"username", user}, {"password", password.reveal()}};
    std::string encoded = base::base64_encode(credentials.dump());
    std::ranges::replace(encoded, '+', '-');
    std::ranges::replace(encoded, '/', '_');
    sent.headers.add("X-Registry-Auth", encoded);
  }
  PullStatus status(reference, on_status);
  http::expect_status(m_http.stream(sent, status), {200}, fmt::format("pulling {}", reference));
  status.finish();
}

std::string DockerApi::create_container(const std::string& name, const Json& description) {
  const auto response = call("POST", "/containers/create?name=" + base::percent_encode(name), &description, {201},
                             "making a container", m_patience.work);
  return base::string_member(base::parse_json(response.body, "a container of Docker"), "Id", "a container of Docker");
}

void DockerApi::start(const std::string& container) {
  call("POST", "/containers/" + container + "/start", nullptr, {204, 304}, "starting a container");
}

Json DockerApi::container(const std::string& id) {
  return base::parse_json(call("GET", "/containers/" + id + "/json", nullptr, {200}, "looking at a container").body,
                          "a container of Docker");
}

void DockerApi::kill(const std::string& container) {
  call("POST", "/containers/" + container + "/kill", nullptr, {204, 404, 409}, "killing a container");
}

void DockerApi::remove(const std::string& container) {
  call("DELETE", "/containers/" + container + "?force=true&v=true", nullptr, {204, 404, 409}, "removing a container",
       m_patience.work);
}

std::vector<std::string> DockerApi::containers_with(const std::string& label) {
  const Json filters = {{"label", {label}}};
  const auto response = call("GET", "/containers/json?all=true&filters=" + base::percent_encode(filters.dump()),
                             nullptr, {200}, "listing containers");
  return container_ids(base::parse_json(response.body, "the containers of Docker"));
}

std::string DockerApi::create_exec(const std::string& container, const Json& description) {
  const auto response =
      call("POST", "/containers/" + container + "/exec", &description, {201}, "preparing a command in a container");
  return base::string_member(base::parse_json(response.body, "a command of Docker"), "Id", "a command of Docker");
}

bool DockerApi::is_known_to_have_ended(const std::string& exec) {
  try {
    return exit_code_of_exec(this->exec(exec)).has_value();
  } catch (const Error&) {
    return false;
  }
}

bool DockerApi::run_exec(const std::string& exec, const std::function<void(std::string_view)>& output,
                         const std::function<bool()>& given_up) {
  auto sent = request("POST", "/exec/" + exec + "/start");
  sent.patience = k_no_stall;
  auto next_look = Clock::now() + m_patience.last_words;
  bool ended = false, left_open = false;
  sent.given_up = [&] {
    if (Clock::now() >= next_look) {
      left_open = std::exchange(ended, is_known_to_have_ended(exec)) && ended;  // at two looks in a row
      next_look = Clock::now() + m_patience.last_words;
    }
    return left_open || (given_up && given_up());
  };
  sent.headers.add("Content-Type", "application/json");
  sent.body = R"({"Detach":false,"Tty":false})";
  DockerFrames frames(output);
  base::FunctionSink sink([&](std::span<const std::byte> data) {
    frames.feed({reinterpret_cast<const char*>(data.data()), data.size()});
  });
  try {
    http::expect_status(m_attached.stream(sent, sink), {200}, "running a command in a container");
  } catch (const Error&) {
    if (!left_open) {
      throw;
    }
  }
  return !left_open;
}

Json DockerApi::exec(const std::string& id) {
  return base::parse_json(call("GET", "/exec/" + id + "/json", nullptr, {200}, "looking at a command").body,
                          "a command of Docker");
}

std::optional<int> DockerApi::exit_code(const std::string& exec, const std::function<bool()>& given_up,
                                        std::chrono::milliseconds pause) {
  for (int ended_without_code = 0; ended_without_code < k_looks_for_code;) {
    if (given_up()) {
      return std::nullopt;
    }
    const Json state = this->exec(exec);
    if (const auto code = exit_code_of_exec(state)) {
      return code;
    }
    ended_without_code += is_running(state) ? 0 : 1;
    std::this_thread::sleep_for(pause);
  }
  throw Error(ErrorCode::upstream, "Docker does not tell how a command ended")
      .with_hint("look into the daemon's log; what the command did is not known here");
}

}  // namespace airlock::agent
