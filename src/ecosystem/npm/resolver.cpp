#include "ecosystem/npm/resolver.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/npm/closure.hpp"
#include "ecosystem/npm/rows.hpp"
#include "ecosystem/npm/version_document.hpp"

namespace airlock::ecosystem::npm {

using base::Error;
using base::ErrorCode;

namespace {

// Notes of versions that this run has resolved, so that their documents need not be kept for them.
class KnownNotes {
 public:
  void put(const PackageVersion& version, std::string text) {
    const std::lock_guard lock(m_mutex);
    m_notes.insert_or_assign(version, std::move(text));
  }
  std::optional<std::string> find(const PackageVersion& version) {
    const std::lock_guard lock(m_mutex);
    const auto found = m_notes.find(version);
    return found == m_notes.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  std::mutex m_mutex;
  std::map<PackageVersion, std::string> m_notes;
};

// A version's object or its notes, made again from the registry's document: for a lock that was read from disk.
class Document : public Fetchable {
 public:
  Document(RegistryClient& client, KnownNotes& notes, model::FileRow row)
      : m_client(client), m_notes(notes), m_row(std::move(row)) {}

  void fetch(std::uint64_t offset, std::optional<std::uint64_t> length, base::ByteSink& sink) override {
    const std::string text = make();
    const std::size_t start = std::min<std::size_t>(offset, text.size());
    sink.write(base::as_bytes(std::string_view(text).substr(start, length.value_or(text.size()))));
  }

 private:
  std::string make() const {
    const auto wanted = parse_purl(m_row.artifact);
    if (!wanted) {
      throw Error(ErrorCode::lock, fmt::format("npm '{}' has no usable artifact", base::printable(m_row.path)));
    }
    const auto& [name, version] = *wanted;
    const bool is_notes = m_row.path == notes_path(name, version);
    if (const auto notes = is_notes ? m_notes.find(*wanted) : std::nullopt) {
      return *notes;
    }
    const auto packument = m_client.packument(name);
    if (!packument || !packument->has(version)) {
      throw Error(ErrorCode::not_found, fmt::format("the registry no longer has {} {}", name, version))
          .with_hint("resolve the manifest again");
    }
    const base::Json object = packument->version_object(version);
    if (is_notes) {
      return carried_notes(object, packument->time(version)).value_or("{}");
    }
    return carried_version(object, tarball_name(name, version, packument->facts(version)));
  }

  RegistryClient& m_client;
  KnownNotes& m_notes;
  model::FileRow m_row;
};

std::string plugin_text(const PulumiPlugin& plugin) {
  return fmt::format("resource {}@{}{}{}", plugin.name, plugin.version,
                     plugin.server.empty() ? "" : " server=", plugin.server);
}

class NpmResolver : public Resolver {
 public:
  explicit NpmResolver(const ResolveContext& context) : m_context(context), m_client(m_context) {}

  void resolve(const model::Entry& entry, const Emit& emit) override {
    m_client.registries().begin_entry();
    Run run(*this, entry, emit);
    run.go();
    m_client.forget();  // what is needed of them has been emitted
  }

  std::unique_ptr<Fetchable> fetchable(const model::FileRow& row) override {
    if (row.kind != model::Kind::file) {
      return std::make_unique<Document>(m_client, m_notes, row);
    }
    const base::Url url = base::Url::parse(row.origin);
    if (url.scheme() == "file") {
      throw Error(ErrorCode::lock, fmt::format("npm '{}' has no address of a registry", base::printable(row.path)));
    }
    return m_client.tarball(url, row.length);
  }

 private:
  class Run {
   public:
    Run(NpmResolver& resolver, const model::Entry& entry, const Emit& emit)
        : m_resolver(resolver), m_entry(entry), m_emit(emit), m_options(options_of(entry)),
          m_closure(resolver.m_client, resolver.m_context.reporter, m_options,
                    [this](const Member& member, Grade grade) { take(member, grade); }) {}

    void go() {
      const auto folders = m_entry.paths("projects");
      for (const auto& folder : folders) {
        m_resolver.m_client.registries().add_project(folder);  // before anything is asked of a registry
      }
      for (const std::string& text : m_entry.texts("packages")) {
        try {
          m_closure.add(parse_package(text), "the manifest");
        } catch (Error& error) {
          throw Error(error).at(m_entry.position_of("packages"));
        }
      }
      for (const auto& folder : folders) {
        const Project project =
            read_project(folder, m_entry.flag("include_dev").value_or(true) ? Dev::take : Dev::leave);
        report(folder, project);
        m_closure.add(project);
      }
      m_closure.finish();
      emit_known_and_tags();
    }

   private:
    static ClosureOptions options_of(const model::Entry& entry) {
      ClosureOptions options{.platforms = entry.platforms(), .libcs = {}};
      if (options.platforms.empty()) {
        options.platforms.push_back(model::Platform::host());
      }
      for (const std::string& name : entry.texts("libc")) {
        if (name != "glibc" && name != "musl") {
          throw Error(ErrorCode::manifest, fmt::format("'{}' is no libc", base::printable(name, 80)))
              .at(entry.position_of("libc"))
              .with_hint("glibc or musl");
        }
        options.libcs.push_back(name == "musl" ? Libc::musl : Libc::glibc);
      }
      if (options.libcs.empty()) {
        options.libcs.push_back(Libc::glibc);
      }
      return options;
    }

    void report(const std::filesystem::path& folder, const Project& project) {
      base::Reporter& reporter = m_resolver.m_context.reporter;
      if (!project.other_lock.empty()) {
        reporter.warning(fmt::format("{}: {} is not read; package.json is resolved anew, which may give other versions",
                                     folder.string(), project.other_lock));
      }
      if (project.lock && !project.lock->passed_over.empty()) {
        reporter.note(fmt::format("{}: {} entries are links or local files and come with the project", folder.string(),
                                  project.lock->passed_over.size()));
      }
    }

    void take(const Member& member, Grade grade) {
      if (grade == Grade::whole) {
        send(member, grade);
        demand(member);
      }
      const std::lock_guard lock(m_mutex);
      const PackageVersion key{member.packument->name(), member.version};
      auto& place = m_members[key];
      place = {std::max(place.first, grade), member.packument};
    }

    void send(const Member& member, Grade grade) {
      const std::string time = member.packument->time(member.version);
      if (auto notes = carried_notes(member.object, time)) {
        m_resolver.m_notes.put({member.packument->name(), member.version}, std::move(*notes));
      }
      for (ResolvedFile& file : version_rows(m_resolver.m_client, member, grade, m_options)) {
        if (file.row.kind == model::Kind::file && file.row.verified == model::Verified::none) {
          m_resolver.m_context.reporter.warning(
              fmt::format("the registry states {} of {} {}; what it sends first is taken as it is",
                          file.row.pin.empty() ? "no digest" : "only a SHA-1, which proves no origin,",
                          member.packument->name(), member.version));
        }
        m_emit(std::move(file));
      }
    }

    void demand(const Member& member) {
      const auto& ask = m_resolver.m_context.demand;
      if (member.facts.pulumi && ask) {
        ask({.section = "pulumi", .values = {{"plugins", {plugin_text(*member.facts.pulumi)}}}},
            fmt::format("npm {} {}", member.packument->name(), member.version));
      }
    }

    // What may change while the closure grows: a known version becomes whole, a tag's version comes in.
    void emit_known_and_tags() {
      std::size_t known = 0;
      for (const auto& [key, place] : m_members) {
        const auto& [grade, packument] = place;
        if (grade == Grade::known) {
          send(make_member(packument, key.version), grade);
          ++known;
        }
        for (const auto& [tag, version] : packument->dist_tags()) {
          if (version == key.version && is_tag(tag)) {
            m_emit(tag_row(m_resolver.m_client, make_member(packument, key.version), tag));
          }
        }
      }
      m_resolver.m_context.reporter.note(
          fmt::format("npm: {} packages, {} more of other platforms are named only", m_members.size() - known, known));
    }

    NpmResolver& m_resolver;
    const model::Entry& m_entry;
    const Emit& m_emit;
    ClosureOptions m_options;
    std::mutex m_mutex;
    std::map<PackageVersion, std::pair<Grade, std::shared_ptr<const Packument>>> m_members;
    Closure m_closure;  // last: its threads use the rest
  };

  ResolveContext m_context;
  RegistryClient m_client;
  KnownNotes m_notes;
};

}  // namespace

std::unique_ptr<Resolver> make_resolver(const ResolveContext& context) {
  return std::make_unique<NpmResolver>(context);
}

}  // namespace airlock::ecosystem::npm
