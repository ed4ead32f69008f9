#include "ecosystem/pulumi/resolver.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/pulumi/plugin.hpp"
#include "ecosystem/pulumi/project.hpp"
#include "ecosystem/pulumi/release.hpp"
#include "ecosystem/remote_file.hpp"
#include "ecosystem/task_group.hpp"
#include "model/purl.hpp"

namespace airlock::ecosystem::pulumi {

using base::Error;
using base::ErrorCode;
using base::SourcePosition;
using model::Verified;

namespace {

constexpr std::size_t k_threads = 8;  // plugins that are asked for at the same time

struct Wish {
  Plugin plugin;
  SourcePosition position;
  bool of_project = false;  // and not of the manifest
};

class PulumiResolver : public Resolver {
 public:
  explicit PulumiResolver(const ResolveContext& context) : m_context(context), m_releases(m_context) {}

  void resolve(const model::Entry& entry, const Emit& emit) override {
    ask_for_cli(entry);
    std::vector<model::Platform> platforms = entry.platforms();
    if (platforms.empty()) {
      platforms.push_back(model::Platform::host());
    }
    TaskGroup tasks(k_threads);
    for (Wish& wish : wishes(entry)) {
      tasks.add([this, &emit, platforms, wish = std::move(wish)]() mutable {
        if (wish.plugin.version.empty()) {
          wish.plugin.version = m_releases.newest(wish.plugin, wish.position);
          m_context.reporter.note(
              fmt::format("plugin '{} {}': the newest is {}", wish.plugin.kind, wish.plugin.name, wish.plugin.version));
          if (wish.of_project) {
            warn_of_missing_version(wish);
          }
        }
        for (const model::Platform& platform : platforms) {
          resolve_for(wish, platform, emit);
        }
      });
    }
    tasks.wait();
  }

  std::unique_ptr<Fetchable> fetchable(const model::FileRow& row) override {
    return std::make_unique<RemoteFile>(m_context, base::Url::parse(row.origin), row.length);
  }

 private:
  // The CLI is a tool with a recipe; it is served below /pulumi/sdk/ as well.
  void ask_for_cli(const model::Entry& entry) const {
    for (const std::string& version : entry.texts("cli")) {
      if (!is_plugin_version(version.starts_with('v') ? std::string_view(version).substr(1) : version)) {
        throw Error(ErrorCode::manifest,
                    fmt::format("'{}' is not an exact version of the CLI", base::printable(version, 80)))
            .at(entry.position_of("cli"));
      }
      if (m_context.demand) {
        model::Request request{.section = "tools", .values = {{"name", {"pulumi"}}, {"version", {version}}}};
        for (const model::Platform& platform : entry.platforms()) {
          request.values["platforms"].push_back(platform.to_string());
        }
        m_context.demand(request, "'cli' of pulumi");
      }
    }
  }

  std::vector<Wish> wishes(const model::Entry& entry) const {
    std::vector<Wish> all;
    std::set<Plugin> known;
    const auto add = [&](const Plugin& plugin, const SourcePosition& position, bool of_project) {
      if (known.insert(plugin).second) {
        all.push_back({.plugin = plugin, .position = position, .of_project = of_project});
      }
    };
    for (const std::string& text : entry.texts("plugins")) {
      add(parse_plugin(text, entry.position_of("plugins")), entry.position_of("plugins"), false);
    }
    for (const std::filesystem::path& folder : entry.paths("projects")) {
      const auto project = read_project(folder);
      if (!project) {
        throw Error(ErrorCode::manifest, fmt::format("there is no Pulumi.yaml in '{}'", folder.string()))
            .at(entry.position_of("projects"))
            .with_hint("relative paths begin at the folder of the manifest");
      }
      for (const std::string& note : project->notes) {
        m_context.reporter.warning(note);
      }
      for (const ProjectPlugin& one : project->plugins) {
        add(one.plugin, one.position, true);
      }
    }
    return all;
  }

  void warn_of_missing_version(const Wish& wish) const {
    const Plugin& plugin = wish.plugin;
    m_context.reporter.warning(fmt::format("{}: '{}' has no version, and a CLI behind a mirror cannot ask for the "
                                           "newest; pin it to {}, or run `pulumi plugin "
                                           "install {} {} {}` on the far side before the program",
                                           wish.position.to_string(), plugin.name, plugin.version, plugin.kind,
                                           plugin.name, plugin.version));
  }

  void resolve_for(const Wish& wish, const model::Platform& platform, const Emit& emit) {
    const ReleaseFile file = base::with_context(
        [&] {
          return fmt::format("while resolving plugin '{}' for {}", wish.plugin.to_string(), platform.to_string());
        },
        [&] { return m_releases.find(wish.plugin, platform, wish.position); });
    model::FileRow row = new_row(wish, file_name(wish.plugin, platform), file.url, model::Kind::file);
    row.platform = platform.to_string();
    row.media_type = "application/gzip";
    row.length = file.length;
    row.pin = file.pin;
    row.sha256 = file.sha256;
    row.verified = file.sha256 ? Verified::upstream_digest : Verified::none;
    if (!file.sha256) {
      m_context.reporter.warning(fmt::format("plugin '{}': {} states {}; what it sends first is taken as it is",
                                             wish.plugin.to_string(), file.url.host_port(),
                                             file.pin.empty() ? "no digest" : "only a SHA-1, which proves no origin"));
    }
    emit({.row = std::move(row), .content = std::nullopt});
    if (file.checksums && is_new(file.checksums->url)) {
      model::FileRow sums = new_row(wish, file.checksums->url.file_name(), file.checksums->url, model::Kind::meta);
      sums.media_type = "text/plain";
      sums.length = file.checksums->content.size();
      sums.sha256 = base::sha256(file.checksums->content);
      emit({.row = std::move(sums), .content = file.checksums->content});
    }
  }

  static model::FileRow new_row(const Wish& wish, const std::string& name, const base::Url& url, model::Kind kind) {
    model::FileRow row;
    row.ecosystem = "pulumi";
    row.kind = kind;
    row.path = "plugins/" + name;
    try {
      model::check_path(row.path, fmt::format("plugin '{}'", wish.plugin.name));
    } catch (const Error& error) {
      throw Error(ErrorCode::manifest, error.message()).at(wish.position);
    }
    row.origin = url.to_string();
    row.artifact = model::Purl{.type = "generic",
                               .namespace_ = "pulumi/" + wish.plugin.kind,
                               .name = wish.plugin.name,
                               .version = wish.plugin.version,
                               .qualifiers = {}}
                       .to_string();
    return row;
  }

  bool is_new(const base::Url& url) {
    const std::scoped_lock lock(m_mutex);
    return m_emitted.insert(url.to_string()).second;
  }

  const ResolveContext m_context;
  Releases m_releases;
  std::mutex m_mutex;
  std::set<std::string> m_emitted;  // checksum files, by URL
};

}  // namespace

std::unique_ptr<Resolver> make_resolver(const ResolveContext& context) {
  return std::make_unique<PulumiResolver>(context);
}

}  // namespace airlock::ecosystem::pulumi
