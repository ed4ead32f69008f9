#include "workflow/resolve.hpp"

#include <algorithm>
#include <mutex>
#include <optional>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/parallel.hpp"
#include "base/text.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::size_t k_errors_shown = 20;

// What the entries' threads bring together.
class Collection {
 public:
  explicit Collection(const ResolveHooks& hooks) : m_hooks(hooks) {}

  void take(ecosystem::ResolvedFile file) {
    if (m_hooks.on_file && !file.content) {
      m_hooks.on_file(file.row);
    }
    const std::lock_guard lock(m_mutex);
    if (file.content && file.row.sha256 && m_content_size + file.content->size() <= k_content_limit) {
      const std::size_t size = file.content->size();
      if (m_resolved.contents.emplace(*file.row.sha256, std::move(*file.content)).second) {
        m_content_size += size;
      }
    }
    m_resolved.lock.rows.push_back(std::move(file.row));
  }

  void take_error(std::size_t entry, Error error) {
    const std::lock_guard lock(m_mutex);
    m_errors.emplace(entry, std::move(error));
  }

  const std::map<std::size_t, Error>& errors() const { return m_errors; }
  Resolved& resolved() { return m_resolved; }

 private:
  const ResolveHooks& m_hooks;
  std::mutex m_mutex;
  Resolved m_resolved;
  std::size_t m_content_size = 0;
  std::map<std::size_t, Error> m_errors;  // by the entry's number
};

std::string one_line(const Error& error, const model::Entry& entry) {
  const auto& position = error.position() ? *error.position() : entry.position();
  std::string line = fmt::format("\n  {}: {}", position.to_string(), error.message());
  if (!error.hint().empty()) {
    line += fmt::format(" ({})", error.hint());
  }
  return line;
}

// One error that tells of all of them.
[[noreturn]] void throw_together(const std::map<std::size_t, Error>& errors, const model::Manifest& manifest) {
  const auto& [number, first] = *errors.begin();
  if (errors.size() == 1) {
    Error error = first;
    if (!error.position()) {
      error.at(manifest.entries[number].position());
    }
    throw error;
  }
  std::string message =
      fmt::format("{} of {} entries of the manifest cannot be had:", errors.size(), manifest.entries.size());
  std::size_t shown = 0;
  for (const auto& [entry, error] : errors) {
    if (shown++ == k_errors_shown) {
      message += fmt::format("\n  and {} more", errors.size() - k_errors_shown);
      break;
    }
    message += one_line(error, manifest.entries[entry]);
  }
  throw Error(first.code(), message).with_hint("correct these, then run the same command again");
}

void resolve_entries(const model::Manifest& manifest, Upstreams& upstreams, Collection& collection,
                     base::Reporter& reporter, unsigned threads) {
  const auto progress = reporter.task("resolving", manifest.entries.size(), base::ProgressUnit::items);
  base::for_each_in_parallel(manifest.entries.size(), threads, [&](std::size_t number) {
    base::throw_if_interrupted();
    const model::Entry& entry = manifest.entries[number];
    try {
      upstreams.for_section(entry.section()).resolve(entry, [&](ecosystem::ResolvedFile file) {
        collection.take(std::move(file));
      });
    } catch (const Error& error) {
      collection.take_error(number, error);
    } catch (const std::exception& error) {
      collection.take_error(number, Error(ErrorCode::internal, error.what()));
    }
    progress->advance(1);
  });
}

// What packages ask for of other ecosystems, as a manifest of its own; empty when they ask for nothing.
std::optional<model::Manifest> demanded(Upstreams& upstreams, const model::Manifest& manifest,
                                        base::Reporter& reporter) {
  const auto demands = upstreams.take_demands();
  if (demands.empty()) {
    return std::nullopt;
  }
  std::vector<model::Request> requests;
  for (const auto& [request, because] : demands) {
    requests.push_back(request);
    for (const auto& [field, values] : request.values) {
      reporter.note(fmt::format("{} asks for {} '{}'", because, request.section, base::join(values, ", ")));
    }
  }
  const auto sections = ecosystem::all_sections();
  return model::parse_manifest(fmt::format("name: {}\n{}", manifest.name, model::manifest_text(requests, sections)),
                               "(what packages of this manifest ask for)", sections, manifest.platforms);
}

// A package may ask for something that asks again; not for ever.
constexpr int k_demand_rounds = 8;

}  // namespace

Resolved resolve(const model::Manifest& manifest, Upstreams& upstreams, base::Reporter& reporter,
                 const ResolveHooks& hooks) {
  Collection collection(hooks);
  const auto resolve_all = [&](const model::Manifest& wish) {
    resolve_entries(wish, upstreams, collection, reporter, hooks.threads);
    base::throw_if_interrupted();
    if (!collection.errors().empty()) {
      throw_together(collection.errors(), wish);
    }
  };
  resolve_all(manifest);
  for (int round = 0; auto wish = demanded(upstreams, manifest, reporter); ++round) {
    if (round == k_demand_rounds) {
      throw Error(ErrorCode::limit, "packages ask for packages without end");
    }
    resolve_all(*wish);
  }
  Resolved resolved = std::move(collection.resolved());
  resolved.lock.channel = manifest.name;
  for (const auto& platform : manifest.platforms) {
    resolved.lock.platforms.push_back(platform.to_string());
  }
  resolved.lock.request = base::sha256(model::canonical_text(manifest));
  resolved.lock.waivers = upstreams.waivers();
  resolved.lock.normalise();
  return resolved;
}

}  // namespace airlock::workflow
