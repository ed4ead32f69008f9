#include "ecosystem/oci/importer.hpp"

#include <algorithm>
#include <mutex>

#include <fmt/format.h>

#include "base/error.hpp"
#include "ecosystem/oci/push_plan.hpp"
#include "ecosystem/oci/push_repository.hpp"
#include "ecosystem/oci/push_target.hpp"
#include "ecosystem/oci/registry_errors.hpp"
#include "ecosystem/oci/repositories.hpp"
#include "ecosystem/oci/served_name.hpp"
#include "ecosystem/task_group.hpp"

namespace airlock::ecosystem::oci {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_repositories_at_once = 4;

// "Determining Support": a registry that does not answer, or refuses the credentials, would fail each image
// alike.
void require_registry(RegistryTarget& target) {
  http::Request request;
  request.url = target.client().url("/v2/");
  const http::Response response = target.client().send(request, {"", ""});
  if (response.status != 200) {
    throw unexpected_answer(response, "this is no registry that images can be pushed to");
  }
}

}  // namespace

PushReport push(const PushContext& context, const PushTarget& target) {
  PushReport report;
  RegistryTarget registry(context.http, target);
  const std::vector<std::string> repositories = list_repositories(context.catalog);
  if (repositories.empty()) {
    return report;
  }
  require_registry(registry);
  const auto progress = context.reporter.task("pushing images", repositories.size(), base::ProgressUnit::items);
  std::mutex mutex;
  TaskGroup tasks(k_repositories_at_once);
  for (const std::string& repository : repositories) {
    tasks.add([&, repository] {
      RepositoryReport done;
      try {
        const RepositoryContent content = read_repository(context.catalog, context.blobs, repository);
        done = RepositoryPush(context, registry, content).run();
      } catch (const Error& error) {
        if (error.code() == ErrorCode::interrupted || error.code() == ErrorCode::config) {
          throw;
        }
        done.failures.push_back({base::Severity::error, error.code(), upstream_name(repository), error.message()});
      }
      const std::lock_guard lock(mutex);
      report.pushed += done.pushed;
      report.present += done.present;
      report.failures.insert(report.failures.end(), done.failures.begin(), done.failures.end());
      progress->advance(1);
    });
  }
  tasks.wait();
  std::sort(report.failures.begin(), report.failures.end(),
            [](const base::Finding& a, const base::Finding& b) { return a.subject < b.subject; });
  report.bytes_sent = registry.bytes_sent();
  return report;
}

}  // namespace airlock::ecosystem::oci
