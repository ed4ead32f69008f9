#include "ecosystem/npm/endpoints.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/text.hpp"
#include "ecosystem/npm/documents.hpp"
#include "ecosystem/npm/names.hpp"
#include "ecosystem/npm/version_facts.hpp"
#include "ecosystem/plain_tree.hpp"

namespace airlock::ecosystem::npm {

using base::Json;
using http::ServerRequest;
using http::ServerResponse;
using model::Kind;
using store::CatalogRow;

namespace {

constexpr std::string_view k_abbreviated = "application/vnd.npm.install-v1+json";
constexpr std::size_t k_search_scan = 100'000;  // packages looked at for one search
constexpr std::size_t k_search_limit = 250;     // of one answer, as the public registry has it
// A refused request is answered with the reason for it, not with the size of what it sends.
constexpr std::uint64_t k_refused_body_limit = UINT64_MAX;

ServerResponse error_response(int status, const std::string& message) {
  return ServerResponse::json(status, base::to_line(Json{{"error", message}}));
}

// npm 9, pnpm and yarn 1 list the abbreviated form first; later ones ask for the full form.
Form wanted_form(const ServerRequest& request) {
  return request.headers.find("Accept").value_or("").find(k_abbreviated) != std::string::npos ? Form::abbreviated
                                                                                              : Form::full;
}

std::string base_of(const ServerRequest& request) {
  return request.base_url + "/npm";
}

class Endpoints {
 public:
  explicit Endpoints(MirrorContext context) : m_context(std::move(context)) {}

  ServerResponse package(const ServerRequest& request, const std::string& name) {
    const auto catalog = m_context.catalog();
    if (!is_package_name(name)) {
      return error_response(404, "this is no name of a package");
    }
    if (!catalog) {
      return not_here(name, "");
    }
    const Form form = wanted_form(request);
    const DocumentCache::Key key(catalog->number(), name, form, base_of(request));
    auto document = m_cache.find(key);
    if (!document) {
      const Presence presence = find_package(*catalog, name);
      if (presence.versions.empty()) {
        return none_served(catalog.get(), name);
      }
      BuiltDocument built{.text = package_document(m_context.blobs, presence, name, form, base_of(request)),
                          .entity_tag = ""};
      built.entity_tag = base::sha256(built.text).hex();
      document = std::make_shared<const BuiltDocument>(std::move(built));
      m_cache.put(key, document);
    }
    ServerResponse response = ServerResponse::json(200, document->text);
    response.headers.set("Content-Type", form == Form::full ? "application/json" : std::string(k_abbreviated));
    response.headers.set("Vary", "Accept");
    response.entity_tag = document->entity_tag;
    return response;
  }

  // A version or a dist-tag.
  ServerResponse version(const ServerRequest& request, const std::string& name, const std::string& wanted) {
    const auto catalog = m_context.catalog();
    if (!is_package_name(name) || (!is_version(wanted) && !is_tag(wanted))) {
      return error_response(404, "this is no package and version");
    }
    const Presence presence = catalog ? find_package(*catalog, name) : Presence();
    const auto tag = presence.dist_tags.find(wanted);
    const auto found = presence.versions.find(tag == presence.dist_tags.end() ? wanted : tag->second);
    if (found == presence.versions.end()) {
      const auto row = catalog ? catalog->find(k_ecosystem, version_path(name, wanted)) : std::nullopt;
      return row && row->kind == Kind::withheld ? refused(fmt::format("{} {}", name, wanted), *row)
                                                : not_here(name, wanted);
    }
    const Json object = version_of(m_context.blobs, found->second, base_of(request));
    ServerResponse response = ServerResponse::json(200, base::to_line(object));
    response.entity_tag = base::sha256(std::get<std::string>(response.body)).hex();
    return response;
  }

  ServerResponse tarball(const std::string& name, const std::string& file) {
    if (!is_package_name(name) || !is_tarball_name(file)) {
      return error_response(404, "this is no tarball of a package");
    }
    const auto catalog = m_context.catalog();
    const auto row = catalog ? catalog->find(k_ecosystem, tarball_path(name, file)) : std::nullopt;
    if (!row) {
      return not_here(name, version_in(name, file));
    }
    if (row->kind == Kind::withheld) {
      return refused(file, *row);
    }
    if (row->kind == Kind::known || !row->sha256 || !row->length) {
      const auto artifact = parse_purl(row->artifact);
      miss(name, artifact ? artifact->version : "");
      return error_response(404,
                            fmt::format("{} is for other platforms than those that this bundle was made for", file));
    }
    return serve_blob(m_context, *row);
  }

  ServerResponse dist_tags(const std::string& name) {
    const auto catalog = m_context.catalog();
    if (!is_package_name(name)) {
      return error_response(404, "this is no name of a package");
    }
    const Presence presence = catalog ? find_package(*catalog, name) : Presence();
    if (presence.versions.empty()) {
      return none_served(catalog.get(), name);
    }
    return ServerResponse::json(200, Json(presence.dist_tags).dump());
  }

  // Names only, by substring: enough to see what is here.
  ServerResponse search(const ServerRequest& request) {
    const auto catalog = m_context.catalog();
    const std::string text = base::to_lower(base::trim(request.query_value("text").value_or("")));
    const std::size_t size = std::min(number(request, "size", 20), k_search_limit);
    const std::size_t from = number(request, "from", 0);
    Json objects = Json::array();
    std::size_t total = 0;
    const auto names = catalog ? package_names(*catalog) : nullptr;
    for (const std::string& name : names ? *names : std::set<std::string>()) {
      if (base::to_lower(name).find(text) == std::string::npos) {
        continue;
      }
      if (total >= from && objects.size() < size) {
        objects.push_back(found_package(*catalog, name));
      }
      ++total;
    }
    return ServerResponse::json(200,
                                base::to_line(Json{{"objects", std::move(objects)}, {"total", total}, {"time", ""}}));
  }

 private:
  static std::size_t number(const ServerRequest& request, std::string_view name, std::size_t fallback) {
    const std::string text = request.query_value(name).value_or("");
    std::size_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    return failure == std::errc() && end == text.data() + text.size() ? value : fallback;
  }

  static std::string version_in(const std::string& name, const std::string& file) {
    const std::string prefix = base_name(name) + "-";
    const std::string stem = file.substr(0, file.size() - 4);
    return stem.starts_with(prefix) && is_version(stem.substr(prefix.size())) ? stem.substr(prefix.size()) : "";
  }

  void miss(const std::string& name, const std::string& version) const {
    if (m_context.missing) {
      m_context.missing(k_ecosystem, version.empty() ? name : fmt::format("{}@{}", name, version));
    }
  }

  ServerResponse not_here(const std::string& name, const std::string& version) const {
    miss(name, version);
    const std::string what = version.empty() ? name : fmt::format("{} {}", name, version);
    return error_response(404, fmt::format("{} is not in any imported bundle", what));
  }

  static ServerResponse refused(const std::string& what, const CatalogRow& row) {
    return error_response(403, fmt::format("{} {}", what, why_withheld(row)));
  }

  // No version of the package is served. What is here and withheld is not to be carried again, so it is no miss.
  ServerResponse none_served(const store::Catalog* catalog, const std::string& name) const {
    const auto row = catalog != nullptr ? find_withheld(*catalog, k_ecosystem, name + "/") : std::nullopt;
    return row ? refused(name, *row) : not_here(name, "");
  }

  // The names in the catalog, found once for each.
  std::shared_ptr<const std::set<std::string>> package_names(const store::Catalog& catalog) {
    const std::lock_guard lock(m_names_mutex);
    if (!m_names || m_names_of != catalog.number()) {
      auto names = std::make_shared<std::set<std::string>>();
      catalog.for_each(k_ecosystem, [&](const CatalogRow& row) {
        if (row.kind == Kind::meta) {
          names->insert(row.path.substr(0, row.path.rfind('/')));
        }
        return names->size() < k_search_scan;
      });
      m_names = std::move(names);
      m_names_of = catalog.number();
    }
    return m_names;
  }

  Json found_package(const store::Catalog& catalog, const std::string& name) const {
    const Presence presence = find_package(catalog, name);
    const Json version = version_of(m_context.blobs, presence.versions.at(presence.dist_tags.at("latest")), "");
    Json about = {{"name", name}, {"version", text_or_nothing(version, "version")}, {"links", Json::object()}};
    for (const char* key : {"description", "keywords", "license"}) {
      if (const auto value = version.find(key); value != version.end()) {
        about[key] = *value;
      }
    }
    about["maintainers"] = Json::array();
    about["date"] = "";
    return {{"package", std::move(about)},
            {"score", {{"final", 1}, {"detail", {{"quality", 1}, {"popularity", 1}, {"maintenance", 1}}}}},
            {"searchScore", 1}};
  }

  MirrorContext m_context;
  DocumentCache m_cache;
  std::mutex m_names_mutex;
  std::uint64_t m_names_of = 0;
  std::shared_ptr<const std::set<std::string>> m_names;
};

bool is_scope(const std::string& segment) {
  return segment.starts_with('@') && segment.find('/') == std::string::npos;
}

std::string joined(const ServerRequest& request, const char* first, const char* second) {
  return request.parameter(first) + "/" + request.parameter(second);
}

}  // namespace

void mount(http::Router& router, const MirrorContext& context) {
  const auto endpoints = std::make_shared<Endpoints>(context);
  const auto get = [&](const std::string& pattern, const http::Handler& handler) {
    router.add("GET", "/npm/" + pattern, handler);
  };
  // A pattern cannot tell "@scope/name" from "name/version"; the "@" does.
  get("{a}", [endpoints](const ServerRequest& request) { return endpoints->package(request, request.parameter("a")); });
  get("{a}/{b}", [endpoints](const ServerRequest& request) {
    return is_scope(request.parameter("a"))
               ? endpoints->package(request, joined(request, "a", "b"))
               : endpoints->version(request, request.parameter("a"), request.parameter("b"));
  });
  get("{a}/{b}/{c}", [endpoints](const ServerRequest& request) {
    return endpoints->version(request, joined(request, "a", "b"), request.parameter("c"));
  });
  get("{a}/-/{file}", [endpoints](const ServerRequest& request) {
    return endpoints->tarball(request.parameter("a"), request.parameter("file"));
  });
  get("{a}/{b}/-/{file}", [endpoints](const ServerRequest& request) {
    return endpoints->tarball(joined(request, "a", "b"), request.parameter("file"));
  });
  get("-/package/{a}/dist-tags",
      [endpoints](const ServerRequest& request) { return endpoints->dist_tags(request.parameter("a")); });
  get("-/package/{a}/{b}/dist-tags",
      [endpoints](const ServerRequest& request) { return endpoints->dist_tags(joined(request, "a", "b")); });
  get("-/v1/search", [endpoints](const ServerRequest& request) { return endpoints->search(request); });
  get("-/ping", [](const ServerRequest&) { return ServerResponse::json(200, "{}"); });
  get("-/whoami", [](const ServerRequest&) { return ServerResponse::json(200, "{\"username\":\"anonymous\"}"); });
  get("", [](const ServerRequest&) { return ServerResponse::json(200, "{\"db_name\":\"airlock\"}"); });
  const auto no_audit = [](const ServerRequest&) {
    // An empty answer would read as "no vulnerabilities".
    return error_response(404, "this mirror has no advisories; audit on the connected side");
  };
  for (const char* pattern :
       {"-/npm/v1/security/advisories/bulk", "-/npm/v1/security/audits/quick", "-/npm/v1/security/audits"}) {
    router.add("POST", fmt::format("/npm/{}", pattern), no_audit, {.body_limit = k_refused_body_limit});
  }
  get("-/npm/v1/keys",
      [](const ServerRequest&) { return error_response(404, "this mirror has no keys of a registry"); });
  const auto refuse_write = [](const ServerRequest&) {
    ServerResponse response =
        error_response(405, "this mirror is read-only; content comes in with `airlock bundle import`");
    response.headers.set("Allow", "GET, HEAD");
    return response;
  };
  for (const char* pattern : {"/npm/{a}", "/npm/{a}/{b}"}) {
    router.add("PUT", pattern, refuse_write, {.body_limit = k_refused_body_limit});
  }
}

}  // namespace airlock::ecosystem::npm
