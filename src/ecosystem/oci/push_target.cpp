#include "ecosystem/oci/push_target.hpp"

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "ecosystem/oci/reference.hpp"
#include "ecosystem/oci/registry_errors.hpp"

namespace airlock::ecosystem::oci {

using base::Digest;
using base::Error;
using base::ErrorCode;
using base::Url;

namespace {

constexpr int k_tries = 3;  // of one upload, each from the start

Credentials credentials_of(const PushTarget& target) {
  Credentials result;
  if (target.username.empty()) {
    result.registry_token = target.password;
  } else {
    result.username = target.username;
    result.password = target.password;
  }
  return result;
}

std::string trim_slashes(std::string path) {
  path.erase(0, path.find_first_not_of('/'));
  path.erase(path.find_last_not_of('/') + 1);
  return path;
}

bool is_transient(const Error& error) {
  return error.code() == ErrorCode::network || error.code() == ErrorCode::upstream;
}

}  // namespace

Url upload_address(const Url& registry, const Url& asked, std::string_view location) {
  Url url;
  try {
    url = asked.resolve(location);
  } catch (const Error&) {
    throw Error(ErrorCode::upstream,
                fmt::format("{} takes an upload at something that is not a URL", registry.host_port()));
  }
  // A registry behind a proxy that ends TLS often does not know that it is reached with TLS.
  if (registry.scheme() == "https" && url.scheme() == "http" && url.host() == registry.host()) {
    return Url::parse(registry.origin() + url.path() + (url.query().empty() ? "" : "?" + url.query()));
  }
  const bool is_plain = registry.scheme() == "https" && url.scheme() == "http";
  if (is_plain || (url.scheme() != "https" && url.scheme() != "http")) {
    throw Error(ErrorCode::upstream,
                fmt::format("{} takes an upload at {}, where it is not sent", registry.host_port(), url.redacted()))
        .with_hint(is_plain ? "the registry is reached with https, and what it names is plain http"
                            : "a registry takes uploads with http or https");
  }
  return url;
}

Url upload_end(const Url& address, const Digest& digest) {
  return Url::parse(address.to_string() + (address.query().empty() ? "?" : "&") +
                    "digest=" + base::percent_encode(digest.to_string()));
}

RegistryTarget::RegistryTarget(http::Client& http, const PushTarget& target)
    : m_url(target.url), m_prefix(trim_slashes(target.url.path())),
      m_client(
          http, target.url, [credentials = credentials_of(target)](std::string_view) { return credentials; },
          "give this destination a user name and a password, or a token") {}

std::string RegistryTarget::name_of(const std::string& repository) const {
  std::string name = m_prefix.empty() ? repository : m_prefix + "/" + repository;
  if (!is_repository(name)) {
    throw Error(ErrorCode::config, fmt::format("'{}' is no legal repository name at {}", name, m_url.host_port()))
        .with_hint("the path of the destination's URL may have lower-case letters, digits and '.', '_', '-' only");
  }
  return name;
}

std::shared_ptr<std::mutex> RegistryTarget::mutex_of(const Digest& digest) {
  const std::lock_guard lock(m_mutex);
  std::shared_ptr<std::mutex>& mutex = m_in_work[digest];
  if (!mutex) {
    mutex = std::make_shared<std::mutex>();
  }
  return mutex;
}

std::optional<std::string> RegistryTarget::seen_in(const Digest& digest) {
  const std::lock_guard lock(m_mutex);
  const auto found = m_seen.find(digest);
  return found == m_seen.end() ? std::nullopt : std::optional(found->second);
}

void RegistryTarget::saw(const Digest& digest, const std::string& name) {
  const std::lock_guard lock(m_mutex);
  m_seen.emplace(digest, name);
}

bool RegistryTarget::has_blob(const std::string& repository, const Digest& digest) {
  const std::string name = name_of(repository);
  http::Request request;
  request.method = "HEAD";
  request.url = m_client.content_url(Source::Part::blobs, name, digest);
  const http::Response response = m_client.send(request, push_scope(name));
  if (response.status != 200 && response.status != 404) {
    throw unexpected_answer(response, fmt::format("whether {} has {} could not be asked", name, digest.to_string()));
  }
  if (response.status == 200) {
    saw(digest, name);
  }
  return response.status == 200;
}

std::optional<Url> RegistryTarget::start_upload(const std::string& name, const Digest& digest,
                                                const std::optional<std::string>& mount_from) {
  http::Request request;
  request.method = "POST";
  request.url =
      m_client.url(fmt::format("/v2/{}/blobs/uploads/{}", name,
                               mount_from ? fmt::format("?mount={}&from={}", digest.to_string(), *mount_from) : ""));
  const http::Response response = m_client.send(request, push_scope(name, mount_from.value_or("")));
  if (response.status == 201 && mount_from) {
    return std::nullopt;
  }
  const std::optional<std::string> location = response.headers.find("Location");
  if (response.status != 202 || !location) {
    throw unexpected_answer(response, fmt::format("an upload to {} could not begin", name));
  }
  return upload_address(m_client.url("/"), response.url, *location);
}

http::Response RegistryTarget::send_blob(const std::string& name, Url location, const Digest& digest,
                                         const base::FileSlice& content) {
  base::FileSource source(content.fd->get(), content.offset, content.length, digest.to_string());
  http::Request request;
  request.method = "PUT";
  request.url = upload_end(location, digest);
  request.headers.set("Content-Type", "application/octet-stream");
  if (request.url.origin() == m_client.url("/").origin()) {
    request.authorization = m_client.authenticator().authorization(push_scope(name));
  }
  request.body_source = &source;
  request.body_length = content.length;
  http::Response response = m_client.http().send(request);
  m_bytes_sent += content.length;
  return response;
}

RegistryTarget::Blob RegistryTarget::ensure_blob(const std::string& repository, const Digest& digest,
                                                 const base::FileSlice& content) {
  const std::string name = name_of(repository);
  const std::shared_ptr<std::mutex> mutex = mutex_of(digest);
  const std::lock_guard lock(*mutex);
  if (has_blob(repository, digest)) {
    return Blob::present;
  }
  std::optional<std::string> mount_from = seen_in(digest);
  for (int attempt = 1;; ++attempt) {
    try {
      const std::optional<Url> location = start_upload(name, digest, mount_from);
      if (!location) {
        return Blob::mounted;
      }
      const http::Response response = send_blob(name, *location, digest, content);
      if (response.status == 201 || response.status == 204) {
        saw(digest, name);
        return Blob::sent;
      }
      throw unexpected_answer(response, fmt::format("{} of {} was not taken", digest.to_string(), name));
    } catch (const Error& error) {
      // A token can have run out between two requests; the next try asks for a new one.
      const bool again = is_transient(error) || (error.code() == ErrorCode::auth && !mount_from);
      if ((!again && !mount_from) || attempt == k_tries) {
        throw;
      }
      mount_from.reset();  // whatever the registry does not like about it, a plain upload may still pass
    }
  }
}

std::optional<Digest> RegistryTarget::manifest_digest(const std::string& repository, const std::string& reference) {
  return m_client.manifest_digest(name_of(repository), reference);
}

http::Response RegistryTarget::put_manifest(const std::string& repository, const std::string& reference,
                                            std::string_view media_type, std::string_view bytes) {
  const std::string name = name_of(repository);
  http::Request request;
  request.method = "PUT";
  request.url = m_client.url(fmt::format("/v2/{}/manifests/{}", name, reference));
  request.headers.set("Content-Type", std::string(media_type));
  request.body = bytes;
  http::Response response = m_client.send(request, push_scope(name));
  m_bytes_sent += bytes.size();
  return response;
}

}  // namespace airlock::ecosystem::oci
