#include "ecosystem/remote_file.hpp"

#include <charconv>

#include <fmt/format.h>

#include "base/error.hpp"

namespace airlock::ecosystem {

using base::Error;
using base::ErrorCode;
using base::Url;

RemoteFile::RemoteFile(const ResolveContext& context, Url url, std::optional<std::uint64_t> length)
    : m_http(context.http), m_access(access(context.manifest, context.environment, url)), m_length(length) {}

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
  m_http.download(download, sink);
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
