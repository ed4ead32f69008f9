#include "ecosystem/oci/endpoints.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "ecosystem/oci/manifest.hpp"
#include "ecosystem/oci/media_types.hpp"
#include "ecosystem/oci/reference.hpp"
#include "ecosystem/oci/referrers_index.hpp"
#include "ecosystem/oci/repositories.hpp"
#include "ecosystem/oci/rows.hpp"
#include "ecosystem/oci/served_content.hpp"
#include "ecosystem/oci/served_name.hpp"
#include "ecosystem/oci/tags.hpp"

namespace airlock::ecosystem::oci {

using base::Digest;
using base::Error;
using base::ErrorCode;
using http::ServerRequest;
using http::ServerResponse;
using model::Kind;
using store::Catalog;
using store::CatalogRow;

namespace {

constexpr std::size_t k_page_limit = 10'000;     // entries of one answer
constexpr std::size_t k_referrer_limit = 1'000;  // referrers of one manifest that are listed
// A push is refused with the reason for it, not with the size of what it sends.
constexpr std::uint64_t k_refused_body_limit = UINT64_MAX;

// distribution-spec 1.1, "Error Codes".
ServerResponse error_response(int status, std::string_view code, std::string_view message) {
  const base::Json body = {{"errors", {{{"code", code}, {"message", message}, {"detail", nullptr}}}}};
  return ServerResponse::json(status, body.dump());
}

ServerResponse refuse_write(const ServerRequest&) {
  ServerResponse response =
      error_response(405, "UNSUPPORTED", "this mirror is read-only; content comes in with `airlock bundle import`");
  response.headers.set("Allow", "GET, HEAD");
  return response;
}

// `n` and `last` ("Listing Tags"); nullopt when `n` is no number.
struct Paging {
  std::size_t count = k_page_limit;
  std::string last;
};
std::optional<Paging> read_paging(const ServerRequest& request) {
  Paging result;
  result.last = request.query_value("last").value_or("");
  if (const std::optional<std::string> n = request.query_value("n")) {
    const auto [end, failure] = std::from_chars(n->data(), n->data() + n->size(), result.count);
    if (failure != std::errc() || end != n->data() + n->size()) {
      return std::nullopt;
    }
    result.count = std::min(result.count, k_page_limit);
  }
  return result;
}

std::string next_link(const std::string& path, const Paging& paging, const std::string& last, const std::string& ns) {
  return fmt::format("<{}?n={}&last={}{}>; rel=\"next\"", path, paging.count, base::percent_encode(last),
                     ns.empty() ? "" : "&ns=" + base::percent_encode(ns));
}

struct TagPage {
  std::vector<std::string> names;
  bool more = false;  // there is a tag behind the last of them
};

// Rows that are no tags, a withheld one say, take no place on the page.
TagPage tag_page(const Catalog& catalog, const std::string& prefix, const Paging& paging) {
  TagPage page;
  std::string after = paging.last.empty() ? "" : prefix + paging.last;
  for (bool at_end = paging.count == 0; !at_end && !page.more;) {
    const std::vector<CatalogRow> rows = catalog.list(k_ecosystem, prefix, after, paging.count + 1);
    at_end = rows.size() <= paging.count;
    for (const CatalogRow& row : rows) {
      after = row.path;
      if (row.kind == Kind::tag && page.names.size() < paging.count) {
        page.names.push_back(row.path.substr(prefix.size()));
      } else if (row.kind == Kind::tag) {
        page.more = true;
        break;
      }
    }
  }
  return page;
}

class Endpoints {
 public:
  explicit Endpoints(MirrorContext context) : m_context(std::move(context)) {}

  ServerResponse manifest(const ServerRequest& request) {
    const std::string& reference = request.parameter("reference");
    if (reference.find(':') != std::string::npos && !parse_content_digest(reference)) {
      return error_response(400, "DIGEST_INVALID", "this is no sha256 or sha512 digest");
    }
    return content(request, reference, Source::Part::manifests);
  }

  ServerResponse blob(const ServerRequest& request) {
    const std::string& digest = request.parameter("digest");
    if (!parse_content_digest(digest)) {
      return error_response(400, "DIGEST_INVALID", "this is no sha256 or sha512 digest");
    }
    return content(request, digest, Source::Part::blobs);
  }

  ServerResponse tags(const ServerRequest& request) {
    const std::optional<Paging> paging = read_paging(request);
    if (!paging) {
      return error_response(400, "PAGINATION_NUMBER_INVALID", "'n' is no number");
    }
    const std::shared_ptr<const Catalog> catalog = m_context.catalog();
    const std::optional<std::string> repository = find_repository(request, catalog);
    if (!repository) {
      return error_response(
          404, "NAME_UNKNOWN",
          fmt::format("nothing of {} is in the imported bundles", base::printable(request.parameter("name"), 200)));
    }
    const std::string prefix = *repository + ":";
    const TagPage page = tag_page(*catalog, prefix, *paging);
    if (paging->count > 0 && page.names.empty() && !page.more && paging->last.empty()) {
      if (const auto row = find_withheld(*catalog, k_ecosystem, prefix)) {
        return error_response(403, "DENIED", fmt::format("{} {}", upstream_name(*repository), why_withheld(*row)));
      }
    }
    ServerResponse response =
        ServerResponse::json(200, base::Json{{"name", request.parameter("name")}, {"tags", page.names}}.dump());
    if (page.more) {
      response.headers.set("Link", next_link(fmt::format("/v2/{}/tags/list", request.parameter("name")), *paging,
                                             page.names.back(), request.query_value("ns").value_or("")));
    }
    return response;
  }

  // "Listing Referrers": 200 with an empty list where there are none, also for a repository that is not here.
  ServerResponse referrers(const ServerRequest& request) {
    const std::optional<Digest> subject = parse_content_digest(request.parameter("digest"));
    if (!subject) {
      return error_response(400, "DIGEST_INVALID", "this is no sha256 or sha512 digest");
    }
    std::optional<std::string> type = request.query_value("artifactType");
    if (type) {  // a "+" that a client did not encode arrives as a space, which no media type has
      std::replace(type->begin(), type->end(), ' ', '+');
    }
    const std::shared_ptr<const Catalog> catalog = m_context.catalog();
    std::vector<Descriptor> entries;
    for (const std::string& repository : catalog ? repositories(request) : std::vector<std::string>()) {
      const std::string prefix = fmt::format("{}/referrers/{}/", repository, subject->to_string());
      for (const CatalogRow& row : catalog->list(k_ecosystem, prefix, "", k_referrer_limit)) {
        std::optional<Descriptor> entry = describe_referrer(row);
        if (entry && (!type || entry->artifact_type == *type)) {
          entries.push_back(std::move(*entry));
        }
      }
      if (!entries.empty()) {
        break;
      }
    }
    ServerResponse response;
    response.body = referrers_index(entries);
    response.headers.set("Content-Type", std::string(k_oci_index));
    if (type) {
      response.headers.set("OCI-Filters-Applied", "artifactType");
    }
    return response;
  }

  // Not in the specification, but asked for by browsers of registries (distribution's "Listing
  // Repositories").
  ServerResponse catalog(const ServerRequest& request) {
    const std::optional<Paging> paging = read_paging(request);
    if (!paging) {
      return error_response(400, "PAGINATION_NUMBER_INVALID", "'n' is no number");
    }
    std::vector<std::string> page;
    bool more = false;
    if (const std::shared_ptr<const Catalog> current = m_context.catalog()) {
      const auto all = m_repositories.of(*current);
      const auto first = paging->last.empty() ? all->begin() : std::upper_bound(all->begin(), all->end(), paging->last);
      const auto left = static_cast<std::size_t>(all->end() - first);
      page.assign(first, first + static_cast<std::ptrdiff_t>(std::min(left, paging->count)));
      more = left > page.size();
    }
    ServerResponse response = ServerResponse::json(200, base::Json{{"repositories", page}}.dump());
    if (more && !page.empty()) {
      response.headers.set("Link", next_link("/v2/_catalog", *paging, page.back(), ""));
    }
    return response;
  }

 private:
  static std::vector<std::string> repositories(const ServerRequest& request) {
    return served_repositories(request.parameter("name"), request.query_value("ns").value_or(""));
  }

  static std::optional<std::string> find_repository(const ServerRequest& request,
                                                    const std::shared_ptr<const Catalog>& catalog) {
    if (catalog) {
      for (std::string& repository : repositories(request)) {
        if (has_repository(*catalog, repository)) {
          return std::move(repository);
        }
      }
    }
    return std::nullopt;
  }

  ServerResponse content(const ServerRequest& request, const std::string& reference, Source::Part part) {
    const std::vector<std::string> names = repositories(request);
    if (names.empty()) {
      return error_response(404, "NAME_INVALID", "this is no repository name");
    }
    const std::shared_ptr<const Catalog> catalog = m_context.catalog();
    Lookup lookup;
    lookup.repository = names.front();
    lookup.state = Lookup::State::unknown_repository;
    if (catalog) {
      lookup = find_content(*catalog, names, reference, part);
    }
    std::optional<base::FileSlice> slice;
    if (lookup.state == Lookup::State::found) {
      slice = m_context.blobs.open(*lookup.row.sha256);
    }
    if (!slice) {
      return absent(lookup, reference, part);
    }
    const bool is_manifest = part == Source::Part::manifests;
    ServerResponse response = ServerResponse::file(
        std::move(*slice), is_manifest ? lookup.row.media_type : "application/octet-stream", lookup.digest);
    response.headers.set("Docker-Content-Digest", lookup.digest);
    const std::string ns = request.query_value("ns").value_or("");
    if (!ns.empty() && is_repository(host_to_path(ns))) {  // so that only a host's characters reach the header
      response.headers.set("OCI-Namespace", ns);
    }
    return response;
  }

  ServerResponse absent(const Lookup& lookup, const std::string& reference, Source::Part part) const {
    const bool is_manifest = part == Source::Part::manifests;
    const std::string reason = why_absent(lookup, base::printable(reference, 200));
    if (lookup.state == Lookup::State::withheld) {
      return error_response(403, "DENIED", reason);
    }
    // Clients look for signatures under made-up tags; that nobody signed something is nothing to carry.
    const bool digest = parse_content_digest(reference).has_value();
    if (is_manifest && m_context.missing && (digest || is_tag(reference)) && !is_referrers_tag(reference)) {
      m_context.missing(k_ecosystem, upstream_name(lookup.repository) + (digest ? "@" : ":") + reference);
    }
    if (lookup.state == Lookup::State::unknown_repository) {
      return error_response(404, "NAME_UNKNOWN", reason);
    }
    return error_response(404, is_manifest ? "MANIFEST_UNKNOWN" : "BLOB_UNKNOWN", reason);
  }

  std::optional<Descriptor> describe_referrer(const CatalogRow& row) const {
    const std::optional<RowPath> path = parse_row_path(row.path);
    const std::optional<base::FileSlice> slice =
        row.kind == Kind::meta && row.sha256 ? m_context.blobs.open(*row.sha256) : std::nullopt;
    if (!path || !path->referrer || !slice || slice->length > k_manifest_limit) {
      return std::nullopt;
    }
    base::FileSource source(slice->fd->get(), slice->offset, slice->length, row.path);
    const std::string bytes = base::read_all(source, k_manifest_limit);
    return referrer_descriptor(parse_manifest(bytes, row.media_type, row.path), *path->referrer, bytes.size());
  }

  MirrorContext m_context;
  RepositoryList m_repositories;
};

}  // namespace

void mount(http::Router& router, const MirrorContext& context) {
  const auto endpoints = std::make_shared<Endpoints>(context);
  using Member = ServerResponse (Endpoints::*)(const ServerRequest&);
  const auto get = [&](const std::string& pattern, Member member) {
    router.add("GET", pattern, [endpoints, member](const ServerRequest& request) {
      ServerResponse response = (*endpoints.*member)(request);
      response.headers.set("Docker-Distribution-Api-Version", "registry/2.0");
      return response;
    });
  };
  const auto version = [](const ServerRequest&) {
    ServerResponse response = ServerResponse::json(200, "{}");
    response.headers.set("Docker-Distribution-Api-Version", "registry/2.0");
    return response;
  };
  router.add("GET", "/v2", version);
  router.add("GET", "/v2/", version);
  get("/v2/_catalog", &Endpoints::catalog);
  get("/v2/{name+}/manifests/{reference}", &Endpoints::manifest);
  get("/v2/{name+}/blobs/{digest}", &Endpoints::blob);
  get("/v2/{name+}/tags/list", &Endpoints::tags);
  get("/v2/{name+}/referrers/{digest}", &Endpoints::referrers);
  for (const char* pattern : {"/v2/{path+}", "/v2/{path+}/"}) {
    router.add("GET", pattern, [](const ServerRequest&) {
      return error_response(404, "UNSUPPORTED", "the distribution API has no such path");
    });
    for (const char* method : {"POST", "PUT", "PATCH", "DELETE"}) {
      router.add(method, pattern, refuse_write, {.body_limit = k_refused_body_limit});
    }
  }
}

}  // namespace airlock::ecosystem::oci
