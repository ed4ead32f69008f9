#include "ecosystem/plain_tree.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/url.hpp"

namespace airlock::ecosystem {

using base::Error;
using base::ErrorCode;
using http::ServerRequest;
using http::ServerResponse;
using model::Kind;

namespace {

constexpr std::size_t k_page = 1000;           // rows
constexpr std::size_t k_sums_limit = 100'000;  // rows in one SHA256SUMS
constexpr std::string_view k_sums = "SHA256SUMS";

bool has_content(const store::CatalogRow& row) {
  return (row.kind == Kind::file || row.kind == Kind::meta) && row.sha256 && row.length;
}

ServerResponse not_here(const MirrorContext& context, const std::string& ecosystem, const std::string& path) {
  if (context.missing) {
    context.missing(ecosystem, path);
  }
  return ServerResponse::text(404, fmt::format("'{}' is not in any imported bundle\n", path));
}

ServerResponse refused(const std::string& path, const store::CatalogRow& row) {
  return ServerResponse::text(403, fmt::format("'{}' {}\n", path, why_withheld(row)));
}

// The folder's content as `sha256sum` writes it; nullopt when there is nothing in it.
std::optional<std::string> sums_of(const store::Catalog& catalog, const std::string& ecosystem,
                                   const std::string& folder) {
  std::string text;
  for (const store::CatalogRow& row : catalog.list(ecosystem, folder, "", k_sums_limit)) {
    if (has_content(row)) {
      text += fmt::format("{}  {}\n", row.sha256->hex(), row.path.substr(folder.size()));
    }
  }
  return text.empty() ? std::nullopt : std::optional<std::string>(std::move(text));
}

ServerResponse get_file(const MirrorContext& context, const std::string& ecosystem, const ServerRequest& request) {
  const std::string& path = request.parameter("path");
  const auto catalog = context.catalog();
  const auto row = catalog ? catalog->find(ecosystem, path) : std::nullopt;
  if (!row) {
    const bool wants_sums = path == k_sums || path.ends_with(fmt::format("/{}", k_sums));
    if (catalog && wants_sums) {
      const std::string folder = path.substr(0, path.size() - k_sums.size());
      if (auto sums = sums_of(*catalog, ecosystem, folder)) {
        return ServerResponse::text(200, std::move(*sums));
      }
      if (const auto withheld = find_withheld(*catalog, ecosystem, folder)) {
        return refused(folder.empty() ? path : folder, *withheld);
      }
    }
    return not_here(context, ecosystem, path);
  }
  if (row->kind == Kind::withheld) {
    return refused(path, *row);
  }
  if (!has_content(*row)) {
    return not_here(context, ecosystem, path);
  }
  return serve_blob(context, *row);
}

std::size_t page_size(const ServerRequest& request) {
  const std::string text = request.query_value("limit").value_or("");
  std::size_t limit = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), limit);
  const bool plain = failure == std::errc() && end == text.data() + text.size() && limit > 0;
  return plain ? std::min(limit, k_page) : k_page;
}

ServerResponse list_files(const MirrorContext& context, const std::string& ecosystem, const std::string& url_prefix,
                          const ServerRequest& request) {
  const std::string prefix = request.query_value("prefix").value_or("");
  const std::string after = request.query_value("after").value_or("");
  const std::size_t limit = page_size(request);
  base::Json files = base::Json::array();
  base::Json answer = {{"format", 1}};
  if (const auto catalog = context.catalog()) {
    const std::vector<store::CatalogRow> rows = catalog->list(ecosystem, prefix, after, limit);
    for (const store::CatalogRow& row : rows) {
      if (has_content(row)) {
        base::Json file = {{"path", row.path}, {"length", *row.length}, {"sha256", row.sha256->hex()}};
        if (!row.media_type.empty()) {
          file["media_type"] = row.media_type;
        }
        if (!row.platform.empty()) {
          file["platform"] = row.platform;
        }
        files.push_back(std::move(file));
      }
    }
    if (rows.size() == limit) {
      answer["next"] = fmt::format("{}?prefix={}&after={}&limit={}", url_prefix, base::percent_encode(prefix, "/"),
                                   base::percent_encode(rows.back().path, "/"), limit);
    }
  }
  answer["files"] = std::move(files);
  return ServerResponse::json(200, base::to_line(answer));
}

}  // namespace

ServerResponse serve_blob(const MirrorContext& context, const store::CatalogRow& row) {
  auto slice = context.blobs.open(*row.sha256);
  if (!slice || slice->length != *row.length) {
    throw Error(ErrorCode::io, fmt::format("the store lacks blob {}, which the catalog names for '{}'",
                                           row.sha256->to_string(), row.path))
        .with_hint("run `airlock store check`, then import the bundle again");
  }
  ServerResponse response = ServerResponse::file(
      std::move(*slice), row.media_type.empty() ? "application/octet-stream" : row.media_type, row.sha256->hex());
  // Foreign files share this origin with the console: a browser must neither guess their type nor run them here.
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.headers.set("Content-Security-Policy", "sandbox; default-src 'none'");
  return response;
}

void mount_plain_tree(http::Router& router, const MirrorContext& context, const std::string& ecosystem,
                      const std::string& url_prefix) {
  router.add("GET", url_prefix + "{path+}",
             [context, ecosystem](const ServerRequest& request) { return get_file(context, ecosystem, request); });
  router.add("GET", url_prefix, [context, ecosystem, url_prefix](const ServerRequest& request) {
    return list_files(context, ecosystem, url_prefix, request);
  });
}

}  // namespace airlock::ecosystem
