#include "ecosystem/pypi/resolver.hpp"

#include <algorithm>
#include <mutex>
#include <set>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/pypi/index.hpp"
#include "ecosystem/pypi/plugin.hpp"
#include "ecosystem/pypi/questions.hpp"
#include "ecosystem/pypi/rows.hpp"
#include "ecosystem/task_group.hpp"

namespace airlock::ecosystem::pypi {

using base::Error;
using base::ErrorCode;
using base::Url;

namespace {

constexpr std::size_t k_fetches_ahead = 16;
constexpr std::size_t k_solutions_at_once = 4;
constexpr std::size_t k_looks_at_once = 8;

class TextContent : public Fetchable {
 public:
  explicit TextContent(std::string text) : m_text(std::move(text)) {}
  void fetch(std::uint64_t offset, std::optional<std::uint64_t> length, base::ByteSink& sink) override {
    const std::uint64_t start = std::min<std::uint64_t>(offset, m_text.size());
    sink.write(base::as_bytes(std::string_view(m_text).substr(start, length.value_or(m_text.size()))));
  }

 private:
  std::string m_text;
};

// A file that is to be carried, and what is told of it.
struct Carried {
  const IndexFile* file = nullptr;
  std::string platform;  // of a wheel for one platform
  std::shared_ptr<const FileMetadata> metadata;
  std::shared_ptr<const Page> page;  // keeps `file` alive
};

class PypiResolver : public Resolver {
 public:
  explicit PypiResolver(const ResolveContext& context) : m_context(context), m_index(m_context) {}

  void resolve(const model::Entry& entry, const Emit& emit) override {
    const std::vector<Target> targets = targets_of(entry);
    const std::vector<Task> tasks = tasks_of(entry, m_context.reporter);
    const auto source_archives = entry.flag("sdist").value_or(false) ? SourceArchives::allow : SourceArchives::refuse;
    Union carried;
    {
      TaskGroup ahead(k_fetches_ahead + 1);
      std::vector<std::unique_ptr<Projects>> views;
      TaskGroup solving(k_solutions_at_once);
      for (const Target& target : targets) {
        Projects& view = *views.emplace_back(std::make_unique<Projects>(m_index, target, source_archives));
        for (const Task& task : tasks) {
          solving.add([this, &view, &task, &ahead, &carried] { answer(view, task, ahead, carried); });
        }
      }
      solving.wait();
    }
    emit_all(carried, emit);
  }

  std::unique_ptr<Fetchable> fetchable(const model::FileRow& row) override {
    const auto path = parse_row_path(row.path);
    if (!path) {
      throw Error(ErrorCode::lock, fmt::format("'{}' is no path of a Python package", base::printable(row.path, 200)));
    }
    const Url origin = Url::parse(row.origin);
    if (path->kind == RowPath::Kind::entry) {
      return std::make_unique<TextContent>(entry_text(listed(*path)));
    }
    const bool whole = path->kind == RowPath::Kind::file || origin.path().ends_with(k_metadata_suffix);
    if (whole) {
      return m_index.fetchable(origin, row.length);
    }
    IndexFile file;
    file.file = path->file;
    file.name = *parse_file_name(path->file, path->project);
    file.url = origin;
    return std::make_unique<TextContent>(m_index.metadata(file)->text);
  }

 private:
  struct Union {
    std::mutex mutex;
    std::map<std::string, Carried> files;  // by path
  };

  void answer(Projects& view, const Task& task, TaskGroup& ahead, Union& carried) {
    // Archives whose building leads back to themselves are asked about once.
    std::set<const IndexFile*> asked;
    std::string name = task.name;
    std::vector<Requirement> build = answer_once(view, name, task.question, ahead, carried, asked);
    // pip builds each source archive in an environment of its own; one for all is the same closure or a narrower one.
    while (!build.empty()) {
      Question question;
      for (const Requirement& one : build) {
        question.requirements.push_back({.requirement = one, .hashes = {}, .because = name});
      }
      name = "what building source archives needs";
      build = answer_once(view, name, question, ahead, carried, asked);
    }
  }

  // Returns what building the source archives needs that are in the answer and not yet in `asked`, where it puts them.
  std::vector<Requirement> answer_once(Projects& view, const std::string& name, const Question& question,
                                       TaskGroup& ahead, Union& carried, std::set<const IndexFile*>& asked) {
    const std::vector<Chosen> solution =
        base::with_context([&] { return fmt::format("resolving {} for {}", name, view.target().to_string()); },
                           [&] { return solve(view, question, ahead); });
    std::vector<Requirement> build;
    const std::lock_guard lock(carried.mutex);
    for (const Chosen& chosen : solution) {
      for (const IndexFile* file : chosen.files) {
        add(carried, chosen, *file, view.target());
        if (file->name.kind == FileName::Kind::sdist && asked.insert(file).second) {
          build.insert(build.end(), chosen.metadata->build_requirements.begin(),
                       chosen.metadata->build_requirements.end());
        }
      }
    }
    return build;
  }

  void add(Union& carried, const Chosen& chosen, const IndexFile& file, const Target& target) {
    const bool anywhere =
        file.name.kind == FileName::Kind::sdist || file.name.platforms == std::vector<std::string>{"any"};
    Carried one{.file = &file,
                .platform = anywhere ? "" : target.platform().to_string(),
                .metadata = nullptr,
                .page = chosen.page};
    if (&file == chosen.files.front()) {
      one.metadata = chosen.metadata;
    }
    const auto [at, fresh] = carried.files.emplace(fmt::format("{}/{}", file.name.project, file.file), one);
    if (!fresh) {
      if (at->second.platform != one.platform) {
        at->second.platform.clear();  // it serves several
      }
      if (!at->second.metadata) {
        at->second.metadata = one.metadata;
      }
    }
  }

  void emit_all(Union& carried, const Emit& emit) {
    TaskGroup looking(k_looks_at_once);
    for (auto& each : carried.files) {
      looking.add([this, &one = each.second, &emit] { emit_file(one, emit); });
    }
    looking.wait();
  }

  void emit_file(Carried& one, const Emit& emit) {
    const IndexFile& file = *one.file;
    emit({.row = file_row(file, one.platform), .content = std::nullopt});
    std::string entry = entry_text(file);
    model::FileRow row = entry_row(file, one.page->url, entry);
    emit({.row = std::move(row), .content = std::move(entry)});
    if (file.name.kind == FileName::Kind::sdist) {
      return;
    }
    if (!one.metadata) {
      one.metadata = m_index.metadata(file);
    }
    emit({.row = metadata_row(file, *one.metadata), .content = one.metadata->text});
    if (m_context.demand && one.metadata->parsed.needs("pulumi")) {
      demand_plugin(file);
    }
  }

  // A provider's SDK says which plugin it drives (docs/ecosystems/pypi.md, Plugins of Pulumi's providers).
  void demand_plugin(const IndexFile& file) {
    const auto text = m_index.member(file, is_plugin_description, k_plugin_limit);
    if (!text) {
      return;
    }
    const auto plugin = parse_plugin(*text, file);
    if (plugin) {
      m_context.demand({.section = "pulumi", .values = {{"plugins", {*plugin}}}},
                       fmt::format("pypi {} {}", file.name.project, file.name.version_text));
    }
  }

  IndexFile listed(const RowPath& path) {
    const auto page = m_index.page(path.project);
    if (page) {
      const auto found = std::find_if(page->files.begin(), page->files.end(),
                                      [&](const IndexFile& file) { return file.file == path.file; });
      if (found != page->files.end()) {
        return *found;
      }
    }
    throw Error(ErrorCode::not_found, fmt::format("the index does not list '{}' any more", path.file))
        .with_hint("resolve the manifest again");
  }

  const ResolveContext m_context;
  Index m_index;
};

}  // namespace

std::unique_ptr<Resolver> make_resolver(const ResolveContext& context) {
  return std::make_unique<PypiResolver>(context);
}

}  // namespace airlock::ecosystem::pypi
