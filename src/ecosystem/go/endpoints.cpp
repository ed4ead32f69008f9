#include "ecosystem/go/endpoints.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/go/module_path.hpp"
#include "ecosystem/go/query.hpp"
#include "ecosystem/go/version.hpp"
#include "ecosystem/plain_tree.hpp"

namespace airlock::ecosystem::go {

using http::ServerRequest;
using http::ServerResponse;
using model::Kind;
using store::Catalog;

namespace {

constexpr std::string_view k_list = "/@v/list";
constexpr std::string_view k_latest = "/@latest";
constexpr std::string_view k_versions = "/@v/";

bool has_content(const store::CatalogRow& row) {
  return (row.kind == Kind::file || row.kind == Kind::meta) && row.sha256 && row.length;
}

// The client shows such text to its user.
ServerResponse not_found(std::string text) {
  return ServerResponse::text(404, "not found: " + std::move(text) + "\n");
}

// The client tries each beginning of an import path as a module; those that are none anywhere are not worth telling.
bool can_be_module(std::string_view path) {
  const auto elements = std::count(path.begin(), path.end(), '/') + 1;
  const bool is_forge =
      path.starts_with("github.com/") || path.starts_with("gitlab.com/") || path.starts_with("bitbucket.org/");
  return elements >= (is_forge ? 3 : 2);
}

ServerResponse missed(const MirrorContext& context, const std::string& path, const std::string& query,
                      std::string_view why = "is not in any imported bundle; `airlock wants` lists it") {
  std::string name = path + "@" + query;
  try {
    parse_query(name);
  } catch (const base::Error&) {
    return not_found("no module has such a name");
  }
  if (context.missing && can_be_module(path)) {
    context.missing("go", name);
  }
  return not_found(fmt::format("{} {}", name, why));
}

ServerResponse refused(const std::string& name, const store::CatalogRow& row) {
  return ServerResponse::text(403, fmt::format("{} {}\n", name, why_withheld(row)));
}

struct ModulePresence {
  bool known = false;                         // there is a row of it, if only a go.mod
  std::vector<std::string> versions;          // those of which the zip is here, any order
  std::optional<store::CatalogRow> withheld;  // the zip of one that is not served
};

ModulePresence find_module(const Catalog* catalog, const std::string& path) {
  ModulePresence presence;
  if (catalog == nullptr) {
    return presence;
  }
  for (store::CatalogRow& row : catalog->list("go", escape(path) + std::string(k_versions))) {
    presence.known = true;
    const auto file = parse_file_path(row.path);
    if (!file || file->extension != ".zip") {
      continue;
    }
    if (has_content(row)) {
      presence.versions.push_back(file->module.version);
    } else if (row.kind == Kind::withheld) {
      presence.withheld = std::move(row);
    }
  }
  return presence;
}

ServerResponse get_list(const MirrorContext& context, const Catalog* catalog, const std::string& path) {
  ModulePresence presence = find_module(catalog, path);
  if (presence.versions.empty() && presence.withheld) {
    return refused(path, *presence.withheld);
  }
  if (!presence.known) {
    return missed(context, path, "latest");
  }
  std::sort(presence.versions.begin(), presence.versions.end(),
            [](const std::string& a, const std::string& b) { return compare_versions(a, b) < 0; });
  std::string text;
  for (const std::string& version : presence.versions) {
    if (!is_pseudo_version(version)) {
      text += version + "\n";
    }
  }
  return ServerResponse::text(200, std::move(text));
}

ServerResponse serve_row(const MirrorContext& context, const Catalog* catalog, const Module& module,
                         std::string_view extension) {
  const auto row = catalog == nullptr ? std::nullopt : catalog->find("go", file_path(module, extension));
  if (!row) {
    return missed(context, module.path, module.version);
  }
  if (row->kind == Kind::withheld) {
    return refused(module.to_string(), *row);
  }
  if (!has_content(*row)) {
    return missed(context, module.path, module.version,
                  "was brought as go.mod only, as nothing in the bundle is built from it; `airlock wants` lists it");
  }
  return serve_blob(context, *row);
}

ServerResponse get_latest(const MirrorContext& context, const Catalog* catalog, const std::string& path) {
  const ModulePresence presence = find_module(catalog, path);
  const auto before = [](const std::string& a, const std::string& b) {
    const auto rank = [](const std::string& version) {
      return is_pseudo_version(version) ? 0 : is_prerelease(version) ? 1 : 2;
    };
    return rank(a) != rank(b) ? rank(a) < rank(b) : compare_versions(a, b) < 0;
  };
  const auto newest = std::max_element(presence.versions.begin(), presence.versions.end(), before);
  if (newest == presence.versions.end()) {
    return presence.withheld ? refused(path, *presence.withheld) : missed(context, path, "latest");
  }
  return serve_row(context, catalog, {.path = path, .version = *newest}, ".info");
}

// 404 would send the client to the database itself; any other refusal ends there.
ServerResponse refuse_checksum_database() {
  return ServerResponse::text(403, "the checksum database is not carried here, and need not be asked: every hash was "
                                   "proved before the bundle was made; set GOSUMDB=off, as `airlock client show` "
                                   "does\n");
}

ServerResponse get(const MirrorContext& context, const ServerRequest& request) {
  const std::string& path = request.parameter("path");
  if (path.starts_with("sumdb/")) {
    return refuse_checksum_database();
  }
  const auto catalog = context.catalog();
  const std::size_t at = path.rfind("/@");
  const auto module_path = at == std::string::npos ? std::nullopt : unescape(std::string_view(path).substr(0, at));
  if (!module_path || import_path_problem(*module_path)) {
    return not_found("no module has such a name");
  }
  const std::string_view rest = std::string_view(path).substr(at);
  if (rest == k_list) {
    return get_list(context, catalog.get(), *module_path);
  }
  if (rest == k_latest) {
    return get_latest(context, catalog.get(), *module_path);
  }
  if (const auto file = parse_file_path(path)) {
    return serve_row(context, catalog.get(), file->module, file->extension);
  }
  // A branch, a commit, or a version that does not go with the path, which is how the client tries prefixes.
  constexpr std::string_view extension = ".info";
  if (rest.starts_with(k_versions) && rest.ends_with(extension) && rest.size() > k_versions.size() + extension.size()) {
    const std::string_view name = rest.substr(k_versions.size(), rest.size() - k_versions.size() - extension.size());
    if (const auto query = unescape(name)) {
      return missed(context, *module_path, *query);
    }
  }
  return not_found("a proxy of Go modules has no such file");
}

}  // namespace

void mount(http::Router& router, const MirrorContext& context) {
  router.add("GET", "/go/{path+}", [context](const ServerRequest& request) { return get(context, request); });
}

}  // namespace airlock::ecosystem::go
