#include "mirror/wants.hpp"

#include <cstdio>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/sqlite.hpp"
#include "base/text.hpp"
#include "mirror/mirror_db.hpp"

namespace airlock::mirror {

namespace {

constexpr std::size_t k_longest_name = 1024;  // bytes
constexpr std::int64_t k_most_names = 100'000;
constexpr std::size_t k_most_pending = 10'000;  // names between two writes

void forget_rarest(base::Database& database) {
  base::Statement count = database.prepare("SELECT count(*) FROM wants");
  const std::int64_t names = count.step() ? count.number(0) : 0;
  count.reset();
  if (names > k_most_names) {
    database
        .prepare("DELETE FROM wants WHERE (ecosystem, name) IN (SELECT ecosystem, name FROM wants ORDER BY count, last "
                 "LIMIT ?)")
        .bind(1, names - k_most_names)
        .run();
  }
}

}  // namespace

std::vector<Want> read_wants(const std::filesystem::path& home) {
  std::vector<Want> result;
  if (!std::filesystem::exists(mirror_db_path(home))) {
    return result;
  }
  const base::Database database(mirror_db_path(home), base::DatabaseMode::read_only);
  base::Statement rows =
      database.prepare("SELECT ecosystem, name, count, first, last FROM wants ORDER BY ecosystem, name");
  while (rows.step()) {
    result.push_back({rows.text(0), rows.text(1), static_cast<std::uint64_t>(rows.number(2)),
                      base::parse_rfc3339(rows.text(3)), base::parse_rfc3339(rows.text(4))});
  }
  return result;
}

WantsRecorder::WantsRecorder(std::filesystem::path home, const base::Clock& clock, OnError on_error)
    : m_home(std::move(home)), m_clock(clock), m_on_error(std::move(on_error)), m_writer([this] { write_pending(); }) {}

void WantsRecorder::record(std::string_view ecosystem, std::string_view name) {
  try {
    if (name.empty() || name.size() > k_longest_name || base::printable(name, 2 * k_longest_name) != name) {
      return;
    }
    const base::Time now = m_clock.now();
    const std::lock_guard lock(m_mutex);
    const auto key = std::pair(std::string(ecosystem), std::string(name));
    auto found = m_pending.find(key);
    if (found == m_pending.end()) {
      if (m_pending.size() >= k_most_pending) {
        return;
      }
      found = m_pending.emplace(key, Pending{0, now, now}).first;
    }
    ++found->second.count;
    found->second.last = now;
  } catch (const std::exception&) {
    // Memory ran out: the client's answer matters more than this note.
  }
}

void WantsRecorder::write_pending() {
  Batch batch;
  {
    const std::lock_guard lock(m_mutex);
    batch.swap(m_pending);
  }
  if (!batch.empty()) {
    write(batch);
  }
}

void WantsRecorder::write(const Batch& batch) {
  try {
    base::Database database = open_mirror_db(m_home);
    base::Transaction transaction(database);
    {
      base::Statement update =
          database.prepare("UPDATE wants SET count = count + ?, last = ? WHERE ecosystem = ? AND name = ?");
      base::Statement insert =
          database.prepare("INSERT INTO wants (ecosystem, name, count, first, last) VALUES (?, ?, ?, ?, ?)");
      for (const auto& [key, pending] : batch) {
        const auto requests = static_cast<std::int64_t>(pending.count);
        const std::string last = base::to_rfc3339(pending.last);
        update.bind(1, requests).bind(2, last).bind(3, key.first).bind(4, key.second).run();
        if (database.changes() == 0) {
          const std::string first = base::to_rfc3339(pending.first);
          insert.bind(1, key.first).bind(2, key.second).bind(3, requests).bind(4, first).bind(5, last).run();
        }
      }
      forget_rarest(database);
    }
    transaction.commit();
    m_failed = false;
  } catch (const std::exception& error) {
    if (!m_failed && m_on_error) {
      m_on_error(fmt::format("what clients missed could not be noted: {}", error.what()));
    }
    m_failed = true;
  }
}

}  // namespace airlock::mirror
