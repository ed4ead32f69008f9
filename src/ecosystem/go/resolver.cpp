#include "ecosystem/go/resolver.hpp"

#include <mutex>
#include <set>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "ecosystem/go/closure.hpp"
#include "ecosystem/go/go_env.hpp"
#include "ecosystem/go/limits.hpp"
#include "ecosystem/go/proxy.hpp"
#include "ecosystem/go/pulumi_plugin.hpp"
#include "ecosystem/task_group.hpp"
#include "ecosystem/upstream_access.hpp"

namespace airlock::ecosystem::go {

using base::Error;
using base::ErrorCode;
using base::Url;
using model::Kind;

namespace {

// One file behind a proxy's address.
class ProxyFile : public Fetchable {
 public:
  ProxyFile(http::Client& http, Url url, base::Secret authorization, std::optional<std::uint64_t> length)
      : m_http(http), m_url(std::move(url)), m_authorization(std::move(authorization)), m_length(length) {}

  void fetch(std::uint64_t offset, std::optional<std::uint64_t> length, base::ByteSink& sink) override {
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

 private:
  http::Client& m_http;
  Url m_url;
  base::Secret m_authorization;
  std::optional<std::uint64_t> m_length;
};

class GoResolver : public Resolver {
 public:
  explicit GoResolver(const ResolveContext& context) : m_context(context) {}

  void resolve(const model::Entry& entry, const Emit& emit) override {
    ModuleSource source(proxy(), m_env);
    std::vector<Project> projects;
    for (const auto& path : entry.paths("projects")) {
      try {
        projects.push_back(read_project(path));
        for (const ProjectFile& file : projects.back().sums) {
          source.sums().add(file.content, file.name);
        }
      } catch (Error& error) {
        if (!error.position()) {
          error.at(entry.position_of("projects"));
        }
        throw;
      }
    }
    std::vector<Query> queries;
    for (const std::string& text : entry.texts("packages")) {
      try {
        queries.push_back(parse_query(text));
      } catch (const Error& error) {
        throw Error(ErrorCode::manifest, error.message()).at(entry.position_of("packages")).with_hint(error.hint());
      }
    }
    Closure closure(proxy(), source, m_context.reporter);
    for (Project& project : projects) {
      closure.add_project(std::move(project));
    }
    closure.add_packages(std::move(queries));
    emit_all(closure, source, emit);
  }

  std::unique_ptr<Fetchable> fetchable(const model::FileRow& row) override {
    const Url url = Url::parse(row.origin);
    return std::make_unique<ProxyFile>(m_context.http, access(m_context.manifest, m_context.environment, url).url,
                                       proxy().authorization(url), row.length);
  }

 private:
  // Asks the client only when there is something to fetch.
  Proxy& proxy() {
    const std::lock_guard lock(m_mutex);
    if (!m_proxy) {
      m_env = read_go_env(m_context.environment);
      m_proxy = std::make_unique<Proxy>(m_context, m_env);
    }
    return *m_proxy;
  }

  static ResolvedFile new_file(const Module& module, std::string_view extension) {
    ResolvedFile file;
    file.row.ecosystem = "go";
    file.row.path = file_path(module, extension);
    file.row.artifact = purl_of(module);
    return file;
  }

  static void set_content(ResolvedFile& file, std::string content) {
    file.row.length = content.size();
    file.row.sha256 = base::sha256(content);
    file.content = std::move(content);
  }

  void emit_all(const Closure& closure, ModuleSource& source, const Emit& emit) {
    std::set<Module> mods = closure.mods;
    mods.insert(closure.zips.begin(), closure.zips.end());
    TaskGroup group(k_transfers);
    for (const Module& module : mods) {
      group.add([&, module] {
        emit_mod(module, source, emit);
        if (closure.zips.contains(module)) {
          emit_zip(module, source, emit);
        } else {
          ResolvedFile file = new_file(module, ".zip");
          file.row.kind = Kind::known;
          file.row.origin = zip_url(source.mod_file(module));
          emit(std::move(file));
        }
      });
    }
    for (const Module& module : closure.infos) {
      if (!closure.zips.contains(module)) {
        group.add([&, module] { emit_info(module, emit); });
      }
    }
    group.wait();
  }

  static std::string zip_url(const ModFile& mod) { return mod.url.substr(0, mod.url.size() - 4) + ".zip"; }

  static void emit_mod(const Module& module, ModuleSource& source, const Emit& emit) {
    const ModFile& mod = source.mod_file(module);
    ResolvedFile file = new_file(module, ".mod");
    file.row.media_type = "text/plain; charset=utf-8";
    file.row.origin = mod.url;
    file.row.pin = mod.pin;
    file.row.verified = mod.verified;
    set_content(file, mod.content);
    emit(std::move(file));
  }

  void emit_info(const Module& module, const Emit& emit) {
    ProxyAnswer info = proxy().get(module, ".info", k_largest_answer);
    if (const std::string version = version_of_info(info.body, info.url); version != module.version) {
      throw Error(ErrorCode::upstream,
                  fmt::format("{} is about version '{}'", info.url, base::printable(version, 100)));
    }
    ResolvedFile file = new_file(module, ".info");
    file.row.kind = Kind::meta;
    file.row.media_type = "application/json";
    file.row.origin = info.url;
    set_content(file, std::move(info.body));
    emit(std::move(file));
  }

  void emit_zip(const Module& module, ModuleSource& source, const Emit& emit) {
    emit_info(module, emit);
    const ModFile& mod = source.mod_file(module);
    const ZipProof proof = source.zip_proof(module);
    ResolvedFile file = new_file(module, ".zip");
    file.row.media_type = "application/zip";
    file.row.origin = zip_url(mod);
    file.row.pin = proof.pin;
    file.row.verified = proof.verified;
    if (m_context.demand && asks_for_pulumi_plugin(mod.mod)) {
      const auto zip = fetchable(file.row);
      if (const auto request = pulumi_plugin_request(m_context, module, Url::parse(file.row.origin), *zip)) {
        m_context.demand(*request, fmt::format("go {} {}", module.path, module.version));
      }
    }
    emit(std::move(file));
  }

  const ResolveContext m_context;
  std::mutex m_mutex;
  GoEnv m_env;
  std::unique_ptr<Proxy> m_proxy;
};

}  // namespace

std::unique_ptr<Resolver> make_resolver(const ResolveContext& context) {
  return std::make_unique<GoResolver>(context);
}

}  // namespace airlock::ecosystem::go
