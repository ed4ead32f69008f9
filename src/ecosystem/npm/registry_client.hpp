// Packages' documents from their registries, each asked for once a run.
#pragma once

#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "ecosystem/ecosystem.hpp"
#include "ecosystem/npm/packument.hpp"
#include "ecosystem/npm/registries.hpp"

namespace airlock::ecosystem::npm {

class RegistryClient {
 public:
  explicit RegistryClient(const ResolveContext& context) : m_context(context), m_registries(context) {}

  Registries& registries() { return m_registries; }
  // nullptr when the registry has no such package. Throws what http::Client::download throws, and malformed, limit and
  // upstream for answers that are no documents; the same for everyone who asks. Thread-safe; who asks second waits.
  std::shared_ptr<const Packument> packument(const std::string& package);
  void forget();  // frees what was kept; who holds a document keeps it

  base::Url document_url(const std::string& package);
  // Where a version's tarball is: what upstream states, but the configured registry's own where a foreign host follows
  // the usual path, as such a host is but another name of the registry. Throws upstream for what is no URL.
  base::Url tarball_url(const std::string& package, const std::string& version, const VersionFacts& facts);
  std::unique_ptr<Fetchable> tarball(const base::Url& url, std::optional<std::uint64_t> length);

 private:
  std::shared_ptr<const Packument> load(const std::string& package);

  const ResolveContext& m_context;
  Registries m_registries;
  std::mutex m_mutex;
  std::map<std::string, std::shared_future<std::shared_ptr<const Packument>>> m_packuments;
};

// The name under which a version's tarball is carried: upstream's own, where that is a plain one.
std::string tarball_name(const std::string& package, const std::string& version, const VersionFacts& facts);

}  // namespace airlock::ecosystem::npm
