#include "ecosystem/terraform/endpoints.hpp"

#include <memory>

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/text.hpp"
#include "ecosystem/internal_host.hpp"
#include "ecosystem/plain_tree.hpp"
#include "ecosystem/terraform/package_hash.hpp"
#include "ecosystem/terraform/provider.hpp"

namespace airlock::ecosystem::terraform {

using base::Json;
using http::ServerRequest;
using http::ServerResponse;
using model::Kind;

namespace {

constexpr std::string_view k_id = "terraform";
constexpr std::string_view k_json = ".json";

struct HereFile {
  store::CatalogRow row;
  ProviderFile file;
};

class NetworkMirror {
 public:
  explicit NetworkMirror(MirrorContext context) : m_context(std::move(context)) {}

  // index.json, VERSION.json, or a file.
  ServerResponse get(const ServerRequest& request) {
    const std::string name = fmt::format("{}/{}/{}", host_of_path(request.parameter("host")),
                                         request.parameter("namespace"), request.parameter("type"));
    const std::string& file = request.parameter("file");
    const auto provider = parse_provider(name);
    if (!provider || provider->host.empty()) {
      return ServerResponse::text(404, "that is no provider's address\n");
    }
    if (file == "index.json") {
      return index(*provider);
    }
    if (file.ends_with(k_json)) {
      return version(*provider, file.substr(0, file.size() - k_json.size()));
    }
    return archive(*provider, file);
  }

 private:
  std::vector<HereFile> files_of(const store::Catalog& catalog, const Provider& provider) const {
    std::vector<HereFile> files;
    const std::string folder = folder_of(provider);
    for (store::CatalogRow& row : catalog.list(k_id, folder)) {
      auto file = parse_file_name(provider, std::string_view(row.path).substr(folder.size()));
      if (file && row.kind == Kind::file && row.sha256 && row.length) {
        files.push_back({.row = std::move(row), .file = std::move(*file)});
      }
    }
    return files;
  }

  static std::string full_name(const Provider& provider, const std::string& version) {
    return provider.to_string() + (version.empty() ? "" : "@" + version);
  }

  ServerResponse not_here(const Provider& provider, const std::string& version) const {
    const std::string name = full_name(provider, version);
    if (m_context.missing) {
      m_context.missing(k_id, name);
    }
    return ServerResponse::text(404, fmt::format("'{}' is not in any imported bundle\n", name));
  }

  // Nothing of the provider, or of one version, is served.
  ServerResponse none_served(const store::Catalog* catalog, const Provider& provider,
                             const std::string& version) const {
    const std::string folder = folder_of(provider);
    for (const store::CatalogRow& row :
         catalog != nullptr ? catalog->list(k_id, folder) : std::vector<store::CatalogRow>()) {
      const auto file = parse_file_name(provider, std::string_view(row.path).substr(folder.size()));
      if (row.kind == Kind::withheld && file && (version.empty() || file->version == version)) {
        return ServerResponse::text(403, fmt::format("'{}' {}\n", full_name(provider, version), why_withheld(row)));
      }
    }
    return not_here(provider, version);
  }

  ServerResponse index(const Provider& provider) const {
    const auto catalog = m_context.catalog();
    Json versions = Json::object();
    if (catalog) {
      for (const HereFile& here : files_of(*catalog, provider)) {
        versions[here.file.version] = Json::object();
      }
    }
    return versions.empty() ? none_served(catalog.get(), provider, "")
                            : ServerResponse::json(200, Json{{"versions", versions}}.dump());
  }

  // Both kinds of hashes for every platform: an unpacked copy has only the one, a registry's lock file may have only
  // the other.
  ServerResponse version(const Provider& provider, const std::string& version) {
    if (!is_provider_version(version)) {
      return ServerResponse::text(404, "that is no version\n");
    }
    const auto catalog = m_context.catalog();
    Json archives = Json::object();
    if (catalog) {
      for (const HereFile& here : files_of(*catalog, provider)) {
        if (here.file.version != version) {
          continue;
        }
        Json hashes = Json::array();
        if (const auto hash = m_hashes.get(m_context.blobs, *here.row.sha256)) {
          hashes.push_back(*hash);
        }
        hashes.push_back("zh:" + here.row.sha256->hex());
        archives[here.file.os + "_" + here.file.arch] = {{"url", here.row.path.substr(folder_of(provider).size())},
                                                         {"hashes", std::move(hashes)}};
      }
    }
    return archives.empty() ? none_served(catalog.get(), provider, version)
                            : ServerResponse::json(200, Json{{"archives", archives}}.dump());
  }

  ServerResponse archive(const Provider& provider, const std::string& name) const {
    const auto catalog = m_context.catalog();
    const auto row = catalog ? catalog->find(k_id, folder_of(provider) + name) : std::nullopt;
    if (row && row->kind == Kind::withheld) {
      return ServerResponse::text(403, fmt::format("'{}' {}\n", name, why_withheld(*row)));
    }
    if (row && row->sha256 && row->length && (row->kind == Kind::file || row->kind == Kind::meta)) {
      return serve_blob(m_context, *row);
    }
    const auto file = parse_file_name(provider, name);
    return not_here(provider, file ? file->version : "");
  }

  MirrorContext m_context;
  PackageHashes m_hashes;
};

// What a registry would be asked. Clients are told by their configuration that it is here (client_config.cpp), so that
// a module that is not in the working tree ends with this answer and not at the registry.
ServerResponse no_registry(const ServerRequest&) {
  return ServerResponse::json(404, R"({"errors":["this mirror has providers, and no registry of modules"]})");
}

}  // namespace

void mount(http::Router& router, const MirrorContext& context) {
  const auto mirror = std::make_shared<NetworkMirror>(context);
  mount_plain_tree(router, context, std::string(k_id), "/tf/");
  router.add("GET", "/tf/providers/{host}/{namespace}/{type}/{file}",
             [mirror](const ServerRequest& request) { return mirror->get(request); });
  router.add("GET", "/tf/v1/{rest+}", no_registry);
}

Wanted wanted(std::string_view name) {
  const std::size_t sign = std::min(name.find('@'), name.size());
  const auto provider = parse_provider(name.substr(0, sign));
  const std::string version(name.substr(std::min(sign + 1, name.size())));
  if (!provider || provider->host.empty() || (!version.empty() && !is_provider_version(version))) {
    return {};
  }
  return {.request = model::Request{.section = "terraform", .values = {{"providers", {std::string(name)}}}},
          .is_private = is_internal_host(provider->host)};
}

}  // namespace airlock::ecosystem::terraform
