#include "workflow/import_watch.hpp"

#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "base/interrupt.hpp"
#include "base/text.hpp"
#include "bundle/approval.hpp"
#include "bundle/head.hpp"
#include "workflow/local_approvals.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

constexpr std::chrono::milliseconds k_pause{200};
constexpr int k_pauses_a_look = 25;  // five seconds

bool is_incomplete(ErrorCode code) {
  return base::error_code_info(code).exit_code == 4;
}

// Names, sizes and times of all approvals in the folder: what was refused as a draft may be good with the next one.
std::string approvals_in(const fs::path& folder) {
  std::string list;
  std::error_code error;
  for (fs::directory_iterator entries(folder, error), end; !error && entries != end; entries.increment(error)) {
    std::error_code ignored;
    const fs::path& path = entries->path();
    if (!entries->is_regular_file(ignored) || !(bundle::is_approval_file(path) || is_local_approval_file(path))) {
      continue;
    }
    list += fmt::format("{} {} {}\n", path.filename().string(), fs::file_size(path, ignored),
                        fs::last_write_time(path, ignored).time_since_epoch().count());
  }
  return list;
}

}  // namespace

// A diode writes slowly; a head that grew since the last look is still on its way.
bool FolderWatch::is_settled(const fs::path& head, const Seen& now) {
  const auto [place, is_new] = m_last_look.try_emplace(head, now);
  const bool same = !is_new && place->second == now;
  place->second = now;
  return same;
}

// What fails now may go at the next look: somebody empties the folder, the share comes back.
std::vector<bundle::HeadCandidate> FolderWatch::list_candidates(base::Reporter& reporter) {
  try {
    auto candidates = bundle::list_heads(m_folder);
    m_trouble.clear();
    return candidates;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::limit && error.code() != ErrorCode::io) {
      throw;
    }
    if (std::exchange(m_trouble, error.message()) != error.message()) {
      reporter.warning(error.message());
    }
    return {};
  }
}

std::size_t FolderWatch::look(const base::Clock& clock, base::Reporter& reporter) {
  std::size_t taken = 0;
  const std::string approvals = approvals_in(m_folder);
  const auto candidates = list_candidates(reporter);
  for (const auto& candidate : candidates) {
    base::throw_if_interrupted();
    std::error_code error;
    Seen now;
    now.length = fs::file_size(candidate.path, error);
    now.changed = fs::last_write_time(candidate.path, error);
    const auto is_known = [&](const auto& map) {
      const auto found = map.find(candidate.path);
      return found != map.end() && found->second == now;
    };
    if (error || is_known(m_done)) {
      continue;
    }
    const Seen head = now;
    now.approvals = approvals;
    if (is_known(m_refused) || !is_settled(candidate.path, now)) {
      continue;
    }
    auto options = m_options;
    options.bundles = {candidate.path};
    for (const auto& other : candidates) {
      if (other.path != candidate.path && other.hint.channel == candidate.hint.channel &&
          other.hint.serial == candidate.hint.serial) {
        options.beside.push_back(other.path);
      }
    }
    try {
      const auto report = import_bundles(options, clock, reporter);
      for (const auto& bundle : report.bundles) {
        reporter.say(fmt::format("{}: bundle '{}' {} is generation {}", candidate.path.string(), bundle.channel,
                                 bundle.serial, bundle.generation));
      }
      m_done[candidate.path] = head;
      m_waiting.erase(candidate.path);
      ++taken;
    } catch (const Error& failure) {
      if (failure.code() == ErrorCode::interrupted || failure.code() == ErrorCode::no_space) {
        throw;
      }
      if (is_incomplete(failure.code())) {
        // Its volumes may still be on their way; said again only when something changes.
        if (std::exchange(m_waiting[candidate.path], failure.message()) != failure.message()) {
          reporter.say(fmt::format("{}: waiting: {}", candidate.path.string(), failure.message()));
        }
        continue;
      }
      reporter.warning(fmt::format("{} was refused ({}): {}", candidate.path.string(),
                                   base::error_code_info(failure.code()).name, failure.message()));
      m_refused[candidate.path] = now;
    }
  }
  return taken;
}

void watch_folder(const fs::path& folder, const ImportOptions& options, const base::Clock& clock,
                  base::Reporter& reporter) {
  FolderWatch watch(folder, options);
  reporter.say(fmt::format("watching {}; stop with Ctrl-C", folder.string()));
  while (!base::interrupt_requested()) {
    try {
      watch.look(clock, reporter);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::interrupted) {
        break;
      }
      throw;
    }
    for (int i = 0; i < k_pauses_a_look && !base::interrupt_requested(); ++i) {
      std::this_thread::sleep_for(k_pause);
    }
  }
}

}  // namespace airlock::workflow
