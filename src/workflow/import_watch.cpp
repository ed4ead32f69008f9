#include "workflow/import_watch.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/files.hpp"
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
constexpr int k_pauses_a_look = 25;         // five seconds
constexpr std::size_t k_line_limit = 2000;  // bytes
constexpr std::size_t k_lock_digits = 16;   // hex, of the digest of a folder's path

// What did not go in is tried again: at once when the files change that it may wait for, else after such a pause, which
// doubles. Somebody may have mended a scanner, a clock, a disk or a policy.
constexpr std::chrono::minutes k_first_retry{1};
constexpr std::chrono::minutes k_longest_retry{60};

// No time changes what such a bundle is.
bool is_lasting(ErrorCode code) {
  using enum ErrorCode;
  return code == tampered || code == equivocation || code == rollback || code == malformed || code == revoked;
}

bool is_incomplete(ErrorCode code) {
  return base::error_code_info(code).exit_code == 4;
}

// Names, sizes and times of the files of a folder that `counts` picks, in any order that stays.
template <typename Predicate>
std::string listing(const fs::path& folder, const Predicate& counts) {
  std::set<std::string> list;
  std::error_code error;
  for (fs::directory_iterator entries(folder, error), end; !error && entries != end; entries.increment(error)) {
    std::error_code ignored;
    const fs::path& path = entries->path();
    if (entries->is_regular_file(ignored) && counts(path)) {
      list.insert(fmt::format("{} {} {}\n", path.filename().string(), fs::file_size(path, ignored),
                              fs::last_write_time(path, ignored).time_since_epoch().count()));
    }
  }
  std::string text;
  for (const std::string& line : list) {
    text += line;
  }
  return text;
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

// Whether it is time for a candidate that did not go in before.
bool FolderWatch::is_due(const Attempt& last, const Seen& head, const Around& around, base::Time now) const {
  if (last.head != head) {
    return true;
  }
  if (last.around.approvals != around.approvals) {
    return around.approvals == m_last_around.approvals;  // else one may still be growing
  }
  // Volumes that are still arriving would have all of it read at each look.
  const bool settled = around.files == m_last_around.files;
  return (last.waits && settled && last.around.files != around.files) || (!last.lasting && now >= last.again);
}

void FolderWatch::note_failure(const bundle::HeadCandidate& candidate, const Error& failure, Attempt attempt,
                               base::Time now, base::Reporter& reporter) {
  Attempt& last = m_attempts[candidate.path];
  // How much is free changes all the time; that there is too little is news once.
  const std::string saying = failure.code() == ErrorCode::no_space ? "no space" : failure.message();
  const bool same = last.head == attempt.head && last.said == saying;
  attempt.pause = same ? std::min<std::chrono::seconds>(last.pause * 2, k_longest_retry) : k_first_retry;
  attempt.again = now + attempt.pause;
  attempt.waits = is_incomplete(failure.code());
  attempt.lasting = is_lasting(failure.code());
  attempt.said = saying;
  last = std::move(attempt);
  if (same) {
    return;
  }
  const std::string hint =
      failure.hint().empty() ? "" : fmt::format(" ({})", base::printable(failure.hint(), k_line_limit));
  const std::string message = base::printable(failure.message(), k_line_limit);
  const std::string name = base::printable(candidate.path.string());  // whoever dropped it chose that
  if (last.waits && failure.code() != ErrorCode::no_space) {
    reporter.say(fmt::format("{}: waiting: {}{}", name, message, hint));
  } else if (last.waits) {
    reporter.warning(fmt::format("{}: waiting: {}{}", name, message, hint));
  } else {
    reporter.warning(fmt::format("{} was refused ({}): {}{}{}", name, base::error_code_info(failure.code()).name,
                                 message, hint, last.lasting ? "" : "; it is tried again later"));
  }
  if (m_events.refused) {
    m_events.refused(candidate.path, failure);
  }
}

std::size_t FolderWatch::look(const base::Clock& clock, base::Reporter& reporter) {
  std::size_t taken = 0;
  const Around around{.approvals = listing(m_folder,
                                           [](const fs::path& path) {
                                             return bundle::is_approval_file(path) || is_local_approval_file(path);
                                           }) +
                                   listing(m_options.home.root / "approvals", [](const fs::path&) { return true; }),
                      .files = listing(m_folder, [](const fs::path&) { return true; })};
  const auto candidates = list_candidates(reporter);
  for (const auto& candidate : candidates) {
    base::throw_if_interrupted();
    std::error_code error;
    Seen now;
    now.length = fs::file_size(candidate.path, error);
    now.changed = fs::last_write_time(candidate.path, error);
    const auto done = m_done.find(candidate.path);
    if (error || (done != m_done.end() && done->second == now) || !is_settled(candidate.path, now)) {
      continue;
    }
    const auto last = m_attempts.find(candidate.path);
    if (last != m_attempts.end() && !is_due(last->second, now, around, clock.now())) {
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
        reporter.say(fmt::format("{}: bundle '{}' {} is generation {}{}", candidate.path.string(), bundle.channel,
                                 bundle.serial, bundle.generation, bundle.active ? "" : ", not served"));
      }
      m_done[candidate.path] = now;
      m_attempts.erase(candidate.path);
      ++taken;
      if (m_events.taken) {
        m_events.taken(report);
      }
    } catch (const Error& failure) {
      if (failure.code() == ErrorCode::interrupted) {
        throw;
      }
      note_failure(candidate, failure, {.head = now, .around = around}, clock.now(), reporter);
    }
  }
  m_last_around = around;
  return taken;
}

fs::path watch_locks(const Home& home) {
  return home.root / "watch";
}

void watch_folder(const fs::path& folder, const ImportOptions& options, const WatchEvents& events,
                  const base::Clock& clock, base::Reporter& reporter) {
  std::error_code error;
  if (fs::exists(folder, error) && !fs::is_directory(folder, error)) {
    throw Error(ErrorCode::usage, fmt::format("{} is no folder, so nothing can arrive in it", folder.string()))
        .with_hint(fmt::format("to take one bundle: airlock import {}", folder.string()));
  }
  const auto locks = watch_locks(options.home);
  base::make_directories(options.home.root);
  base::make_directories(locks, 0700);
  const auto name = base::sha256(fs::weakly_canonical(folder, error).string()).hex().substr(0, k_lock_digits);
  const base::FileLock lock(locks / (name + ".lock"));
  FolderWatch watch(folder, options, events);
  reporter.say(fmt::format("watching {}; stop with Ctrl-C", folder.string()));
  while (!base::interrupt_requested()) {
    try {
      watch.look(clock, reporter);
    } catch (const Error& failure) {
      if (failure.code() == ErrorCode::interrupted) {
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
