#include "mirror/fetches.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/sqlite.hpp"
#include "base/text.hpp"
#include "mirror/mirror_db.hpp"

namespace airlock::mirror {

namespace {

constexpr std::size_t k_most_pending_pairs = 20'000;  // pairs of blob and client between two writes
constexpr std::size_t k_longest_path = 300;           // bytes
constexpr std::chrono::hours k_prune_every{1};
constexpr std::int64_t k_schema_with_fetches = 2;

std::int64_t seconds(base::Time time) {
  return std::int64_t{time.time_since_epoch().count()};
}

std::int64_t schema_of(const base::Database& database) {
  base::Statement query = database.prepare("PRAGMA user_version");
  query.step();
  return query.number(0);
}

std::span<const std::byte> raw(const base::Digest& digest) {
  return std::as_bytes(digest.bytes());
}

// What no longer counts, and the oldest beyond the limit with a tenth more, so that this is seldom needed.
void prune(base::Database& database, const FetchLimits& limits, base::Time now) {
  database.prepare("DELETE FROM fetches WHERE last < ?").bind(1, seconds(now - limits.keep)).run();
  base::Statement count = database.prepare("SELECT count(*) FROM fetches");
  count.step();
  const auto rows = static_cast<std::uint64_t>(count.number(0));
  if (rows <= limits.most_rows) {
    return;
  }
  const auto surplus = rows - limits.most_rows + limits.most_rows / 10;
  database
      .prepare("DELETE FROM fetches WHERE (sha256, client) IN "
               "(SELECT sha256, client FROM fetches ORDER BY last LIMIT ?)")
      .bind(1, static_cast<std::int64_t>(surplus))
      .run();
}

}  // namespace

std::vector<Fetch> read_fetches(const std::filesystem::path& home, const base::Digest& sha256) {
  std::vector<Fetch> result;
  if (!std::filesystem::exists(mirror_db_path(home))) {
    return result;
  }
  const base::Database database(mirror_db_path(home), base::DatabaseMode::read_only);
  if (schema_of(database) < k_schema_with_fetches) {
    return result;
  }
  base::Statement rows = database.prepare(
      "SELECT client, path, count, first, last FROM fetches WHERE sha256=? ORDER BY last DESC, client");
  rows.bind_blob(1, raw(sha256));
  while (rows.step()) {
    result.push_back({.sha256 = sha256,
                      .client = rows.text(0),
                      .path = rows.text(1),
                      .count = static_cast<std::uint64_t>(rows.number(2)),
                      .first = base::Time(std::chrono::seconds(rows.number(3))),
                      .last = base::Time(std::chrono::seconds(rows.number(4)))});
  }
  return result;
}

FetchRecorder::FetchRecorder(std::filesystem::path home, FetchLimits limits, const base::Clock& clock, OnError on_error)
    : m_home(std::move(home)), m_limits(limits), m_clock(clock), m_on_error(std::move(on_error)),
      m_writer([this] { write_pending(); }) {}

void FetchRecorder::record(const http::ServerRequest& request, const http::ServerResponse& response) {
  // Registries give a digest with its algorithm as the entity tag.
  const std::string_view tag = response.entity_tag;
  const std::string_view hex = tag.starts_with("sha256:") ? tag.substr(7) : tag;
  if (m_limits.keep.count() == 0 || request.method != "GET" || response.status != 200 ||
      !std::holds_alternative<base::FileSlice>(response.body) || !base::Digest::is_sha256_hex(hex)) {
    return;
  }
  try {
    const base::Time now = m_clock.now();
    std::string path = base::printable(request.target.substr(0, request.target.find('?')), k_longest_path);
    const std::lock_guard lock(m_mutex);
    auto key = std::pair(std::string(hex), request.peer);
    auto found = m_pending.find(key);
    if (found == m_pending.end()) {
      if (m_pending.size() >= k_most_pending_pairs) {
        return;
      }
      found = m_pending.emplace(std::move(key), Pending{.path = {}, .count = 0, .first = now, .last = now}).first;
    }
    found->second.path = std::move(path);
    ++found->second.count;
    found->second.last = now;
  } catch (const std::exception&) {
    // Memory ran out: the client's answer matters more than this note.
  }
}

void FetchRecorder::write_pending() {
  Batch batch;
  {
    const std::lock_guard lock(m_mutex);
    batch.swap(m_pending);
  }
  if (!batch.empty()) {
    write(batch);
  }
}

void FetchRecorder::write(const Batch& batch) {
  try {
    base::Database database = open_mirror_db(m_home);
    base::Transaction transaction(database);
    {
      base::Statement add = database.prepare(
          "INSERT INTO fetches (sha256, client, path, count, first, last) VALUES (?, ?, ?, ?, ?, ?) "
          "ON CONFLICT (sha256, client) DO UPDATE SET path = excluded.path, count = count + excluded.count, "
          "last = excluded.last");
      for (const auto& [key, pending] : batch) {
        add.bind_blob(1, raw(base::Digest::parse_sha256_hex(key.first)))
            .bind(2, std::string_view(key.second))
            .bind(3, std::string_view(pending.path))
            .bind(4, static_cast<std::int64_t>(pending.count))
            .bind(5, seconds(pending.first))
            .bind(6, seconds(pending.last))
            .run();
      }
    }
    if (const auto now = m_clock.now(); now - m_pruned >= k_prune_every) {
      prune(database, m_limits, now);
      m_pruned = now;
    }
    transaction.commit();
    m_failed = false;
  } catch (const std::exception& error) {
    if (!m_failed && m_on_error) {
      m_on_error(fmt::format("who fetched what cannot be recorded: {}", error.what()));
    }
    m_failed = true;
  }
}

}  // namespace airlock::mirror
