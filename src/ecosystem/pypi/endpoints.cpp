#include "ecosystem/pypi/endpoints.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/plain_tree.hpp"
#include "ecosystem/pypi/index_page.hpp"
#include "ecosystem/pypi/rows.hpp"
#include "ecosystem/pypi/simple_page.hpp"

namespace airlock::ecosystem::pypi {

using base::Error;
using http::ServerRequest;
using http::ServerResponse;
using model::Kind;
using store::Catalog;
using store::CatalogRow;

namespace {

constexpr std::size_t k_entry_limit = 64 * 1024;  // bytes
constexpr std::string_view k_simple = "simple";   // a project may be called so, too

bool has_content(const CatalogRow& row) {
  return (row.kind == Kind::file || row.kind == Kind::meta) && row.sha256 && row.length;
}

ServerResponse page_response(std::string text, PageForm form) {
  ServerResponse response = ServerResponse::text(200, std::move(text), std::string(content_type(form)));
  response.headers.set("Vary", "Accept");
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.headers.set("Content-Security-Policy", "sandbox; default-src 'none'");
  return response;
}

ServerResponse not_acceptable() {
  return ServerResponse::text(406, fmt::format("this page comes as {}, {} and text/html\n", k_json_type, k_html_type));
}

std::optional<PageForm> form_of(const ServerRequest& request) {
  std::string accept = base::join(request.headers.all("Accept"), ",");
  if (const auto format = request.query_value("format")) {
    accept = *format;
  }
  return choose_form(accept);
}

class Endpoints {
 public:
  explicit Endpoints(MirrorContext context) : m_context(std::move(context)) {}

  ServerResponse index(const ServerRequest& request) {
    const auto form = form_of(request);
    if (!form) {
      return not_acceptable();
    }
    const auto catalog = m_context.catalog();
    return page_response(index_page(catalog ? *projects(*catalog) : std::vector<std::string>(), *form), *form);
  }

  ServerResponse project(const ServerRequest& request) {
    const std::string& name = request.parameter("name");
    if (!is_name(name)) {
      return ServerResponse::text(404, "this is no name of a Python project\n");
    }
    const std::string project = normalised(name);
    const auto catalog = m_context.catalog();
    const std::vector<ServedFile> files = catalog ? served_files(*catalog, project) : std::vector<ServedFile>();
    if (files.empty()) {
      return none_listed(catalog.get(), project);
    }
    if (project != name) {
      return redirect(project);
    }
    const auto form = form_of(request);
    return form ? page_response(project_page(project, files, *form), *form) : not_acceptable();
  }

  // "/pypi/simple/NAME" without its slash; or a file of the project that is called "simple".
  ServerResponse unslashed(const ServerRequest& request) {
    const std::string& name = request.parameter("name");
    const auto catalog = m_context.catalog();
    if (parse_file_name(file_part(name), k_simple)) {
      return file(std::string(k_simple), name);
    }
    if (!is_name(name)) {
      return ServerResponse::text(404, "this is no name of a Python project\n");
    }
    const std::string project = normalised(name);
    if (!catalog || catalog->list(k_ecosystem, project + "/", "", 1).empty()) {
      return missing(project, fmt::format("the project '{}'", project));
    }
    return redirect(project);
  }

  ServerResponse file(const ServerRequest& request) {
    return file(request.parameter("name"), request.parameter("file"));
  }

 private:
  static std::string_view file_part(std::string_view name) {
    return name.ends_with(k_metadata_suffix) ? name.substr(0, name.size() - k_metadata_suffix.size()) : name;
  }

  static ServerResponse redirect(const std::string& project) {
    ServerResponse response = ServerResponse::text(301, "see the normalised name\n");
    response.headers.set("Location", fmt::format("/pypi/simple/{}/", project));
    return response;
  }

  ServerResponse missing(const std::string& wanted, const std::string& what) {
    if (m_context.missing) {
      m_context.missing(k_ecosystem, wanted);
    }
    return ServerResponse::text(404, fmt::format("{} is not in any imported bundle\n", what));
  }

  // What is withheld stands on the page as yanked, where its digest and length are known.
  ServerResponse none_listed(const Catalog* catalog, const std::string& project) {
    const auto row = catalog != nullptr ? find_withheld(*catalog, k_ecosystem, project + "/") : std::nullopt;
    return row ? ServerResponse::text(403, fmt::format("the project '{}' {}\n", project, why_withheld(*row)))
               : missing(project, fmt::format("the project '{}'", project));
  }

  ServerResponse file(const std::string& name, const std::string& file) {
    const auto parsed = is_normalised(name) ? parse_file_name(file_part(file), name) : std::nullopt;
    if (!parsed) {
      return ServerResponse::text(404, "this is no file of a Python project\n");
    }
    const auto catalog = m_context.catalog();
    const auto row = catalog ? catalog->find(k_ecosystem, fmt::format("{}/{}", name, file)) : std::nullopt;
    if (row && row->kind == Kind::withheld) {
      return ServerResponse::text(403, fmt::format("'{}' {}\n", file, why_withheld(*row)));
    }
    if (!row || !has_content(*row)) {
      return missing(fmt::format("{}=={}", name, parsed->version.to_string()), fmt::format("'{}'", file));
    }
    return serve_blob(m_context, *row);
  }

  static std::string yanked_reason(const CatalogRow& row) {
    return row.reason.empty() ? "refused on this side" : row.reason;
  }

  std::vector<ServedFile> served_files(const Catalog& catalog, const std::string& project) const {
    // In order of path FILE stands before FILE.json and FILE.metadata.
    std::vector<ServedFile> files;
    for (const CatalogRow& row : catalog.list(k_ecosystem, project + "/")) {
      const auto path = parse_row_path(row.path);
      const bool withheld = row.kind == Kind::withheld && row.sha256 && row.length;
      if (!path || (!has_content(row) && !(withheld && path->kind == RowPath::Kind::file))) {
        continue;
      }
      const bool belongs = !files.empty() && files.back().file == path->file;
      if (path->kind == RowPath::Kind::file && (row.kind == Kind::file || withheld)) {
        files.push_back({.file = path->file,
                         .version = parse_file_name(path->file, project)->version_text,
                         .sha256 = row.sha256->hex(),
                         .size = *row.length,
                         .entry = base::Json::object(),
                         .metadata = {},
                         .withheld = withheld ? yanked_reason(row) : ""});
      } else if (path->kind == RowPath::Kind::entry && belongs) {
        files.back().entry = entry_of(row);
      } else if (path->kind == RowPath::Kind::metadata && belongs) {
        files.back().metadata = row.sha256->hex();
      }
    }
    return files;
  }

  // A damaged entry costs its extras, not the page.
  base::Json entry_of(const CatalogRow& row) const {
    try {
      const auto slice = m_context.blobs.open(*row.sha256);
      if (slice && slice->length <= k_entry_limit) {
        base::FileSource source(slice->fd->get(), slice->offset, slice->length, row.path);
        return parse_entry(base::read_all(source, k_entry_limit));
      }
    } catch (const Error&) {
    }
    return base::Json::object();
  }

  std::shared_ptr<const std::vector<std::string>> projects(const Catalog& catalog) {
    const std::lock_guard lock(m_mutex);
    if (!m_projects || m_number != catalog.number()) {
      auto found = std::make_shared<std::vector<std::string>>();
      std::string after;
      for (auto next = catalog.list(k_ecosystem, "", after, 1); !next.empty();
           next = catalog.list(k_ecosystem, "", after, 1)) {
        const std::string name = next.front().path.substr(0, next.front().path.find('/'));
        found->push_back(name);
        after = name + "0";  // the character behind "/"
      }
      std::sort(found->begin(), found->end());  // "a-b/" stands before "a/"
      m_projects = std::move(found);
      m_number = catalog.number();
    }
    return m_projects;
  }

  MirrorContext m_context;
  std::mutex m_mutex;
  std::uint64_t m_number = 0;
  std::shared_ptr<const std::vector<std::string>> m_projects;
};

}  // namespace

void mount(http::Router& router, const MirrorContext& context) {
  const auto endpoints = std::make_shared<Endpoints>(context);
  router.add("GET", "/pypi/simple/", [endpoints](const ServerRequest& request) { return endpoints->index(request); });
  router.add("GET", "/pypi/simple/{name}/",
             [endpoints](const ServerRequest& request) { return endpoints->project(request); });
  router.add("GET", "/pypi/simple/{name}",
             [endpoints](const ServerRequest& request) { return endpoints->unslashed(request); });
  router.add("GET", "/pypi/{name}/{file}",
             [endpoints](const ServerRequest& request) { return endpoints->file(request); });
}

Wanted wanted(std::string_view name) {
  const std::size_t equals = name.find("==");
  const bool sound = is_normalised(name.substr(0, equals)) &&
                     (equals == std::string_view::npos || Version::parse(name.substr(equals + 2)).has_value());
  if (!sound) {
    return {};
  }
  return {.request = model::Request{.section = "pypi", .values = {{"packages", {std::string(name)}}}},
          .is_private = false};
}

}  // namespace airlock::ecosystem::pypi
