#include "ecosystem/go/resolver.hpp"

#include <algorithm>
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
#include "ecosystem/go/proxy_file.hpp"
#include "ecosystem/go/pulumi_plugin.hpp"
#include "ecosystem/go/query.hpp"
#include "ecosystem/task_group.hpp"

namespace airlock::ecosystem::go {

using base::Error;
using base::ErrorCode;
using base::Url;
using model::Kind;

namespace {

// What resolving makes of a proxy's ".info".
class InfoFile : public Fetchable {
 public:
  InfoFile(const Proxy& proxy, Url url) : m_proxy(proxy), m_url(std::move(url)) {}

  void fetch(std::uint64_t offset, std::optional<std::uint64_t> length, base::ByteSink& sink) override {
    const auto body = m_proxy.get_at(m_url, k_largest_answer);
    if (!body) {
      throw Error(ErrorCode::not_found, fmt::format("{} is not there", m_url.redacted()));
    }
    const std::string json = parse_info(*body, m_url.redacted()).to_json();
    const std::string_view rest = std::string_view(json).substr(std::min<std::uint64_t>(offset, json.size()));
    sink.write(base::as_bytes(rest.substr(0, length.value_or(rest.size()))));
  }

 private:
  const Proxy& m_proxy;
  Url m_url;
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
    Closure closure(m_context, proxy(), source);
    for (Project& project : projects) {
      closure.add_project(std::move(project));
    }
    const bool with_tests = entry.flag("tests").value_or(true);
    closure.add_packages(std::move(queries), with_tests ? Closure::Tests::with : Closure::Tests::without);
    emit_all(closure, source, emit);
  }

  std::unique_ptr<Fetchable> fetchable(const model::FileRow& row) override {
    const Url url = Url::parse(row.origin);
    if (row.path.ends_with(".info")) {
      return std::make_unique<InfoFile>(proxy(), url);
    }
    return std::make_unique<ProxyFile>(m_context, proxy(), url, row.length);
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
          file.row.origin = source.mod_file(module).zip_url();
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
    const ProxyAnswer answer = proxy().get(module, ".info", k_largest_answer);
    const VersionInfo info = parse_info(answer.body, answer.url);
    if (info.version != module.version) {
      throw Error(ErrorCode::upstream,
                  fmt::format("{} is about version '{}'", answer.url, base::printable(info.version, 100)));
    }
    ResolvedFile file = new_file(module, ".info");
    file.row.kind = Kind::meta;
    file.row.media_type = "application/json";
    file.row.origin = answer.url;
    set_content(file, info.to_json());
    emit(std::move(file));
  }

  void emit_zip(const Module& module, ModuleSource& source, const Emit& emit) {
    emit_info(module, emit);
    const ModFile& mod = source.mod_file(module);
    const ZipProof proof = source.zip_proof(module);
    ResolvedFile file = new_file(module, ".zip");
    file.row.media_type = "application/zip";
    file.row.origin = mod.zip_url();
    const Url url = Url::parse(file.row.origin);
    file.row.length = ProxyFile(m_context, proxy(), url).ask_length();
    file.row.pin = proof.pin;
    file.row.verified = proof.verified;
    if (m_context.demand && asks_for_pulumi_plugin(mod.mod)) {
      demand_pulumi_plugin(module, url, file.row.length);
    }
    emit(std::move(file));
  }

  void demand_pulumi_plugin(const Module& module, const Url& zip, std::optional<std::uint64_t> length) {
    const auto json =
        read_module_file(m_context, proxy(), module, zip, length, is_pulumi_plugin_file, k_largest_answer);
    if (const auto request = json ? parse_pulumi_plugin(*json, module) : std::nullopt) {
      m_context.demand(*request, fmt::format("go {} {}", module.path, module.version));
    }
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
