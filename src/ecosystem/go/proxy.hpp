// The connected host's Go proxies and checksum database, asked as its Go client would ask them, version control aside.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ecosystem/ecosystem.hpp"
#include "ecosystem/go/go_env.hpp"
#include "ecosystem/go/go_sum.hpp"
#include "ecosystem/go/module_path.hpp"
#include "ecosystem/go/note.hpp"
#include "ecosystem/go/once_map.hpp"
#include "ecosystem/go/transparent_log.hpp"

namespace airlock::ecosystem::go {

struct ProxyAnswer {
  std::string body;
  std::string url;  // of what was asked, without user information
};

// Thread-safe.
class Proxy {
 public:
  // `context` and `env` outlive it. The manifest's upstream `go`, where it has a url, replaces GOPROXY. Throws config
  // and unsupported as parse_proxy_list().
  Proxy(const ResolveContext& context, const GoEnv& env);

  // GET of "ENCODED-MODULE/…" for `module_path` at the proxies in their order. nullopt when all that count say that
  // there is no such thing. Throws unsupported where only version control is left to ask, upstream on a web page, limit
  // beyond `limit` bytes.
  std::optional<ProxyAnswer> find(std::string_view module_path, std::string_view path, std::size_t limit);
  // The same at the end of the road; throws not_found.
  ProxyAnswer get(const Module& module, std::string_view extension, std::size_t limit);

  // For a URL that find() gave.
  base::Secret authorization(const base::Url& url) const;
  const std::vector<ProxyElement>& elements() const { return m_elements; }
  // As find(), at one place. `any status` but 200, 404 and 410 throws.
  std::optional<std::string> get_at(const base::Url& url, std::size_t limit) const;

 private:
  const ResolveContext& m_context;
  const GoEnv& m_env;
  std::vector<ProxyElement> m_elements;
  std::string m_no_proxy;  // patterns
  const model::Upstream* m_upstream = nullptr;
  std::string m_netrc;
};

base::Url below(const base::Url& base, std::string_view path);  // "https://host/prefix" and "a/b"

// Thread-safe.
class ChecksumDatabase {
 public:
  // What GOSUMDB names; throws config where its key is known neither to the variable nor to the client program.
  ChecksumDatabase(Proxy& proxy, const GoEnv& env);

  // The hashes that the database has for `module`, its record proved to be in a tree whose head it signed. Throws
  // not_found where it knows no such module, untrusted and tampered where a proof fails.
  ModuleSums lookup(const Module& module);
  const std::string& name() const { return m_key.name; }

 private:
  std::optional<std::string> get(std::string_view path);
  const base::Url& base_url();
  std::optional<TreeHead> latest();
  std::string tile(const Tile& tile);

  Proxy& m_proxy;
  VerifierKey m_key;
  std::string m_address;  // of the database itself
  OnceMap<int, base::Url> m_base;
  OnceMap<int, std::optional<TreeHead>> m_latest;
  OnceMap<Tile, std::string> m_tiles;
};

}  // namespace airlock::ecosystem::go
