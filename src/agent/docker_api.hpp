// The calls of Docker's Engine API that a job needs, over the daemon's socket.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/secret.hpp"
#include "http/client.hpp"

namespace airlock::agent {

// Thread-safe. Every call throws unsupported when there is no daemon, upstream when it answers with an error.
class DockerApi {
 public:
  explicit DockerApi(const std::filesystem::path& socket);

  std::optional<base::Json> image(const std::string& reference);  // nullopt: it is not here
  // `reference` with a digest or a tag. `on_status` is told what the daemon does.
  void pull(const std::string& reference, const std::string& user, const base::Secret& password,
            const std::function<void(const std::string&)>& on_status);
  std::string create_container(const std::string& name, const base::Json& description);  // its id
  void start(const std::string& container);
  base::Json container(const std::string& id);
  void kill(const std::string& container);
  void remove(const std::string& container);  // also while it runs; one that is gone already is fine
  std::vector<std::string> containers_with(const std::string& label);

  std::string create_exec(const std::string& container, const base::Json& description);
  // Until it ends; stdout and stderr in the order in which they come.
  void run_exec(const std::string& exec, const std::function<void(std::string_view)>& output);
  base::Json exec(const std::string& id);
  // The exit code, once the daemon has noted the end: that can be long after the end of run_exec, under load, or where
  // a command closes its streams and goes on. Looks again after `pause` each time; nullopt once `given_up` says so.
  std::optional<int> exit_code(const std::string& exec, const std::function<bool()>& given_up,
                               std::chrono::milliseconds pause = std::chrono::milliseconds(50));

 private:
  http::Request request(const std::string& method, const std::string& path) const;
  http::Response call(const std::string& method, const std::string& path, const base::Json* body,
                      std::initializer_list<int> accepted, std::string_view what);

  http::Client m_http;
  std::string m_version;
};

// The frames in which the daemon sends two streams as one ("Stream format" of the attach call). Hostile sizes are no
// problem: nothing is kept but a header.
class DockerFrames {
 public:
  explicit DockerFrames(std::function<void(std::string_view)> output) : m_output(std::move(output)) {}
  void feed(std::string_view bytes);

 private:
  std::function<void(std::string_view)> m_output;
  std::string m_header;
  std::uint64_t m_left = 0;  // of the frame's content
};

// Where the mirror serves an image that is known by its usual name: "debian:12" is
// "mirror.site.example:8480/docker.io/library/debian:12". Throws malformed.
std::string image_on_mirror(std::string_view reference, const base::Url& mirror);

}  // namespace airlock::agent
