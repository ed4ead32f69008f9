#include "ecosystem/go/proxy_file.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/error.hpp"
#include "ecosystem/go/limits.hpp"
#include "ecosystem/remote_zip.hpp"
#include "ecosystem/upstream_access.hpp"

namespace airlock::ecosystem::go {

using base::Error;
using base::ErrorCode;
using base::Url;

ProxyFile::ProxyFile(const ResolveContext& context, const Proxy& proxy, const Url& url,
                     std::optional<std::uint64_t> length)
    : m_http(context.http), m_url(access(context.manifest, context.environment, url).url),
      m_authorization(proxy.authorization(url)), m_length(length) {}

void ProxyFile::fetch(std::uint64_t offset, std::optional<std::uint64_t> length, base::ByteSink& sink) {
  http::Download download;
  download.url = m_url;
  download.authorize = [this](const http::Response* unauthorized) {
    return unauthorized == nullptr ? m_authorization : base::Secret();
  };
  download.offset = offset;
  download.length = length;
  download.total = m_length;
  m_http.download(download, sink, [this](std::uint64_t total) {
    if (total > k_largest_zip) {
      throw Error(ErrorCode::limit,
                  fmt::format("{} is larger than 500 MiB, which no Go client takes", m_url.redacted()));
    }
  });
}

std::optional<std::uint64_t> ProxyFile::ask_length() const {
  http::Request request;
  request.method = "HEAD";
  request.url = m_url;
  request.authorization = m_authorization;
  const http::Response response = m_http.send(request);
  if (response.status == 404 || response.status == 410) {
    http::expect_status(response, {200}, fmt::format("HEAD {}", m_url.redacted()));
  }
  // Some servers refuse HEAD and answer GET.
  const auto field = response.status == 200 ? response.headers.find("Content-Length") : std::nullopt;
  std::uint64_t length = 0;
  if (!field || response.headers.find("Content-Encoding")) {
    return std::nullopt;
  }
  const auto [end, failure] = std::from_chars(field->data(), field->data() + field->size(), length);
  return failure == std::errc() && end == field->data() + field->size() ? std::optional(length) : std::nullopt;
}

std::optional<std::string> read_module_file(const ResolveContext& context, const Proxy& proxy, const Module& module,
                                            const Url& url, std::optional<std::uint64_t> length,
                                            const std::function<bool(std::string_view name)>& wanted,
                                            std::size_t limit) {
  ProxyFile file(context, proxy, url);
  if (!length) {
    length = file.ask_length();
  }
  if (!length) {
    return std::nullopt;
  }
  const RemoteZip archive(ranged_read(file), *length, url.redacted());
  const std::string root = module.to_string() + "/";
  const auto depth = [](const ZipMember& one) { return std::count(one.name.begin(), one.name.end(), '/'); };
  const ZipMember* found = nullptr;
  for (const ZipMember& member : archive.members()) {
    const bool accepted = member.name.starts_with(root) && wanted(std::string_view(member.name).substr(root.size()));
    if (accepted && (found == nullptr || depth(member) < depth(*found))) {
      found = &member;
    }
  }
  return found == nullptr ? std::nullopt : std::optional(archive.read(*found, limit));
}

}  // namespace airlock::ecosystem::go
