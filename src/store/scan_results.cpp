#include "store/scan_results.hpp"

#include <array>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/sqlite.hpp"
#include "store/row_columns.hpp"

namespace airlock::store {

using base::Digest;

namespace {

constexpr std::array<std::string_view, 1> k_steps = {
    "CREATE TABLE scanners (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, text TEXT NOT NULL, "
    "  first INTEGER NOT NULL, last INTEGER NOT NULL);"
    "CREATE TABLE results (sha256 BLOB NOT NULL, scanner INTEGER NOT NULL REFERENCES scanners, "
    "  refused INTEGER NOT NULL, report TEXT NOT NULL, discarded INTEGER NOT NULL, time INTEGER NOT NULL, "
    "  PRIMARY KEY (sha256, scanner)) WITHOUT ROWID;"
    "CREATE INDEX refused_by ON results (scanner, sha256) WHERE refused=1;"};

constexpr std::string_view k_result_columns = "r.sha256, r.refused, r.report, r.discarded, r.time";

ScanResult read_result(const base::Statement& query) {
  return {.sha256 = read_digest(query, 0),
          .verdict = query.number(1) != 0 ? ScanVerdict::refused : ScanVerdict::clean,
          .report = query.text(2),
          .discarded = static_cast<std::uint64_t>(query.number(3)),
          .time = time_at(query, 4)};
}

base::Database open_results(const std::filesystem::path& home) {
  base::make_directories(home, 0700);
  base::Database database(home / "scans.db", base::DatabaseMode::read_write);
  database.migrate(k_steps);
  return database;
}

}  // namespace

struct ScanResults::Impl {
  explicit Impl(const std::filesystem::path& home)
      : database(open_results(home)),
        one_result(database.prepare(std::string("SELECT ") + std::string(k_result_columns) +
                                    " FROM results r JOIN scanners s ON s.number=r.scanner "
                                    "WHERE r.sha256=? AND s.id=?")) {}

  // 0: it never spoke here.
  std::int64_t number_of(std::string_view scanner) {
    auto query = database.prepare("SELECT number FROM scanners WHERE id=?");
    query.bind(1, scanner);
    return query.step() ? query.number(0) : 0;
  }

  base::Database database;
  base::Statement one_result;  // kept: it is asked for every blob of an import
};

ScanResults::ScanResults(const std::filesystem::path& home) : m_impl(std::make_unique<Impl>(home)) {}
ScanResults::~ScanResults() = default;

std::optional<ScanResult> ScanResults::find(const Digest& sha256, std::string_view scanner) const {
  base::RunningStatement query(m_impl->one_result);
  bind_digest(*query, 1, sha256);
  query->bind(2, scanner);
  return query->step() ? std::optional(read_result(*query)) : std::nullopt;
}

std::set<Digest> ScanResults::refused_by(std::string_view scanner) const {
  std::set<Digest> refused;
  auto query = m_impl->database.prepare("SELECT sha256 FROM results WHERE scanner=? AND refused=1");
  query.bind(1, m_impl->number_of(scanner));
  while (query.step()) {
    refused.insert(read_digest(query, 0));
  }
  return refused;
}

void ScanResults::add(const ScannerName& scanner, const std::vector<ScanResult>& results) {
  if (results.empty()) {
    return;
  }
  base::Transaction change(m_impl->database);
  base::Time last = results.front().time;
  for (const auto& result : results) {
    last = std::max(last, result.time);
  }
  m_impl->database
      .prepare("INSERT INTO scanners (id, text, first, last) VALUES (?,?,?,?) "
               "ON CONFLICT (id) DO UPDATE SET text=excluded.text, last=max(last, excluded.last)")
      .bind(1, std::string_view(scanner.id))
      .bind(2, std::string_view(scanner.text))
      .bind(3, seconds_of(last))
      .bind(4, seconds_of(last))
      .run();
  const auto number = m_impl->number_of(scanner.id);
  auto insert = m_impl->database.prepare(
      "REPLACE INTO results (sha256, scanner, refused, report, discarded, time) VALUES (?,?,?,?,?,?)");
  for (const auto& result : results) {
    bind_digest(insert, 1, result.sha256);
    insert.bind(2, number)
        .bind(3, std::int64_t{result.verdict == ScanVerdict::refused ? 1 : 0})
        .bind(4, std::string_view(result.report))
        .bind(5, to_integer(result.discarded))
        .bind(6, seconds_of(result.time))
        .run();
  }
  change.commit();
}

std::vector<ScanResults::Said> ScanResults::of(const Digest& sha256) const {
  std::vector<Said> said;
  auto query = m_impl->database.prepare(std::string("SELECT ") + std::string(k_result_columns) +
                                        ", s.text FROM results r JOIN scanners s ON s.number=r.scanner "
                                        "WHERE r.sha256=? ORDER BY r.time DESC, s.number DESC");
  bind_digest(query, 1, sha256);
  while (query.step()) {
    said.push_back({.scanner = query.text(5), .result = read_result(query)});
  }
  return said;
}

std::vector<ScanResults::Summary> ScanResults::scanners() const {
  std::vector<Summary> all;
  auto query = m_impl->database.prepare(
      "SELECT s.id, s.text, s.first, s.last, count(r.sha256), coalesce(sum(r.refused),0) FROM scanners s "
      "LEFT JOIN results r ON r.scanner=s.number GROUP BY s.number ORDER BY s.last DESC, s.number DESC");
  while (query.step()) {
    const auto count = static_cast<std::uint64_t>(query.number(4));
    const auto refused = static_cast<std::uint64_t>(query.number(5));
    all.push_back({.scanner = {.id = query.text(0), .text = query.text(1)},
                   .first = time_at(query, 2),
                   .last = time_at(query, 3),
                   .clean = count - refused,
                   .refused = refused});
  }
  return all;
}

}  // namespace airlock::store
