#include "ecosystem/remote_file.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::ecosystem {

using base::Error;
using base::ErrorCode;
using base::Url;

namespace {

constexpr std::array<std::string_view, 14> k_page_extensions = {
    "html", "htm", "xhtml", "shtml", "php", "asp", "aspx", "jsp", "jspx", "do", "cgi", "pl", "cfm", "action"};

// A proxy or a portal that wants a sign-in answers 200 with a page of its own; its length and its content would be
// taken for the file's.
void refuse_page_in_place_of_file(const Url& url, const http::Response& response) {
  if (!base::to_lower(response.headers.find("Content-Type").value_or("")).starts_with("text/html")) {
    return;
  }
  const std::string path = url.path();
  const std::string name = path.substr(path.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  const std::string extension = dot == std::string::npos ? "" : base::to_lower(name.substr(dot + 1));
  if (extension.empty() || std::ranges::find(k_page_extensions, extension) != k_page_extensions.end()) {
    return;
  }
  throw Error(ErrorCode::upstream, fmt::format("HEAD {}: the answer is an HTML page, not a file", url.redacted()))
      .with_hint(
          "a proxy or a login page may stand in between; sign in or go round it, and run the same command again");
}

}  // namespace

RemoteFile::RemoteFile(const ResolveContext& context, Url url, std::optional<std::uint64_t> length, Proof proof)
    : m_http(context.http), m_access(access(context.manifest, context.environment, url)), m_length(length),
      m_proof(proof) {}

void RemoteFile::require_same_version(const http::Headers& headers) {
  auto version = headers.find("ETag");
  if (version && version->starts_with("W/")) {
    version = version->substr(2);
  }
  if (!version) {
    version = headers.find("Last-Modified");
  }
  if (!version || m_proof == Proof::digest) {
    return;
  }
  const std::scoped_lock lock(m_mutex);
  if (m_version && *m_version != *version) {
    throw Error(ErrorCode::upstream, fmt::format("GET {}: it changed while it was read in parts ({}, then {})",
                                                 m_access.url.redacted(), *m_version, *version))
        .with_hint("run the same command again once it stays the same, or give its sha256");
  }
  m_version = *version;
}

void RemoteFile::fetch(std::uint64_t offset, std::optional<std::uint64_t> length, base::ByteSink& sink) {
  http::Download download;
  download.url = m_access.url;
  download.authorize = [this](const http::Response* unauthorized) {
    // There is one value to offer; a server that refused it gets no second try.
    return unauthorized == nullptr ? m_access.authorization : base::Secret();
  };
  download.offset = offset;
  download.length = length;
  download.total = m_length;
  download.proven = m_proof == Proof::digest;
  require_same_version(m_http.download(download, sink).headers);
}

std::optional<std::uint64_t> probe_length(const ResolveContext& context, const Url& url) {
  const Access access = ecosystem::access(context.manifest, context.environment, url);
  http::Request request;
  request.method = "HEAD";
  request.url = access.url;
  request.authorization = access.authorization;
  const http::Response response = context.http.send(request);
  if (response.status == 401 || response.status == 404 || response.status == 410) {
    http::expect_status(response, {200}, fmt::format("HEAD {}", access.url.redacted()));
  }
  if (response.status == 200) {
    refuse_page_in_place_of_file(access.url, response);
  }
  // Some servers refuse HEAD (403 for a signed URL, 405, 501) and answer GET.
  const auto field = response.status == 200 ? response.headers.find("Content-Length") : std::nullopt;
  std::uint64_t length = 0;
  if (!field || response.headers.find("Content-Encoding")) {
    return std::nullopt;
  }
  const auto [end, failure] = std::from_chars(field->data(), field->data() + field->size(), length);
  if (failure != std::errc() || end != field->data() + field->size()) {
    return std::nullopt;
  }
  return length;
}

std::optional<std::string> fetch_text(const ResolveContext& context, const Url& url, std::size_t limit) {
  const Access access = ecosystem::access(context.manifest, context.environment, url);
  http::Request request;
  request.url = access.url;
  request.authorization = access.authorization;
  request.body_limit = limit;
  http::Response response = context.http.send(request);
  if (response.status == 404 || response.status == 410) {
    return std::nullopt;
  }
  http::expect_status(response, {200}, fmt::format("GET {}", access.url.redacted()));
  return std::move(response.body);
}

Url checked_url(std::string_view text, const base::SourcePosition& position) {
  Url url;
  try {
    url = Url::parse(text);
  } catch (const Error& error) {
    throw Error(ErrorCode::manifest, error.message()).at(position);
  }
  if (url.scheme() != "http" && url.scheme() != "https") {
    throw Error(ErrorCode::manifest, fmt::format("'{}' is neither http nor https", url.redacted()))
        .at(position)
        .with_hint("give a local file with `source:`");
  }
  if (!url.user_info().empty()) {
    throw Error(ErrorCode::manifest, fmt::format("'{}' carries a user name or password", url.redacted()))
        .at(position)
        .with_hint(fmt::format("take it out, and name environment variables under `upstreams: {}:` with username_env "
                               "and password_env, or token_env",
                               url.host_port()));
  }
  return url;
}

}  // namespace airlock::ecosystem
