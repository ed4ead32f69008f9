#include "ecosystem/npm/registry_client.hpp"

#include <fmt/format.h>

#include "base/archive.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::ecosystem::npm {

using base::Error;
using base::ErrorCode;
using base::Url;

namespace {

constexpr std::size_t k_document_limit = std::size_t{256} * 1024 * 1024;

class Tarball : public Fetchable {
 public:
  Tarball(http::Client& http, Registries& registries, Url url, std::optional<std::uint64_t> length)
      : m_http(http), m_registries(registries), m_url(std::move(url)), m_length(length) {}

  void fetch(std::uint64_t offset, std::optional<std::uint64_t> length, base::ByteSink& sink) override {
    http::Download download;
    download.url = m_url;
    download.authorize = [this](const http::Response* unauthorized) {
      return unauthorized == nullptr ? m_registries.authorization(m_url) : base::Secret();
    };
    download.offset = offset;
    download.length = length;
    download.total = m_length;
    m_http.download(download, sink);
  }

 private:
  http::Client& m_http;
  Registries& m_registries;
  Url m_url;
  std::optional<std::uint64_t> m_length;
};

Url below(const Url& registry, const std::string& path) {
  std::string base = registry.to_string();
  while (base.ends_with('/')) {
    base.pop_back();
  }
  return Url::parse(fmt::format("{}/{}", base, path));
}

}  // namespace

Url RegistryClient::document_url(const std::string& package) {
  // A scoped name is one segment: "@scope%2fname".
  std::string name = package;
  if (const std::size_t slash = name.find('/'); slash != std::string::npos) {
    name.replace(slash, 1, "%2f");
  }
  return below(m_registries.registry_of(package), name);
}

std::shared_ptr<const Packument> RegistryClient::packument(const std::string& package) {
  std::promise<std::shared_ptr<const Packument>> promise;
  std::shared_future<std::shared_ptr<const Packument>> future;
  bool mine = false;
  {
    const std::lock_guard lock(m_mutex);
    const auto found = m_packuments.find(package);
    if (found != m_packuments.end()) {
      future = found->second;
    } else {
      future = promise.get_future().share();
      m_packuments.emplace(package, future);
      mine = true;
    }
  }
  if (mine) {
    try {
      promise.set_value(load(package));
    } catch (...) {
      promise.set_exception(std::current_exception());
    }
  }
  try {
    return future.get();
  } catch (const Error& error) {
    throw Error(error);  // a copy: several threads add context to theirs
  }
}

void RegistryClient::forget() {
  const std::lock_guard lock(m_mutex);
  m_packuments.clear();
}

std::shared_ptr<const Packument> RegistryClient::load(const std::string& package) {
  const Url url = document_url(package);
  const auto new_text = [&] {
    return std::make_unique<SpilledText>(fmt::format("the answer for package '{}'", package), k_document_limit);
  };
  auto text = new_text();
  http::Download download;
  download.url = url;
  // The full document: the abbreviated one lacks `time`, `scripts` and `pulumi`.
  download.headers = {{"Accept", "application/json"}, {"Accept-Encoding", "gzip"}};
  download.authorize = [&](const http::Response* unauthorized) {
    return unauthorized == nullptr ? m_registries.authorization(url) : base::Secret();
  };
  bool compressed = false;
  try {
    const http::Downloaded answer = m_context.http.download(download, *text);
    compressed = base::to_lower(answer.headers.find("Content-Encoding").value_or("")) == "gzip";
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) {
      return nullptr;
    }
    throw;
  }
  text->finish();
  if (compressed) {
    auto plain = new_text();
    base::gunzip(text->text(), *plain, fmt::format("the answer for package '{}'", package));
    plain->finish();
    text = std::move(plain);
  }
  const std::string_view begin = base::trim(text->text().substr(0, 200));
  if (!begin.starts_with('{')) {
    throw Error(ErrorCode::upstream, fmt::format("{} answered for package '{}' with no JSON: \"{}\"", url.redacted(),
                                                 package, base::printable(begin, 80)))
        .with_hint("this is the answer of a proxy or a sign-in page, or the address is not that of a registry: look at "
                   "`npm config get registry`");
  }
  return std::make_shared<const Packument>(package, std::move(text));
}

Url RegistryClient::tarball_url(const std::string& package, const std::string& version, const VersionFacts& facts) {
  const Url registry = m_registries.registry_of(package);
  const std::string usual = tarball_path(package, tarball_name(package, version, facts));
  Url url;
  try {
    url = facts.tarball.empty() ? registry : Url::parse(facts.tarball);
  } catch (const Error& error) {
    throw Error(ErrorCode::upstream,
                fmt::format("the registry names no usable tarball for {} {}: {}", package, version, error.message()));
  }
  const bool is_usual = facts.tarball.empty() || base::percent_decode(url.path()).ends_with("/" + usual);
  if (url.scheme() == "file" || (is_usual && url.origin() != registry.origin()) || facts.tarball.empty()) {
    return below(registry, base::percent_encode(usual, "/@~!'()*"));
  }
  return url;
}

std::unique_ptr<Fetchable> RegistryClient::tarball(const Url& url, std::optional<std::uint64_t> length) {
  return std::make_unique<Tarball>(m_context.http, m_registries, url, length);
}

std::string tarball_name(const std::string& package, const std::string& version, const VersionFacts& facts) {
  if (!facts.tarball.empty()) {
    try {
      std::string file = Url::parse(facts.tarball).file_name();
      if (is_tarball_name(file)) {
        return file;
      }
    } catch (const Error&) {
    }
  }
  return usual_tarball_name(package, version);
}

}  // namespace airlock::ecosystem::npm
