#include "workflow/lock_manifests.hpp"

#include <map>
#include <utility>

#include "base/error.hpp"
#include "ecosystem/upstream_access.hpp"
#include "workflow/blob_plan.hpp"
#include "workflow/resolve.hpp"
#include "workflow/wish.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using model::FileRow;

void keep_learned(model::Lock& lock, const model::Lock& before) {
  std::map<std::pair<std::string_view, std::string_view>, const FileRow*> known;
  for (const FileRow& row : before.rows) {
    known.emplace(std::pair<std::string_view, std::string_view>(row.ecosystem, row.path), &row);
  }
  for (FileRow& row : lock.rows) {
    const auto old = known.find({row.ecosystem, row.path});
    if (!row.sha256 && !row.pin.empty() && old != known.end() && old->second->pin == row.pin) {
      row.sha256 = old->second->sha256;
      row.length = old->second->length;
    }
  }
}

}  // namespace

LockReport lock_manifests(const LockOptions& options, base::Reporter& reporter) {
  if (options.manifests.empty() && options.projects.empty()) {
    throw Error(ErrorCode::usage, "nothing says what to lock").with_hint("give a manifest with -m, or --project DIR");
  }
  const auto manifest = read_manifests(options.manifests, options.projects, {}, options.platforms, reporter);
  LockReport report;
  report.file = !options.output.empty()     ? options.output
                : options.manifests.empty() ? fs::path(manifest.name + ".lock")
                                            : fs::path(options.manifests.front()).replace_extension(".lock");
  std::error_code ignored;
  report.created = !fs::exists(report.file, ignored);
  const model::Lock before = report.created ? model::Lock() : model::Lock::read(report.file);

  http::Client client(ecosystem::client_options(manifest));
  Upstreams upstreams({.http = client,
                       .manifest = manifest,
                       .reporter = reporter,
                       .recipes = options.recipes,
                       .environment = options.environment});
  model::Lock lock = resolve(manifest, upstreams, reporter).lock;
  keep_learned(lock, before);
  report.channel = lock.channel;
  report.waivers = lock.waivers;
  report.changes = model::diff(before, lock);
  if (report.created || before.to_text() != lock.to_text()) {
    lock.save(report.file);
  }
  const StateTotals totals = totals_of(lock);
  report.artifacts = totals.artifacts;
  report.bytes = totals.bytes;
  report.unverified = totals.unverified;
  report.files = lock.rows.size();
  for (const FileRow& row : lock.rows) {
    report.unknown += has_blob(row) && !row.sha256 ? 1U : 0U;
  }
  return report;
}

}  // namespace airlock::workflow
