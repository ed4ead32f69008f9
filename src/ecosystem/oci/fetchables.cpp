#include "ecosystem/oci/fetchables.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "ecosystem/oci/media_types.hpp"
#include "ecosystem/oci/reference.hpp"

namespace airlock::ecosystem::oci {

using base::ByteSink;
using base::Error;
using base::ErrorCode;

namespace {

class RegistryFetchable : public Fetchable {
 public:
  RegistryFetchable(const Registries::Registry& registry, const RegistryOrigin& origin,
                    std::optional<std::uint64_t> length)
      : m_client(*registry.client), m_scope(pull_scope(registry.prefix + origin.repository)) {
    m_download.url = m_client.content_url(origin.part, registry.prefix + origin.repository, origin.digest);
    m_download.total = length;
    if (origin.part == Source::Part::manifests) {
      m_download.headers.set("Accept", manifest_accept());
    }
  }

  void fetch(std::uint64_t offset, std::optional<std::uint64_t> length, ByteSink& sink) override {
    http::Download part = m_download;
    part.authorize = m_client.authenticator().for_download(m_scope);
    part.offset = offset;
    part.length = length;
    m_client.http().download(part, sink);
  }

 private:
  RegistryClient& m_client;
  Scope m_scope;
  http::Download m_download;
};

class SliceFetchable : public Fetchable {
 public:
  SliceFetchable(base::FileSlice slice, std::string name) : m_slice(std::move(slice)), m_name(std::move(name)) {}

  void fetch(std::uint64_t offset, std::optional<std::uint64_t> length, ByteSink& sink) override {
    if (offset > m_slice.length || length.value_or(0) > m_slice.length - offset) {
      throw Error(ErrorCode::truncated, fmt::format("{} has {} bytes only", m_name, m_slice.length));
    }
    base::FileSource source(m_slice.fd->get(), m_slice.offset + offset, length.value_or(m_slice.length - offset),
                            m_name);
    base::copy(source, sink);
  }

 private:
  base::FileSlice m_slice;
  std::string m_name;
};

}  // namespace

std::optional<RegistryOrigin> parse_registry_origin(std::string_view origin) {
  if (!origin.starts_with("https://") && !origin.starts_with("http://")) {
    return std::nullopt;
  }
  base::Url url;
  try {
    url = base::Url::parse(origin);
  } catch (const base::Error&) {
    return std::nullopt;  // it stands in a lock, where anybody may have written it
  }
  const std::string_view path = url.path();
  const std::size_t last = path.rfind('/');
  const std::size_t kind = last == 0 || last == std::string_view::npos ? last : path.rfind('/', last - 1);
  if (!path.starts_with("/v2/") || kind == std::string_view::npos || kind < 4 || !url.query().empty()) {
    return std::nullopt;
  }
  const std::string_view word = path.substr(kind + 1, last - kind - 1);
  const std::optional<base::Digest> digest = parse_content_digest(path.substr(last + 1));
  RegistryOrigin result;
  // As written: a port that is the scheme's own is part of the name all the same.
  const std::size_t authority = origin.find("://") + 3;
  result.host = origin.substr(authority, origin.find('/', authority) - authority);
  result.repository = path.substr(4, kind - 4);
  if (!digest || (word != "manifests" && word != "blobs") || !is_repository(result.repository)) {
    return std::nullopt;
  }
  result.part = word == "manifests" ? Source::Part::manifests : Source::Part::blobs;
  result.digest = *digest;
  result.plain = url.scheme() == "http" ? PlainHttp::yes : PlainHttp::no;
  return result;
}

std::unique_ptr<Fetchable> registry_fetchable(const Registries::Registry& registry, const RegistryOrigin& origin,
                                              std::optional<std::uint64_t> length) {
  return std::make_unique<RegistryFetchable>(registry, origin, length);
}

std::unique_ptr<Fetchable> slice_fetchable(base::FileSlice slice, std::string name) {
  return std::make_unique<SliceFetchable>(std::move(slice), std::move(name));
}

}  // namespace airlock::ecosystem::oci
