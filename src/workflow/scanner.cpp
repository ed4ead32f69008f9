#include "workflow/scanner.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "base/json.hpp"
#include "base/parallel.hpp"
#include "base/process.hpp"
#include "base/text.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;
using store::ScanResult;
using store::ScanVerdict;

constexpr std::size_t k_version_limit = 4 * 1024;    // bytes of what version_command prints
constexpr std::size_t k_scan_piece = 256 * 1024;     // bytes given to a scanner at once
constexpr std::size_t k_excerpt = 300;               // bytes of a report in a message
constexpr std::size_t k_remembered_at_once = 1'000;  // results of one transaction

base::ProcessOptions process_options(const std::vector<std::string>& command, std::chrono::seconds timeout) {
  base::ProcessOptions options;
  options.argv = command;
  options.timeout = timeout;
  options.output_limit = k_scan_report_limit;
  options.beyond = base::ProcessOptions::Beyond::discards;
  // A scanner is the site's own, and still has no use for tokens and passphrases.
  options.inherit = base::ProcessOptions::Inherit::basics;
  return options;
}

std::string text_of(std::string_view bytes) {
  // What a scanner prints goes into databases, JSON and audit logs, which are UTF-8.
  const bool plain = base::is_valid_utf8(bytes) && bytes.find('\0') == std::string_view::npos;
  return plain ? std::string(bytes) : base::printable(bytes, 4 * k_scan_report_limit);
}

Error no_verdict(const std::string& program, const std::string& subject, const std::string& why,
                 std::string_view said) {
  const auto excerpt = base::printable(base::trim(said), k_excerpt);
  return Error(ErrorCode::scan_failed, fmt::format("the scanner {} came to no verdict on {}: {}{}", program, subject,
                                                   why, excerpt.empty() ? "" : "; it said: " + excerpt))
      .with_hint(
          "only 0 (clean) and 1 (refused) are verdicts; mend `scan` in policy.yaml or the scanner itself, and run "
          "the same command again");
}

base::ProcessResult call(const base::ProcessOptions& options, const std::string& subject) {
  try {
    auto result = base::run_process(options);
    if (result.exit_code != 0 && result.exit_code != 1) {
      throw no_verdict(options.argv.front(), subject,
                       result.exit_code > 128 ? fmt::format("a signal ended it ({})", result.exit_code - 128)
                                              : fmt::format("it ended with {}", result.exit_code),
                       result.errors.empty() ? result.output : result.errors);
    }
    return result;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::interrupted || error.code() == ErrorCode::scan_failed) {
      throw;
    }
    throw no_verdict(options.argv.front(), subject, error.message(), "");
  }
}

std::map<std::string, std::string> environment_of(const ScanSubject& subject) {
  return {{"AIRLOCK_DIGEST", subject.sha256.to_string()},
          {"AIRLOCK_LENGTH", fmt::format("{}", subject.length)},
          {"AIRLOCK_ECOSYSTEM", subject.ecosystem},
          {"AIRLOCK_PATH", subject.path},
          {"AIRLOCK_PATHS", fmt::format("{}", subject.paths)},
          {"AIRLOCK_ARTIFACT", subject.artifact},
          {"AIRLOCK_MEDIA_TYPE", subject.media_type}};
}

std::string subject_name(const ScanSubject& subject) {
  return fmt::format("{} ({}:{})", subject.sha256.to_string(), subject.ecosystem, base::printable(subject.path, 200));
}

ScanResult to_result(const ScanSubject& subject, int code, std::string_view report, std::uint64_t discarded) {
  ScanResult result;
  result.sha256 = subject.sha256;
  result.verdict = code == 1 ? ScanVerdict::refused : ScanVerdict::clean;
  result.report = text_of(report);
  result.discarded = discarded;
  return result;
}

// The whole of a file that nobody else reads through the same descriptor can be a scanner's stdin itself.
bool is_whole_file(const bundle::BlobLocation& location) {
  return location.extents.size() == 1 && location.extents.front().offset == 0 &&
         base::file_size(location.extents.front().fd->get(), location.extents.front().file) == location.length;
}

// Folders of processes that were killed: the names in them would keep blobs on the disk that were swept.
void remove_left_behind(const std::filesystem::path& scratch) {
  std::error_code failure;
  for (std::filesystem::directory_iterator it(scratch, failure), end; !failure && it != end; it.increment(failure)) {
    const auto pid = static_cast<pid_t>(std::strtol(it->path().filename().c_str(), nullptr, 10));
    if (pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH) {
      std::error_code ignored;
      std::filesystem::remove_all(it->path(), ignored);
    }
  }
}

}  // namespace

// Takes results from several threads, keeps them for the answer, and remembers them in portions.
class Scanner::Collector {
 public:
  Collector(const Scanner& scanner, store::ScanResults& results, const base::Clock& clock)
      : m_scanner(scanner), m_results(results), m_clock(clock) {}
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;
  ~Collector() {
    try {
      remember();
    } catch (const Error& error) {
      // The verdicts hold for this run; a later one scans again.
      m_scanner.m_reporter.warning(fmt::format("what the scanner said cannot be remembered: {}", error.message()));
    }
  }

  void add(const ScanSubject& subject, ScanResult result) {
    result.time = m_clock.now();
    const std::lock_guard lock(m_mutex);
    ++m_run.scanned;
    m_run.bytes += subject.length;
    judge(subject, result);
    m_new.push_back(std::move(result));
    if (m_new.size() >= k_remembered_at_once) {
      remember();
    }
  }

  void recall(const ScanSubject& subject, const ScanResult& result) {
    ++m_run.remembered;
    judge(subject, result);
  }

  ScanRun take(const std::vector<ScanSubject>& subjects) {
    std::map<base::Digest, std::size_t> order;
    for (std::size_t i = 0; i < subjects.size() && !m_run.refused.empty(); ++i) {
      order.emplace(subjects[i].sha256, i);
    }
    std::ranges::sort(m_run.refused, std::less<>(),
                      [&order](const ScanRefusal& refusal) { return order[refusal.subject.sha256]; });
    return std::move(m_run);
  }

 private:
  void judge(const ScanSubject& subject, const ScanResult& result) {
    if (result.verdict == ScanVerdict::clean) {
      return;
    }
    if (m_scanner.m_settings.accept.contains(subject.sha256)) {
      ++m_run.accepted;
      m_scanner.m_reporter.warning(fmt::format("the scanner refuses {}, and policy.yaml accepts it: {}",
                                               subject_name(subject), scan_excerpt(result)));
      return;
    }
    m_run.refused.push_back({subject, result});
  }

  void remember() { m_results.add(m_scanner.m_name, std::exchange(m_new, {})); }

  const Scanner& m_scanner;
  store::ScanResults& m_results;
  const base::Clock& m_clock;
  std::mutex m_mutex;
  std::vector<ScanResult> m_new;  // not remembered yet
  ScanRun m_run;
};

void add_subject(ScanSubjects& subjects, const model::FileRow& row) {
  const auto [place, is_new] = subjects.try_emplace(*row.sha256);
  if (!is_new) {
    ++place->second.paths;
    return;
  }
  place->second = {.sha256 = *row.sha256,
                   .length = row.length.value_or(0),
                   .ecosystem = row.ecosystem,
                   .path = row.path,
                   .artifact = row.artifact,
                   .media_type = row.media_type};
}

Scanner::Scanner(const ScanSettings& settings, base::Reporter& reporter) : m_settings(settings), m_reporter(reporter) {
  std::string version = settings.version;
  if (!settings.version_command.empty()) {
    auto options = process_options(settings.version_command, settings.timeout);
    options.output_limit = k_version_limit;
    const auto result = call(options, "its version");
    if (result.exit_code != 0) {
      throw no_verdict(settings.version_command.front(), "its version", "it ended with 1", result.errors);
    }
    version = fmt::format("{}{}{}", version, version.empty() ? "" : " ",
                          base::printable(base::trim(text_of(result.output)), k_version_limit));
  }
  const base::Json identity = {settings.command, settings.files_command, settings.batch > 0, version};
  m_name.id = base::sha256(base::to_line(identity)).hex();
  const auto& program = settings.command.empty() ? settings.files_form().front() : settings.command.front();
  m_name.text =
      fmt::format("{}{}{}", std::filesystem::path(program).filename().string(), version.empty() ? "" : ", ", version);
}

ScanResult Scanner::scan_stream(const ScanSubject& subject, const bundle::BlobLocation& location) const {
  auto options = process_options(m_settings.command, m_settings.timeout);
  options.environment = environment_of(subject);
  bundle::BlobSource source(location);
  std::vector<std::byte> piece;
  if (is_whole_file(location)) {
    options.input_fd = location.extents.front().fd->get();
  } else {
    piece.resize(k_scan_piece);
    options.more_input = [&]() -> std::span<const std::byte> { return {piece.data(), source.read(piece)}; };
  }
  const auto result = call(options, subject_name(subject));
  return to_result(subject, result.exit_code, result.output, result.discarded);
}

ScanRun Scanner::scan_streams(const std::vector<ScanSubject>& subjects, const Locate& locate,
                              store::ScanResults& results, Memory memory, const base::Clock& clock) const {
  Collector collector(*this, results, clock);
  std::vector<const ScanSubject*> open;
  std::uint64_t bytes = 0;
  for (const auto& subject : subjects) {
    const auto known = memory == Memory::use ? results.find(subject.sha256, m_name.id) : std::nullopt;
    if (known) {
      collector.recall(subject, *known);
    } else {
      open.push_back(&subject);
      bytes += subject.length;
    }
  }
  const auto progress = m_reporter.task("scanning", bytes);
  base::for_each_in_parallel(open.size(), static_cast<unsigned>(m_settings.parallel), [&](std::size_t i) {
    base::throw_if_interrupted();
    const auto location = locate(*open[i]);
    if (!location) {
      throw no_verdict(m_settings.command.front(), subject_name(*open[i]), "its bytes are not here", "");
    }
    collector.add(*open[i], scan_stream(*open[i], *location));
    progress->advance(open[i]->length);
  });
  return collector.take(subjects);
}

Scanner::Answer Scanner::ask_about_files(const std::vector<std::string>& paths, const ScanSubject* only) const {
  auto options = process_options(m_settings.files_form(), m_settings.timeout);
  options.argv.insert(options.argv.end(), paths.begin(), paths.end());
  if (only != nullptr) {
    options.environment = environment_of(*only);
  }
  options.environment["AIRLOCK_FILES"] = fmt::format("{}", paths.size());
  auto result = call(options, only != nullptr ? subject_name(*only) : fmt::format("{} files", paths.size()));
  return {.code = result.exit_code, .report = std::move(result.output), .discarded = result.discarded};
}

void Scanner::run_batches(const std::vector<ScanSubject>& subjects, const store::BlobStore& blobs,
                          const std::filesystem::path& scratch, Collector& collector) const {
  base::make_directories(scratch, 0700);
  remove_left_behind(scratch);
  const auto batches = (subjects.size() + m_settings.batch - 1) / m_settings.batch;
  std::uint64_t bytes = 0;
  for (const auto& subject : subjects) {
    bytes += subject.length;
  }
  const auto progress = m_reporter.task("scanning", bytes);
  base::for_each_in_parallel(batches, static_cast<unsigned>(m_settings.parallel), [&](std::size_t batch) {
    base::throw_if_interrupted();
    const base::TempDir folder(scratch, fmt::format("{}-", ::getpid()));
    const auto first = batch * m_settings.batch;
    const auto last = std::min(subjects.size(), first + m_settings.batch);
    std::vector<std::string> paths;
    for (auto i = first; i < last; ++i) {
      const auto path = folder.path() / subjects[i].sha256.hex();
      blobs.link_to(subjects[i].sha256, path);
      paths.push_back(path.string());
    }
    // One verdict is for all of them: clean holds for each, and of a refusal each is asked about alone.
    const auto all = ask_about_files(paths, paths.size() == 1 ? &subjects[first] : nullptr);
    std::vector<Answer> answers(paths.size());
    if (paths.size() == 1) {
      answers.front() = all;
    } else if (all.code == 1) {
      for (std::size_t i = 0; i < paths.size(); ++i) {
        base::throw_if_interrupted();
        // A scanner may have put the file away.
        std::error_code ignored;
        std::filesystem::remove(paths[i], ignored);
        blobs.link_to(subjects[first + i].sha256, paths[i]);
        answers[i] = ask_about_files({paths[i]}, &subjects[first + i]);
      }
      if (std::ranges::all_of(answers, [](const Answer& answer) { return answer.code == 0; })) {
        throw no_verdict(m_settings.files_form().front(), fmt::format("{} files", paths.size()),
                         "it refused them together and none of them alone", all.report);
      }
    }
    for (std::size_t i = 0; i < paths.size(); ++i) {
      const auto& subject = subjects[first + i];
      collector.add(subject, to_result(subject, answers[i].code, answers[i].report, answers[i].discarded));
      progress->advance(subject.length);
    }
  });
}

ScanRun Scanner::scan_stored(const std::vector<ScanSubject>& subjects, const store::BlobStore& blobs,
                             const std::filesystem::path& scratch, store::ScanResults& results, Memory memory,
                             const base::Clock& clock) const {
  if (!m_settings.has_files_form()) {
    const auto locate = [&blobs](const ScanSubject& subject) -> std::optional<bundle::BlobLocation> {
      auto slice = blobs.open(subject.sha256);
      if (!slice) {
        return std::nullopt;
      }
      const auto length = slice->length;
      return bundle::BlobLocation{.extents = {{std::move(slice->fd), "the store", slice->offset, length}},
                                  .length = length};
    };
    return scan_streams(subjects, locate, results, memory, clock);
  }
  Collector collector(*this, results, clock);
  std::vector<ScanSubject> open;
  for (const auto& subject : subjects) {
    const auto known = memory == Memory::use ? results.find(subject.sha256, m_name.id) : std::nullopt;
    if (known) {
      collector.recall(subject, *known);
    } else {
      open.push_back(subject);
    }
  }
  if (open.empty()) {
    return collector.take(subjects);
  }
  run_batches(open, blobs, scratch, collector);
  std::error_code ignored;
  std::filesystem::remove(scratch, ignored);  // when nobody else uses it
  return collector.take(subjects);
}

std::string scan_excerpt(const ScanResult& result) {
  const auto text = base::trim(result.report);
  return text.empty() ? "it said nothing" : base::printable(text, k_excerpt);
}

}  // namespace airlock::workflow
