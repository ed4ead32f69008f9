// Which registry a package comes from and with which credentials: the manifest's `upstreams: npm:`, else npm's own
// configuration on this host (npm's config and npmrc documentation).
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>

#include "base/secret.hpp"
#include "base/url.hpp"
#include "ecosystem/ecosystem.hpp"
#include "ecosystem/npm/npmrc.hpp"

namespace airlock::ecosystem::npm {

class Registries {
 public:
  // Reads the user's npmrc; asks the client itself only when that is needed. `context` outlives this.
  explicit Registries(const ResolveContext& context) : m_context(context) {}

  // Forgets which registries the projects of the entry before had named.
  void begin_entry();
  // Settings of a project's .npmrc, which go before the user's for this entry: registries, and credentials of their
  // hosts. Whoever wrote that file gets nothing of this host's environment: a setting with `${NAME}` is passed over
  // with a warning. Thread-safe.
  void add_project(const std::filesystem::path& folder);

  // Without a trailing slash. Throws config when nothing on this host names a registry.
  base::Url registry_of(const std::string& package);
  // The value of Authorization for `url`, empty where none is configured for it. What the manifest gives for npm is for
  // the origin of the registry that packages come from by default, whoever names another address.
  base::Secret authorization(const base::Url& url);

 private:
  void load();  // m_mutex is held
  std::string setting(const std::string& key) const;
  std::string ask_client();
  base::Url default_registry();  // m_mutex is held
  base::Url parse(const std::string& text, const std::string& what) const;

  const ResolveContext& m_context;
  std::mutex m_mutex;
  bool m_loaded = false;
  std::string m_default;  // of the manifest or the environment; empty: none
  std::string m_asked;    // what npm itself said; empty until that is needed
  Environment m_project, m_user, m_global;
};

}  // namespace airlock::ecosystem::npm
