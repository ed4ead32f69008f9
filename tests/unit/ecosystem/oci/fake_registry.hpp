// A registry in memory behind airlock's own server, with the habits that tests want: no referrers API,
// indexes taken only with all children, a token service, failures on demand. Not a model of a good registry.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "ecosystem/oci/manifest.hpp"
#include "ecosystem/oci/media_types.hpp"
#include "ecosystem/oci/referrers_index.hpp"
#include "http/client.hpp"
#include "http/server.hpp"
#include "images.hpp"

namespace airlock::ecosystem::oci {

struct FakeRegistryHabits {
  bool referrers_api = true;
  bool wants_all_children = false;
  bool mounts = true;
  std::string token;  // where set, requests need "Bearer" and this; /token gives it to u:p only
};

class FakeRegistry {
 public:
  explicit FakeRegistry(FakeRegistryHabits habits = {}) : m_habits(std::move(habits)) {
    http::Router router;
    add_routes(router);
    http::ServerOptions options;
    options.port = 0;
    m_server = std::make_unique<http::Server>(std::move(options), std::move(router));
    m_server->start();
  }

  std::string host() const { return "127.0.0.1:" + std::to_string(m_server->port()); }
  base::Url url(const std::string& path = "/") const { return base::Url::parse("http://" + host() + path); }

  void put_blob(const std::string& repository, std::string_view content) {
    const std::lock_guard lock(m_mutex);
    m_repositories[repository].blobs[digest_text(content)] = content;
  }
  // Also adds config and layers that are given by content; returns the digest.
  std::string put_manifest(const std::string& repository, const std::string& bytes, const std::string& tag = "",
                           const std::vector<std::string>& blobs = {}) {
    const std::lock_guard lock(m_mutex);
    Repository& here = m_repositories[repository];
    for (const std::string& blob : blobs) {
      here.blobs[digest_text(blob)] = blob;
    }
    here.manifests[digest_text(bytes)] = bytes;
    if (!tag.empty()) {
      here.tags[tag] = digest_text(bytes);
    }
    return digest_text(bytes);
  }
  void put_image(const std::string& repository, const std::string& tag, const TwoPlatforms& two = {}) {
    put_manifest(repository, two.amd64, "", {two.amd64_config, two.amd64_layer});
    put_manifest(repository, two.arm64, "", {two.arm64_config, two.arm64_layer});
    put_manifest(repository, two.index, tag);
  }
  // Requests whose target holds `part` are answered with `status` from now on.
  void fail(std::string part, int status) {
    const std::lock_guard lock(m_mutex);
    m_failures[std::move(part)] = status;
  }
  void heal() {
    const std::lock_guard lock(m_mutex);
    m_failures.clear();
  }

  std::map<std::string, std::string> tags(const std::string& repository) {
    const std::lock_guard lock(m_mutex);
    return m_repositories[repository].tags;
  }
  std::optional<std::string> manifest(const std::string& repository, const std::string& reference) {
    const std::lock_guard lock(m_mutex);
    return find_manifest(m_repositories[repository], reference);
  }
  bool has_blob(const std::string& repository, std::string_view content) {
    const std::lock_guard lock(m_mutex);
    return m_repositories[repository].blobs.contains(digest_text(content));
  }
  int uploads() const { return m_uploads; }
  int mounts() const { return m_mounts; }
  int tokens() const { return m_tokens; }
  std::size_t requests(const std::string& part) {
    const std::lock_guard lock(m_mutex);
    std::size_t count = 0;
    for (const std::string& line : m_log) {
      count += line.find(part) != std::string::npos ? 1U : 0U;
    }
    return count;
  }

 private:
  struct Repository {
    std::map<std::string, std::string> blobs, manifests, tags;
  };
  using Request = http::ServerRequest;
  using Response = http::ServerResponse;

  static Response error(int status, const std::string& code) {
    return Response::json(status, Json{{"errors", {{{"code", code}, {"message", "fake"}}}}}.dump());
  }
  static std::optional<std::string> find_manifest(const Repository& here, const std::string& reference) {
    const auto tag = here.tags.find(reference);
    const auto found = here.manifests.find(tag == here.tags.end() ? reference : tag->second);
    return found == here.manifests.end() ? std::nullopt : std::optional(found->second);
  }

  void add_routes(http::Router& router) {
    using Handler = Response (FakeRegistry::*)(const Request&, Repository&);
    const auto add = [&](const char* method, const char* pattern, Handler handler) {
      router.add(method, pattern,
                 [this, handler](const Request& request) {
                   if (auto refused = check(request)) {
                     return std::move(*refused);
                   }
                   std::string body = request.method == "GET" ? "" : base::read_all(*request.body, 64 * 1024 * 1024);
                   const std::lock_guard lock(m_mutex);
                   m_body = std::move(body);
                   const auto name = request.parameters.find("name");
                   return (this->*handler)(request,
                                           m_repositories[name == request.parameters.end() ? "" : name->second]);
                 },
                 {.body_limit = 64 * 1024 * 1024});
    };
    add("GET", "/v2/", &FakeRegistry::ping);
    add("GET", "/v2/{name+}/manifests/{reference}", &FakeRegistry::get_manifest);
    add("PUT", "/v2/{name+}/manifests/{reference}", &FakeRegistry::take_manifest);
    add("GET", "/v2/{name+}/blobs/{digest}", &FakeRegistry::get_blob);
    add("GET", "/v2/{name+}/tags/list", &FakeRegistry::list_tags);
    add("GET", "/v2/{name+}/referrers/{digest}", &FakeRegistry::list_referrers);
    add("POST", "/v2/{name+}/blobs/uploads/", &FakeRegistry::start_upload);
    add("PUT", "/v2/{name+}/blobs/uploads/session", &FakeRegistry::finish_upload);
    router.add("GET", "/token", [this](const Request& request) {
      ++m_tokens;
      const bool known = request.headers.find("Authorization") == "Basic " + base::base64_encode("u:p");
      return known ? Response::json(200, Json{{"token", m_habits.token}, {"expires_in", 300}}.dump())
                   : error(401, "UNAUTHORIZED");
    });
  }

  std::optional<Response> check(const Request& request) {
    const std::lock_guard lock(m_mutex);
    m_log.push_back(request.method + " " + request.target);
    for (const auto& [part, status] : m_failures) {
      if (request.target.find(part) != std::string::npos) {
        return error(status, "DENIED");
      }
    }
    if (!m_habits.token.empty() && request.headers.find("Authorization") != "Bearer " + m_habits.token) {
      Response response = error(401, "UNAUTHORIZED");
      response.headers.set("WWW-Authenticate", "Bearer realm=\"http://" + host() + "/token\",service=\"fake\"");
      return response;
    }
    return std::nullopt;
  }

  Response ping(const Request&, Repository&) { return Response::json(200, "{}"); }

  Response get_manifest(const Request& request, Repository& here) {
    const std::optional<std::string> bytes = find_manifest(here, request.parameter("reference"));
    if (!bytes) {
      return error(404, "MANIFEST_UNKNOWN");
    }
    Response response = Response::text(200, *bytes, parse_manifest(*bytes, "", "fake").media_type);
    response.headers.set("Docker-Content-Digest", digest_text(*bytes));
    return response;
  }

  Response take_manifest(const Request& request, Repository& here) {
    const Manifest manifest = parse_manifest(m_body, request.headers.find("Content-Type").value_or(""), "fake");
    for (const Descriptor& layer : manifest.layers) {
      if (!is_nondistributable_type(layer.media_type) && !here.blobs.contains(layer.digest.to_string())) {
        return error(404, "MANIFEST_BLOB_UNKNOWN");
      }
    }
    for (const Descriptor& child : manifest.children) {
      if (m_habits.wants_all_children && !here.manifests.contains(child.digest.to_string())) {
        return error(404, "MANIFEST_BLOB_UNKNOWN");
      }
    }
    here.manifests[digest_text(m_body)] = m_body;
    if (request.parameter("reference").find(':') == std::string::npos) {
      here.tags[request.parameter("reference")] = digest_text(m_body);
    }
    return Response::text(201, "");
  }

  Response get_blob(const Request& request, Repository& here) {
    const auto found = here.blobs.find(request.parameter("digest"));
    return found == here.blobs.end() ? error(404, "BLOB_UNKNOWN") : Response::text(200, found->second, "any/blob");
  }

  Response list_tags(const Request& request, Repository& here) {
    std::vector<std::string> names;
    const std::string last = request.query_value("last").value_or("");
    for (const auto& [tag, digest] : here.tags) {
      if (tag > last && names.size() < 2) {  // pages of two, so that paging is used
        names.push_back(tag);
      }
    }
    Response response = Response::json(200, Json{{"name", request.parameter("name")}, {"tags", names}}.dump());
    if (names.size() == 2) {
      response.headers.set("Link",
                           "</v2/" + request.parameter("name") + "/tags/list?last=" + names.back() + ">; rel=\"next\"");
    }
    return response;
  }

  Response list_referrers(const Request& request, Repository& here) {
    if (!m_habits.referrers_api) {
      return Response::text(404, "404 page not found");
    }
    std::vector<Descriptor> list;
    for (const auto& [digest, bytes] : here.manifests) {
      const Manifest manifest = parse_manifest(bytes, "", "fake");
      if (manifest.subject && manifest.subject->digest.to_string() == request.parameter("digest")) {
        list.push_back(referrer_descriptor(manifest, base::Digest::parse(digest), bytes.size()));
      }
    }
    return Response::text(200, referrers_index(list), std::string(k_oci_index));
  }

  Response start_upload(const Request& request, Repository& here) {
    const std::optional<std::string> digest = request.query_value("mount");
    const std::optional<std::string> from = request.query_value("from");
    if (m_habits.mounts && digest && from && m_repositories[*from].blobs.contains(*digest)) {
      here.blobs[*digest] = m_repositories[*from].blobs[*digest];
      ++m_mounts;
      return Response::text(201, "");
    }
    Response response = Response::text(202, "");
    response.headers.set("Location", "/v2/" + request.parameter("name") + "/blobs/uploads/session?state=x");
    return response;
  }

  Response finish_upload(const Request& request, Repository& here) {
    const std::string digest = request.query_value("digest").value_or("");
    base::Hasher hasher(base::Digest::parse(digest).algorithm());
    hasher.update(m_body);
    if (hasher.finish().to_string() != digest) {
      return error(400, "DIGEST_INVALID");
    }
    here.blobs[digest] = m_body;
    ++m_uploads;
    return Response::text(201, "");
  }

  FakeRegistryHabits m_habits;
  std::mutex m_mutex;
  std::map<std::string, Repository> m_repositories;
  std::map<std::string, int> m_failures;
  std::vector<std::string> m_log;
  std::string m_body;  // of the request at work
  std::atomic<int> m_uploads{0};
  std::atomic<int> m_mounts{0};
  std::atomic<int> m_tokens{0};
  std::unique_ptr<http::Server> m_server;
};

inline http::ClientOptions quick_options() {
  http::ClientOptions options;
  options.first_backoff = std::chrono::milliseconds(1);
  options.retries = 1;
  options.connect_timeout = std::chrono::seconds(5);
  options.hosts["127.0.0.1"].proxy = "direct";
  options.hosts["localhost"].proxy = "direct";
  return options;
}

}  // namespace airlock::ecosystem::oci
