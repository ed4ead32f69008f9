#include "mirror/setup_routes.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/files.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "ecosystem/ecosystem.hpp"

namespace airlock::mirror {

using base::Json;
using ecosystem::ClientConfig;
using ecosystem::ClientConfigFile;
using ecosystem::Ecosystem;
using http::ServerRequest;
using http::ServerResponse;

namespace {

constexpr std::size_t k_certificate_limit = 1024 * 1024;  // bytes
// Where the written configuration expects the certificate authority, unless the request says otherwise with
// `?ca=`.
constexpr const char* k_installed_ca = "/usr/local/share/ca-certificates/airlock.crt";

ServerResponse not_found(std::string_view what) {
  return ServerResponse::text(404, fmt::format("there is no {} here; see /setup/\n", base::printable(what, 200)));
}

// A value that a POSIX shell takes as it is.
std::string shell_quoted(const std::string& value) {
  std::string out = "'";
  for (const char c : value) {
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return out + "'";
}

class Setup {
 public:
  explicit Setup(std::filesystem::path ca_certificate) : m_ca_certificate(std::move(ca_certificate)) {}

  ServerResponse overview(const ServerRequest& request) const {
    Json ecosystems = Json::object();
    for (const Ecosystem* one : ecosystem::all_ecosystems()) {
      if (!one->client_config) {
        continue;
      }
      const ClientConfig config = config_of(*one, request);
      Json files = Json::array();
      for (const ClientConfigFile& file : config.files) {
        files.push_back({{"name", file.name},
                         {"url", fmt::format("{}/setup/{}/{}", request.base_url, one->id, file.name)},
                         {"install_as", file.install_as}});
      }
      ecosystems[one->id] = {{"environment", config.environment}, {"files", files}, {"notes", config.notes}};
    }
    Json answer = {{"format", 1}, {"mirror", request.base_url}, {"ecosystems", ecosystems}};
    if (!m_ca_certificate.empty()) {
      answer["ca"] = request.base_url + "/setup/ca.pem";
      answer["ca_install_as"] = ca_path(request);
    }
    ServerResponse response = ServerResponse::json(200, answer.dump(2) + "\n");
    response.headers.set("Cache-Control", "no-cache");
    return response;
  }

  ServerResponse environment(const ServerRequest& request) const {
    std::map<std::string, std::string> all;
    for (const Ecosystem* one : ecosystem::all_ecosystems()) {
      if (one->client_config) {
        all.merge(config_of(*one, request).environment);
      }
    }
    std::string text = "# For a shell: . env.sh\n";
    for (const auto& [name, value] : all) {
      text += fmt::format("export {}={}\n", name, shell_quoted(value));
    }
    return ServerResponse::text(200, text);
  }

  ServerResponse file(const ServerRequest& request) const {
    const Ecosystem* one = ecosystem::find_ecosystem(request.parameter("ecosystem"));
    if (one == nullptr || !one->client_config) {
      return not_found("configuration for " + request.parameter("ecosystem"));
    }
    const ClientConfig config = config_of(*one, request);
    const auto found = std::find_if(config.files.begin(), config.files.end(), [&](const ClientConfigFile& candidate) {
      return candidate.name == request.parameter("name");
    });
    return found == config.files.end() ? not_found(request.parameter("name"))
                                       : ServerResponse::text(200, found->content);
  }

  ServerResponse certificate() const {
    if (m_ca_certificate.empty()) {
      return not_found("certificate authority of its own");
    }
    return ServerResponse::text(200, base::read_file(m_ca_certificate, k_certificate_limit), "application/x-pem-file");
  }

 private:
  static std::string ca_path(const ServerRequest& request) {
    const std::string ca = request.query_value("ca").value_or(k_installed_ca);
    // It stands inside quotes of several languages; a path that would need escapes in one of them is left
    // out.
    const bool plain = std::all_of(ca.begin(), ca.end(), [](char c) {
      return c > ' ' && c < 0x7f && c != '"' && c != '\'' && c != '\\' && c != '$' && c != '`';
    });
    return plain ? ca : k_installed_ca;
  }

  ClientConfig config_of(const Ecosystem& one, const ServerRequest& request) const {
    return one.client_config({base::Url::parse(request.base_url), m_ca_certificate.empty() ? "" : ca_path(request)});
  }

  std::filesystem::path m_ca_certificate;
};

}  // namespace

void mount_setup(http::Router& router, const std::filesystem::path& ca_certificate) {
  const auto setup = std::make_shared<const Setup>(ca_certificate);
  router.add("GET", "/setup", [setup](const ServerRequest& request) { return setup->overview(request); });
  router.add("GET", "/setup/", [setup](const ServerRequest& request) { return setup->overview(request); });
  router.add("GET", "/setup/ca.pem", [setup](const ServerRequest&) { return setup->certificate(); });
  router.add("GET", "/setup/env.sh", [setup](const ServerRequest& request) { return setup->environment(request); });
  router.add("GET", "/setup/{ecosystem}/{name+}",
             [setup](const ServerRequest& request) { return setup->file(request); });
}

}  // namespace airlock::mirror
