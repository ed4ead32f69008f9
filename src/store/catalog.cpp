#include "store/catalog.hpp"

#include <charconv>
#include <mutex>
#include <string>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/sqlite.hpp"
#include "base/text.hpp"
#include "store/catalog_files.hpp"
#include "store/row_columns.hpp"

namespace airlock::store {

namespace fs = std::filesystem;
using base::Digest;
using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_idle_connections = 64;

std::string select_sql(std::string_view condition) {
  return fmt::format("SELECT {}, channel, generation, reason FROM files WHERE {}", k_row_columns, condition);
}

CatalogRow read_catalog_row(const base::Statement& statement) {
  CatalogRow row;
  read_row(statement, 0, row);
  row.channel = statement.text(k_row_column_count);
  row.generation = static_cast<std::uint64_t>(statement.number(k_row_column_count + 1));
  row.reason = statement.text(k_row_column_count + 2);
  return row;
}

// One reader's view of the file: SQLite connections may not be shared by threads at work.
struct Connection {
  explicit Connection(const fs::path& file)
      : database(file, base::DatabaseMode::immutable), find(database.prepare(select_sql("ecosystem=? AND path=?"))),
        list_from(database.prepare(select_sql("ecosystem=? AND path>=? ORDER BY path"))),
        list_after(database.prepare(select_sql("ecosystem=? AND path>? ORDER BY path"))),
        find_digest(database.prepare(select_sql("sha256=? ORDER BY ecosystem, path"))),
        alias(database.prepare("SELECT sha256 FROM aliases WHERE other=?")),
        count(database.prepare("SELECT rows FROM counts WHERE ecosystem=?")) {}

  base::Database database;
  base::Statement find, list_from, list_after, find_digest, alias, count;
};

std::string info_value(const base::Database& database, std::string_view key) {
  base::Statement statement = database.prepare("SELECT value FROM info WHERE key=?");
  statement.bind(1, key);
  return statement.step() ? statement.text(0) : std::string();
}

}  // namespace

std::string why_withheld(const CatalogRow& row) {
  return row.reason.empty() ? "was refused on this side" : "is " + row.reason;
}

struct Catalog::Impl {
  explicit Impl(fs::path the_file) : file(std::move(the_file)) {
    auto first = std::make_unique<Connection>(file);
    const std::string format = info_value(first->database, "format");
    if (format != std::to_string(k_catalog_format)) {
      throw Error(ErrorCode::unsupported, fmt::format("{} has catalog format '{}', this airlock reads {}",
                                                      file.string(), format, k_catalog_format))
          .with_hint("activate a generation again with this airlock; that writes the catalog anew");
    }
    const std::string text = info_value(first->database, "number");
    std::from_chars(text.data(), text.data() + text.size(), number);
    idle.push_back(std::move(first));
  }

  class Lease {  // a connection for as long as one call needs it
   public:
    explicit Lease(Impl& impl) : m_impl(impl) {
      {
        const std::scoped_lock lock(m_impl.mutex);
        if (!m_impl.idle.empty()) {
          m_connection = std::move(m_impl.idle.back());
          m_impl.idle.pop_back();
        }
      }
      if (!m_connection) {
        m_connection = std::make_unique<Connection>(m_impl.file);
      }
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() {
      const std::scoped_lock lock(m_impl.mutex);
      if (m_impl.idle.size() < k_idle_connections) {
        m_impl.idle.push_back(std::move(m_connection));
      }
    }
    Connection* operator->() { return m_connection.get(); }

   private:
    Impl& m_impl;
    std::unique_ptr<Connection> m_connection;
  };

  fs::path file;
  std::uint64_t number = 0;
  std::mutex mutex;
  std::vector<std::unique_ptr<Connection>> idle;
};

Catalog::Catalog(std::unique_ptr<Impl> impl) : m_impl(std::move(impl)) {}
Catalog::~Catalog() = default;

std::shared_ptr<const Catalog> Catalog::open(const fs::path& file) {
  return std::shared_ptr<const Catalog>(new Catalog(std::make_unique<Impl>(file)));
}

std::shared_ptr<const Catalog> Catalog::open_current(const fs::path& home) {
  // A switch may remove the file between reading its number and opening it; then the number has changed too.
  for (int attempt = 0;; ++attempt) {
    const std::uint64_t number = current_catalog_number(home);
    if (number == 0) {
      return nullptr;
    }
    try {
      return open(catalog_file(home, number));
    } catch (Error& error) {
      if (attempt >= 3 || current_catalog_number(home) == number) {
        error.with_context(fmt::format("while opening catalog {} of {}", number, home.string()));
        throw;
      }
    }
  }
}

std::uint64_t Catalog::number() const {
  return m_impl->number;
}

std::optional<CatalogRow> Catalog::find(std::string_view ecosystem, std::string_view path) const {
  Impl::Lease connection(*m_impl);
  base::RunningStatement statement(connection->find);
  statement->bind(1, ecosystem).bind(2, path);
  if (!statement->step()) {
    return std::nullopt;
  }
  return read_catalog_row(*statement);
}

std::vector<CatalogRow> Catalog::list(std::string_view ecosystem, std::string_view prefix, std::string_view after,
                                      std::size_t limit) const {
  Impl::Lease connection(*m_impl);
  const bool from_after = !after.empty() && after >= prefix;
  base::RunningStatement statement(from_after ? connection->list_after : connection->list_from);
  statement->bind(1, ecosystem).bind(2, from_after ? after : prefix);
  std::vector<CatalogRow> rows;
  while (rows.size() < limit && statement->step()) {
    CatalogRow row = read_catalog_row(*statement);
    if (!row.path.starts_with(prefix)) {
      break;  // paths are in order, so no more follow
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

void Catalog::for_each(std::string_view ecosystem, const std::function<bool(const CatalogRow&)>& visit) const {
  Impl::Lease connection(*m_impl);
  base::RunningStatement statement(connection->list_from);
  statement->bind(1, ecosystem).bind(2, std::string_view(""));
  while (statement->step()) {
    if (!visit(read_catalog_row(*statement))) {
      return;
    }
  }
}

std::optional<Digest> Catalog::alias(const Digest& other) const {
  Impl::Lease connection(*m_impl);
  base::RunningStatement statement(connection->alias);
  statement->bind(1, std::string_view(other.to_string()));
  if (!statement->step()) {
    return std::nullopt;
  }
  return read_digest(*statement, 0);
}

std::vector<CatalogRow> Catalog::find_digest(const Digest& sha256) const {
  Impl::Lease connection(*m_impl);
  base::RunningStatement statement(connection->find_digest);
  bind_digest(*statement, 1, sha256);
  std::vector<CatalogRow> rows;
  while (statement->step()) {
    rows.push_back(read_catalog_row(*statement));
  }
  return rows;
}

std::uint64_t Catalog::row_count(std::string_view ecosystem) const {
  Impl::Lease connection(*m_impl);
  base::RunningStatement statement(connection->count);
  statement->bind(1, ecosystem);
  return statement->step() ? static_cast<std::uint64_t>(statement->number(0)) : 0;
}

std::optional<CatalogRow> find_withheld(const Catalog& catalog, std::string_view ecosystem, std::string_view prefix) {
  for (CatalogRow& row : catalog.list(ecosystem, prefix)) {
    if (row.kind == model::Kind::withheld) {
      return std::move(row);
    }
  }
  return std::nullopt;
}

std::uint64_t current_catalog_number(const fs::path& home) {
  const auto text = base::read_file_if_exists(current_file(home), 64);
  if (!text) {
    return 0;
  }
  const std::string_view digits = base::trim(*text);
  std::uint64_t number = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (failure != std::errc() || end != digits.data() + digits.size() || number == 0) {
    throw Error(ErrorCode::malformed,
                fmt::format("{} does not hold the number of a catalog", current_file(home).string()))
        .with_hint("run `airlock store activate` with the generation that is to be served");
  }
  return number;
}

struct CurrentCatalog::Impl {
  fs::path home;
  std::mutex mutex;
  std::shared_ptr<const Catalog> catalog;
};

CurrentCatalog::CurrentCatalog(fs::path home) : m_impl(std::make_unique<Impl>()) {
  m_impl->home = std::move(home);
}
CurrentCatalog::~CurrentCatalog() = default;

std::shared_ptr<const Catalog> CurrentCatalog::get() const {
  // The number is read each time: a few system calls, and no clock or watch that could be wrong.
  const std::uint64_t number = current_catalog_number(m_impl->home);
  const std::scoped_lock lock(m_impl->mutex);
  if (number == 0) {
    m_impl->catalog = nullptr;
  } else if (!m_impl->catalog || m_impl->catalog->number() != number) {
    m_impl->catalog = Catalog::open_current(m_impl->home);
  }
  return m_impl->catalog;
}

}  // namespace airlock::store
