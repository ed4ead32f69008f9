#include "control/log_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "control/wire_checks.hpp"

namespace airlock::control {

namespace fs = std::filesystem;

namespace {

// Where a line ends in the text file, and when it was written. Little-endian; both files are of this machine.
struct IndexRecord {
  std::uint64_t end = 0;  // bytes
  std::int64_t time = 0;  // milliseconds since the epoch
};
static_assert(sizeof(IndexRecord) == 16);

fs::path text_file(const fs::path& folder, std::uint64_t step) {
  return folder / fmt::format("{}.log", step);
}

fs::path index_file(const fs::path& folder, std::uint64_t step) {
  return folder / fmt::format("{}.index", step);
}

fs::path truncation_mark(const fs::path& folder) {
  return folder / "truncated";
}

std::uint64_t size_of(const fs::path& path) {
  struct stat about = {};
  return ::stat(path.c_str(), &about) == 0 ? static_cast<std::uint64_t>(about.st_size) : 0;
}

base::Fd open_to_append(const fs::path& path) {
  base::Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) {
    throw base::system_error(errno, fmt::format("cannot open the log file {}", path.string()));
  }
  return fd;
}

IndexRecord read_record(int fd, std::uint64_t number, std::string_view name) {
  IndexRecord record;
  base::pread_exact(fd, std::as_writable_bytes(std::span(&record, 1)), number * sizeof(IndexRecord), name);
  return record;
}

// One step's two files, open to append. A write that was cut off by a kill is dropped here: the index decides.
struct OpenStep {
  base::Fd text, index;
  std::uint64_t lines = 0;
  std::uint64_t bytes = 0;

  OpenStep(const fs::path& folder, std::uint64_t step)
      : text(open_to_append(text_file(folder, step))), index(open_to_append(index_file(folder, step))) {
    const std::uint64_t length = base::file_size(text.get(), "a log");
    lines = base::file_size(index.get(), "a log's index") / sizeof(IndexRecord);
    while (lines > 0) {
      bytes = read_record(index.get(), lines - 1, "a log's index").end;
      if (bytes <= length) {
        break;
      }
      --lines;
    }
    if (lines == 0) {
      bytes = 0;
    }
    drop_behind(text.get(), bytes, length);
    drop_behind(index.get(), lines * sizeof(IndexRecord), base::file_size(index.get(), "a log's index"));
  }

  static void drop_behind(int fd, std::uint64_t wanted, std::uint64_t length) {
    if (length > wanted && ::ftruncate(fd, static_cast<off_t>(wanted)) != 0) {
      throw base::system_error(errno, "cannot cut a log back to its last whole line");
    }
  }

  void append(const std::vector<LogLine>& added) {
    if (added.empty()) {
      return;
    }
    std::string content;
    std::vector<IndexRecord> records;
    records.reserve(added.size());
    for (const LogLine& line : added) {
      content += line.text;
      records.push_back({bytes + content.size(), line.time.time_since_epoch().count()});
    }
    base::pwrite_all(text.get(), base::as_bytes(content), bytes, "a log");
    base::pwrite_all(index.get(), std::as_bytes(std::span(records)), lines * sizeof(IndexRecord), "a log's index");
    bytes += content.size();
    lines += added.size();
  }
};

}  // namespace

LogStore::LogStore(fs::path root, LogLimits limits) : m_root(std::move(root)), m_limits(limits) {}

fs::path LogStore::folder(const LogName& log) const {
  if (!is_deployment_id(log.deployment)) {  // a database that came back from a backup can say anything
    throw base::Error(base::ErrorCode::tampered,
                      fmt::format("'{}' is no id of a deployment", base::printable(log.deployment, 100)));
  }
  return m_root / log.deployment.substr(0, 2) / log.deployment / fmt::format("{}", log.job);
}

LogStore::Totals LogStore::totals(const LogName& log) const {
  Totals totals;
  const fs::path place = folder(log);
  totals.truncated = fs::exists(truncation_mark(place));
  for (const auto& entry : fs::directory_iterator(place)) {
    if (entry.path().extension() == ".index") {
      totals.lines += entry.file_size() / sizeof(IndexRecord);
    } else if (entry.path().extension() == ".log") {
      totals.bytes += entry.file_size();
    }
  }
  return totals;
}

LogStore::Appended LogStore::append(const LogName& log, const LogAppend& piece) {
  std::mutex& mutex = m_appending[std::hash<std::string>()(log.deployment) % m_appending.size()];
  const std::lock_guard lock(mutex);
  const fs::path place = folder(log);
  base::make_directories(place, 0700);
  Totals before = totals(log);
  OpenStep step(place, piece.step);
  Appended result;
  result.answer.truncated = before.truncated;
  if (before.truncated) {
    result.answer.next = std::max(step.lines, piece.offset + piece.lines.size());
    return result;
  }
  result.answer.next = step.lines;
  if (piece.offset > step.lines) {
    result.gap = true;
    return result;
  }
  std::vector<LogLine> added;
  for (std::size_t at = step.lines - piece.offset; at < piece.lines.size(); ++at) {
    const LogLine& line = piece.lines[at];
    before.bytes += line.text.size();
    before.lines += 1;
    if (before.bytes > m_limits.bytes || before.lines > m_limits.lines) {
      added.push_back({line.time, fmt::format("[the log ends here: it reached the limit of {} or {} lines]\n",
                                              base::format_bytes(m_limits.bytes), m_limits.lines)});
      result.answer.truncated = true;
      break;
    }
    added.push_back(line);
  }
  step.append(added);
  result.answer.next = step.lines;
  if (result.answer.truncated) {
    // Last, so that the notice is there whenever the mark is.
    base::write_file_atomic(truncation_mark(place), "", 0600);
    result.answer.next = piece.offset + piece.lines.size();
  }
  return result;
}

std::uint64_t LogStore::lines(const LogName& log, std::uint64_t step) const {
  return size_of(index_file(folder(log), step)) / sizeof(IndexRecord);
}

bool LogStore::truncated(const LogName& log) const {
  return fs::exists(truncation_mark(folder(log)));
}

std::vector<LogLine> LogStore::read(const LogName& log, std::uint64_t step, std::uint64_t offset, std::uint64_t count,
                                    std::uint64_t bytes) const {
  std::vector<LogLine> result;
  const fs::path place = folder(log);
  if (size_of(index_file(place, step)) == 0) {
    return result;
  }
  const base::Fd index = base::open_for_reading(index_file(place, step), base::FollowLinks::no);
  const base::Fd text = base::open_for_reading(text_file(place, step), base::FollowLinks::no);
  const std::uint64_t there = base::file_size(index.get(), "a log's index") / sizeof(IndexRecord);
  if (offset >= there) {
    return result;
  }
  std::vector<IndexRecord> records(std::min(count, there - offset));
  base::pread_exact(index.get(), std::as_writable_bytes(std::span(records)), offset * sizeof(IndexRecord),
                    "a log's index");
  const std::uint64_t begin = offset == 0 ? 0 : read_record(index.get(), offset - 1, "a log's index").end;
  std::size_t taken = 0;
  while (taken < records.size() && (taken == 0 || records[taken].end - begin <= bytes)) {
    ++taken;
  }
  records.resize(taken);
  if (records.empty() || records.back().end < begin) {
    return result;
  }
  std::string content(records.back().end - begin, '\0');
  base::pread_exact(text.get(), std::as_writable_bytes(std::span(content)), begin, "a log");
  std::uint64_t from = begin;
  for (const IndexRecord& record : records) {
    if (record.end < from || record.end > records.back().end) {
      throw base::Error(base::ErrorCode::io, fmt::format("the index of a log in {} is damaged", place.string()));
    }
    result.push_back(
        {UnixMillis(std::chrono::milliseconds(record.time)), content.substr(from - begin, record.end - from)});
    from = record.end;
  }
  return result;
}

void LogStore::sync(const LogName& log) const {
  const fs::path place = folder(log);
  if (!fs::exists(place)) {
    return;
  }
  for (const auto& entry : fs::directory_iterator(place)) {
    const base::Fd fd = base::open_for_reading(entry.path(), base::FollowLinks::no);
    base::sync_file(fd.get(), entry.path().string());
  }
  base::sync_directory(place);
}

}  // namespace airlock::control
