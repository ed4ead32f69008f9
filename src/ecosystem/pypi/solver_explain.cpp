#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "ecosystem/pypi/solver_impl.hpp"

namespace airlock::ecosystem::pypi {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_rejections_shown = 6;
constexpr int k_links_shown = 32;

}  // namespace

std::string Solver::chain(const Need& need) const {
  std::string text = fmt::format("'{}'", base::printable(need.text, 120));
  const Need* at = &need;
  for (int depth = 0; at->source != k_root && depth < k_links_shown; ++depth) {
    const Decision& asker = m_decisions[static_cast<std::size_t>(at->source)];
    text += fmt::format(" of {} {}", asker.key.to_string(), asker.options[asker.next - 1].candidate->text);
    const auto needs = needs_of(asker.key);
    if (needs.empty() || needs.front()->source >= at->source) {
      return text;
    }
    at = needs.front();
  }
  return at->because.empty() ? text : fmt::format("{} in {}", text, at->because);
}

// The first one that is met tells most: it concerns the versions that everybody would expect.
void Solver::note_failure(const Decision& decision) {
  if (m_first_failure) {
    return;
  }
  const Project& project = m_projects.get(decision.key.name);
  const auto needs = needs_of(decision.key);
  std::string message;
  ErrorCode code = ErrorCode::not_found;
  if (!project.page) {
    message = fmt::format("no index has a project '{}'", decision.key.name);
  } else if (project.candidates.empty()) {
    message = fmt::format("the index has no file of '{}' that could be installed", decision.key.name);
  } else {
    message = fmt::format("no version of '{}' fits {}", decision.key.name, m_projects.target().to_string());
    const bool each_alone = std::all_of(needs.begin(), needs.end(), [&](const Need* need) {
      return std::any_of(project.candidates.begin(), project.candidates.end(), [&](const Candidate& one) {
        return !one.files.empty() && need->specifiers.contains(one.version, one.text);
      });
    });
    code = each_alone && (needs.size() > 1 || !decision.options.empty()) ? ErrorCode::conflict : ErrorCode::not_found;
  }
  std::set<std::string> told;
  for (const Need* need : needs) {
    if (told.insert(chain(*need)).second && told.size() <= k_rejections_shown) {
      message += fmt::format("\n  asked for by {}", chain(*need));
    }
  }
  std::size_t shown = 0;
  for (const std::string& rejection : decision.rejections) {
    if (shown++ == k_rejections_shown) {
      message += fmt::format("\n  and {} more were refused", decision.rejections.size() - k_rejections_shown);
      break;
    }
    message += fmt::format("\n  {} {}", decision.key.name, rejection);
  }
  if (decision.rejections.empty() && !project.candidates.empty()) {
    const auto usable = std::find_if(project.candidates.begin(), project.candidates.end(),
                                     [](const Candidate& one) { return !one.files.empty(); });
    message += usable == project.candidates.end()
                   ? fmt::format("\n  {} {}: {}", decision.key.name, project.candidates.front().text,
                                 project.candidates.front().why_not)
                   : fmt::format("\n  the newest that could be installed is {}", usable->text);
  }
  m_first_failure = Error(code, message);
}

}  // namespace airlock::ecosystem::pypi
