// The calls of Docker's Engine API that a job needs, over the daemon's socket.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/json.hpp"
#include "base/secret.hpp"
#include "http/client.hpp"

namespace airlock::agent {

// How long next to nothing may come from a daemon before it is taken for one that stands still.
struct DockerPatience {
  std::chrono::seconds brief{60};       // with what looks, starts and ends something
  std::chrono::seconds work{300};       // with what moves files: a pull, a container that is made or removed
  std::chrono::seconds last_words{30};  // with output that stays open after its command has ended
};

// Thread-safe. Every call throws unsupported when there is no daemon, upstream when it answers with an error, network
// when it stands still.
class DockerApi {
 public:
  explicit DockerApi(const std::filesystem::path& socket, DockerPatience patience = {});

  std::optional<base::Json> image(const std::string& reference);  // nullopt: it is not here
  // `reference` with a digest or a tag. `on_status` is told what the daemon does. Throws interrupted once `given_up`
  // says so; that may be empty.
  void pull(const std::string& reference, const std::string& user, const base::Secret& password,
            const std::function<void(const std::string&)>& on_status, const std::function<bool()>& given_up = {});
  std::string create_container(const std::string& name, const base::Json& description);  // its id
  void start(const std::string& container);
  base::Json container(const std::string& id);
  void kill(const std::string& container);
  void remove(const std::string& container);  // also while it runs; one that is gone already is fine
  std::vector<std::string> containers_with(const std::string& label);

  std::string create_exec(const std::string& container, const base::Json& description);
  // Until it ends, however long it is silent; stdout and stderr in the order in which they come. `given_up` as of pull.
  // False: the command has ended, and its output was left, since something held it open for longer than last_words (a
  // process that it left behind, or the daemon). Throws as pull does.
  bool run_exec(const std::string& exec, const std::function<void(std::string_view)>& output,
                const std::function<bool()>& given_up = {});
  base::Json exec(const std::string& id);
  // The exit code, once the daemon has noted the end: that can be long after the end of run_exec, under load, or where
  // a command closes its streams and goes on. Looks again after `pause` each time; nullopt once `given_up` says so.
  std::optional<int> exit_code(const std::string& exec, const std::function<bool()>& given_up,
                               std::chrono::milliseconds pause = std::chrono::milliseconds(50));

 private:
  http::Request request(const std::string& method, const std::string& path) const;
  http::Response call(const std::string& method, const std::string& path, const base::Json* body,
                      std::initializer_list<int> accepted, std::string_view what,
                      std::optional<std::chrono::seconds> patience = std::nullopt);
  bool is_known_to_have_ended(const std::string& exec);

  DockerPatience m_patience;
  http::Client m_http;
  http::Client m_attached;  // to commands; takes no place from what looks at them and ends them
  std::string m_version;
};

// Readers of the daemon's answers; each throws upstream for one of another shape.
pid_t pid_of_container(const base::Json& container);  // 0: it does not run
bool is_out_of_memory(const base::Json& container);   // "OOMKilled"
pid_t pid_of_exec(const base::Json& exec);            // 0: it does not run
bool is_running(const base::Json& exec);
std::optional<int> exit_code_of_exec(const base::Json& exec);  // nullopt: it has not ended, or nobody noted how
std::map<std::string, std::string>
environment_of_image(const base::Json& image);  // what is no NAME=VALUE is passed over
std::vector<std::string> container_ids(const base::Json& containers);

// Progress of a pull as the daemon tells it: one JSON object a line, an error among them, for which it throws upstream.
class PullStatus : public base::ByteSink {
 public:
  PullStatus(std::string reference, const std::function<void(const std::string&)>& on_status)
      : m_reference(std::move(reference)), m_on_status(on_status) {}
  void write(std::span<const std::byte> data) override;
  void finish();  // also a last line without an end counts

 private:
  void take(std::string_view line) const;

  std::string m_reference;
  const std::function<void(const std::string&)>& m_on_status;
  std::string m_line;
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
