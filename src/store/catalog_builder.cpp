// The writing side of the catalog.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/sqlite.hpp"
#include "base/text.hpp"
#include "store/catalog.hpp"
#include "store/catalog_files.hpp"
#include "store/channel_name.hpp"
#include "store/row_columns.hpp"

namespace airlock::store {

namespace fs = std::filesystem;
using base::Digest;
using base::Error;
using base::ErrorCode;
using model::Kind;

namespace {

// Readers that still hold an older catalog keep it through their descriptor; the files are kept for those that read
// `current` just before a switch, and for a look back.
constexpr std::size_t k_catalogs_kept = 3;

constexpr std::size_t k_shared_names_kept = 1000;  // of those that two channels have

std::string schema() {
  return fmt::format("CREATE TABLE files ({}, channel TEXT NOT NULL, generation INTEGER NOT NULL, "
                     "reason TEXT NOT NULL, PRIMARY KEY (ecosystem, path)) WITHOUT ROWID;"
                     "CREATE TABLE aliases (other TEXT PRIMARY KEY, sha256 BLOB NOT NULL) WITHOUT ROWID;"
                     "CREATE TABLE counts (ecosystem TEXT PRIMARY KEY, rows INTEGER NOT NULL) WITHOUT ROWID;"
                     "CREATE TABLE info (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;",
                     k_row_definition);
}

std::string insert_sql(std::string_view verb) {
  return fmt::format("{} INTO files ({}, channel, generation, reason) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)", verb,
                     k_row_columns);
}

// Which of two rows of one path is served, or neither.
enum class Choice { keep, replace, contradiction };

Choice choose(const CatalogRow& here, const CatalogRow& added) {
  if (here.kind == Kind::known || added.kind == Kind::known) {
    return here.kind == Kind::known ? Choice::replace : Choice::keep;
  }
  if (here.kind == Kind::tag && added.kind == Kind::tag) {
    return Choice::replace;
  }
  // What is not served means nothing, so other content of that path does not contradict it.
  if (here.sha256 != added.sha256 && (here.kind == Kind::withheld || added.kind == Kind::withheld)) {
    return here.kind == Kind::withheld ? Choice::replace : Choice::keep;
  }
  if (here.sha256 != added.sha256) {
    return Choice::contradiction;
  }
  return here.kind == Kind::withheld ? Choice::keep : Choice::replace;
}

}  // namespace

struct CatalogBuilder::Impl {
  Impl(fs::path the_home, std::uint64_t the_number)
      : home(std::move(the_home)), number(the_number), working(catalog_file(home, number).string() + ".new") {}

  fs::path home;
  std::uint64_t number;
  fs::path working;
  std::optional<base::Database> database;
  std::optional<base::Transaction> transaction;
  std::optional<base::Statement> insert, replace, find, insert_alias;
  std::map<std::string, std::uint64_t, std::less<>> counts;
  bool prepared = false;
  std::uint64_t shared_count = 0;
  std::vector<SharedName> shared;
  std::map<std::uint64_t, std::string> producers;  // by generation

  // With the producer, where the other channel has the same name.
  std::string describe(const CatalogRow& row, const CatalogRow& other) const {
    const auto producer = producers.find(row.generation);
    return row.channel == other.channel && producer != producers.end() && !producer->second.empty()
               ? fmt::format("channel '{}' (producer {})", row.channel, producer->second.substr(0, k_producer_digits))
               : fmt::format("channel '{}'", row.channel);
  }

  void note_shared(const CatalogRow& here, const CatalogRow& added) {
    if (here.kind != Kind::tag || added.kind != Kind::tag || here.sha256 == added.sha256) {
      return;
    }
    ++shared_count;
    if (shared.size() < k_shared_names_kept) {
      shared.push_back({.ecosystem = added.ecosystem,
                        .path = added.path,
                        .served_from = added.channel,
                        .other = here.channel,
                        .served_producer = producers[added.generation],
                        .other_producer = producers[here.generation],
                        .served = added.sha256,
                        .hidden = here.sha256});
    }
  }

  void close() {
    insert.reset();
    replace.reset();
    find.reset();
    insert_alias.reset();
    transaction.reset();
    database.reset();
  }
};

CatalogBuilder::CatalogBuilder(fs::path home, std::uint64_t number)
    : m_impl(std::make_unique<Impl>(std::move(home), number)) {
  base::make_directories(catalog_folder(m_impl->home));
  std::error_code ignored;
  fs::remove(m_impl->working, ignored);  // left by a run that was killed
  m_impl->database.emplace(m_impl->working, base::DatabaseMode::bulk);
  m_impl->database->execute(schema());
  m_impl->transaction.emplace(*m_impl->database);
  m_impl->insert.emplace(m_impl->database->prepare(insert_sql("INSERT OR IGNORE")));
  m_impl->replace.emplace(m_impl->database->prepare(insert_sql("REPLACE")));
  m_impl->find.emplace(m_impl->database->prepare(
      fmt::format("SELECT {}, channel, generation FROM files WHERE ecosystem=? AND path=?", k_row_columns)));
  m_impl->insert_alias.emplace(
      m_impl->database->prepare("INSERT OR REPLACE INTO aliases (other, sha256) VALUES (?,?)"));
}

CatalogBuilder::~CatalogBuilder() {
  m_impl->close();
  if (!m_impl->prepared) {
    std::error_code ignored;
    fs::remove(m_impl->working, ignored);
  }
}

std::uint64_t CatalogBuilder::number() const {
  return m_impl->number;
}

std::uint64_t CatalogBuilder::shared_name_count() const {
  return m_impl->shared_count;
}

const std::vector<SharedName>& CatalogBuilder::shared_names() const {
  return m_impl->shared;
}

void CatalogBuilder::add(const CatalogRow& row) {
  m_impl->producers.try_emplace(row.generation, row.producer);
  const auto bind = [&](base::Statement& statement) -> base::Statement& {
    bind_row(statement, 1, row);
    return statement.bind(k_row_column_count + 1, std::string_view(row.channel))
        .bind(k_row_column_count + 2, to_integer(row.generation))
        .bind(k_row_column_count + 3, std::string_view(row.reason));
  };
  bind(*m_impl->insert).run();
  if (m_impl->database->changes() == 1) {
    ++m_impl->counts[row.ecosystem];
    return;
  }

  CatalogRow here;
  base::Statement& find = *m_impl->find;
  find.bind(1, std::string_view(row.ecosystem)).bind(2, std::string_view(row.path));
  if (!find.step()) {
    throw Error(ErrorCode::internal, fmt::format("catalog row '{}' was neither added nor found", row.path));
  }
  read_row(find, 0, here);
  here.channel = find.text(k_row_column_count);
  here.generation = static_cast<std::uint64_t>(find.number(k_row_column_count + 1));
  find.reset();

  switch (choose(here, row)) {
  case Choice::keep:
    return;
  case Choice::replace:
    m_impl->note_shared(here, row);
    bind(*m_impl->replace).run();
    return;
  case Choice::contradiction:
    throw Error(ErrorCode::untrusted,
                fmt::format("{} '{}' has different content in {} (generation {}, {}) and in {} (generation {}, {})",
                            row.ecosystem, row.path, m_impl->describe(here, row), here.generation,
                            here.sha256 ? here.sha256->to_string() : "no content", m_impl->describe(row, here),
                            row.generation, row.sha256 ? row.sha256->to_string() : "no content"))
        .with_hint(
            "a path that is fixed by a version or digest means one thing: call security, ask both producers which is "
            "right, and leave the other channel's generation inactive until then");
  }
}

void CatalogBuilder::add_alias(const Digest& other, const Digest& sha256) {
  m_impl->insert_alias->bind(1, std::string_view(other.to_string()));
  bind_digest(*m_impl->insert_alias, 2, sha256);
  m_impl->insert_alias->run();
}

void CatalogBuilder::prepare() {
  if (m_impl->prepared) {
    return;
  }
  base::Database& database = *m_impl->database;
  {
    base::Statement count = database.prepare("INSERT INTO counts (ecosystem, rows) VALUES (?,?)");
    for (const auto& [ecosystem, rows] : m_impl->counts) {
      count.bind(1, std::string_view(ecosystem)).bind(2, to_integer(rows)).run();
    }
    base::Statement info = database.prepare("INSERT INTO info (key, value) VALUES (?,?)");
    info.bind(1, std::string_view("format")).bind(2, std::string_view(std::to_string(k_catalog_format))).run();
    info.bind(1, std::string_view("number")).bind(2, std::string_view(std::to_string(m_impl->number))).run();
  }
  // After the rows, so that it is built by one sort.
  database.execute("CREATE INDEX files_by_digest ON files (sha256) WHERE sha256 IS NOT NULL");
  m_impl->transaction->commit();
  m_impl->close();

  const base::Fd file = base::open_for_reading(m_impl->working, base::FollowLinks::no);
  base::sync_file(file.get(), m_impl->working.string());
  const fs::path final_name = catalog_file(m_impl->home, m_impl->number);
  if (::rename(m_impl->working.c_str(), final_name.c_str()) != 0) {
    throw base::system_error(errno, fmt::format("cannot rename {}", m_impl->working.string()));
  }
  m_impl->prepared = true;
  base::sync_directory(catalog_folder(m_impl->home));
}

void CatalogBuilder::publish() {
  prepare();
  base::write_file_atomic(current_file(m_impl->home), std::to_string(m_impl->number) + "\n");

  std::vector<std::uint64_t> older;
  std::error_code failure;
  for (fs::directory_iterator it(catalog_folder(m_impl->home), failure), end; !failure && it != end;
       it.increment(failure)) {
    const fs::path& path = it->path();
    const std::string stem = path.stem().string();
    const bool plain = !stem.empty() && stem.size() < 19 && std::all_of(stem.begin(), stem.end(), base::is_digit);
    if (path.extension() == ".db" && plain && std::stoull(stem) != m_impl->number) {
      older.push_back(std::stoull(stem));
    } else if (path.extension() == ".new") {
      std::error_code ignored;
      fs::remove(path, ignored);
    }
  }
  // A file above the current number was prepared by a run that ended before its switch.
  std::sort(older.begin(), older.end(), [&](std::uint64_t a, std::uint64_t b) {
    return std::pair(a > m_impl->number, b) < std::pair(b > m_impl->number, a);
  });
  for (std::size_t i = 0; i < older.size(); ++i) {
    if (i + 1 >= k_catalogs_kept || older[i] > m_impl->number) {
      std::error_code ignored;  // an old catalog that stays costs space only
      fs::remove(catalog_file(m_impl->home, older[i]), ignored);
    }
  }
}

}  // namespace airlock::store
