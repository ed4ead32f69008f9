// StateDb: generations and their rows.
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "store/row_columns.hpp"
#include "store/state_db_impl.hpp"
#include "store/user_name.hpp"

namespace airlock::store {

using base::Error;
using base::ErrorCode;

namespace {

// Of the schema that knows when a generation was served, and what arrived.
constexpr std::int64_t k_last_active_step = 3;

// `rest`: what follows; a schema of before does not know when a generation was served.
std::string select_generation(std::int64_t step, std::string_view rest) {
  return fmt::format("SELECT g.id, c.producer, c.channel, g.serial, g.bundle_id, g.created, g.imported, g.active, "
                     "g.head_digest, g.artifacts, g.rows, g.bytes, {}, "
                     "EXISTS (SELECT 1 FROM settings s WHERE s.key = 'unproven/' || g.id) FROM generations g "
                     "JOIN channels c ON c.id = g.channel {}",
                     step >= k_last_active_step ? "g.last_active" : "0", rest);
}

std::string unproven_key(std::uint64_t generation) {
  return fmt::format("unproven/{}", generation);
}

std::string out_of_service_key(const ChannelKey& channel) {
  return fmt::format("out-of-service/{}/{}", channel.producer, channel.channel);
}

std::uint64_t number_at(const base::Statement& query, int column) {
  return static_cast<std::uint64_t>(query.number(column));
}

Generation read_generation(const base::Statement& query) {
  Generation generation;
  generation.id = number_at(query, 0);
  generation.channel = {.producer = query.text(1), .channel = query.text(2)};
  generation.serial = number_at(query, 3);
  generation.bundle_id = query.text(4);
  generation.created = base::Time(std::chrono::seconds(query.number(5)));
  generation.imported = base::Time(std::chrono::seconds(query.number(6)));
  generation.active = query.number(7) != 0;
  generation.head_digest = query.text(8);
  generation.artifacts = number_at(query, 9);
  generation.rows = number_at(query, 10);
  generation.bytes = number_at(query, 11);
  generation.last_active = number_at(query, 12);
  generation.unproven = query.number(13) != 0;
  return generation;
}

Error no_generation(std::uint64_t id) {
  return Error(ErrorCode::not_found, fmt::format("there is no generation {}", id))
      .with_hint("`airlock store list` shows those that are here");
}

}  // namespace

std::uint64_t StateDb::add_generation(const Generation& generation) {
  const std::int64_t channel = m_impl->add_channel(generation.channel);
  m_impl
      ->cached("INSERT INTO generations (channel, serial, bundle_id, created, imported, active, head_digest, "
               "artifacts, rows, bytes) VALUES (?,?,?,?,?,0,?,?,?,?)")
      .bind(1, channel)
      .bind(2, to_integer(generation.serial))
      .bind(3, std::string_view(generation.bundle_id))
      .bind(4, std::int64_t{generation.created.time_since_epoch().count()})
      .bind(5, std::int64_t{generation.imported.time_since_epoch().count()})
      .bind(6, std::string_view(generation.head_digest))
      .bind(7, to_integer(generation.artifacts))
      .bind(8, to_integer(generation.rows))
      .bind(9, to_integer(generation.bytes))
      .run();
  const auto id = static_cast<std::uint64_t>(m_impl->database.last_insert_id());
  m_impl->cached("UPDATE channels SET last_serial=max(coalesce(last_serial,0),?) WHERE id=?")
      .bind(1, to_integer(generation.serial))
      .bind(2, channel)
      .run();
  m_impl->cached("INSERT OR IGNORE INTO imported (channel, serial) VALUES (?,?)")
      .bind(1, channel)
      .bind(2, to_integer(generation.serial))
      .run();
  if (generation.active) {
    set_active(id);
  }
  return id;
}

std::set<std::uint64_t> StateDb::imported_serials(const ChannelKey& channel) const {
  base::Statement query =
      m_impl->database.prepare(m_impl->step >= k_last_active_step ? "SELECT serial FROM imported WHERE channel=?"
                                                                  : "SELECT serial FROM generations WHERE channel=?");
  query.bind(1, m_impl->find_channel(channel));
  std::set<std::uint64_t> serials;
  while (query.step()) {
    serials.insert(number_at(query, 0));
  }
  return serials;
}

void StateDb::add_row(std::uint64_t generation, const model::FileRow& row) {
  static const std::string sql =
      fmt::format("INSERT INTO files (generation, {}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", k_row_columns);
  base::Statement& insert = m_impl->cached(sql);
  insert.bind(1, to_integer(generation));
  bind_row(insert, 2, row);
  insert.run();
}

std::vector<Generation> StateDb::generations() const {
  base::Statement query = m_impl->database.prepare(select_generation(m_impl->step, "ORDER BY g.id DESC"));
  std::vector<Generation> generations;
  while (query.step()) {
    generations.push_back(read_generation(query));
  }
  return generations;
}

std::optional<Generation> StateDb::generation(std::uint64_t id) const {
  base::Statement query = m_impl->database.prepare(select_generation(m_impl->step, "WHERE g.id=?"));
  query.bind(1, to_integer(id));
  if (!query.step()) {
    return std::nullopt;
  }
  return read_generation(query);
}

namespace {

// The rows of a generation one by one, in the order of row_before().
class RowCursor {
 public:
  RowCursor(base::Database& database, std::uint64_t generation)
      : m_query(database.prepare(
            fmt::format("SELECT {} FROM files WHERE generation=? ORDER BY ecosystem, path", k_row_columns))) {
    m_query.bind(1, to_integer(generation));
  }
  // nullptr at the end; else valid until the next call.
  const model::FileRow* next() {
    if (!m_query.step()) {
      return nullptr;
    }
    read_row(m_query, 0, m_row);
    return &m_row;
  }

 private:
  base::Statement m_query;
  model::FileRow m_row;
};

}  // namespace

void StateDb::for_each_row(std::uint64_t generation, const std::function<void(const model::FileRow&)>& visit) const {
  RowCursor rows(m_impl->database, generation);
  while (const model::FileRow* row = rows.next()) {
    visit(*row);
  }
}

void StateDb::for_each_row_pair(std::uint64_t before, std::uint64_t after,
                                const std::function<void(const model::FileRow*, const model::FileRow*)>& visit) const {
  RowCursor old_rows(m_impl->database, before);
  RowCursor new_rows(m_impl->database, after);
  const model::FileRow* old_row = old_rows.next();
  const model::FileRow* new_row = new_rows.next();
  while (old_row != nullptr || new_row != nullptr) {
    const bool has_old = old_row != nullptr && (new_row == nullptr || !model::row_before(*new_row, *old_row));
    const bool has_new = new_row != nullptr && (old_row == nullptr || !model::row_before(*old_row, *new_row));
    visit(has_old ? old_row : nullptr, has_new ? new_row : nullptr);
    old_row = has_old ? old_rows.next() : old_row;
    new_row = has_new ? new_rows.next() : new_row;
  }
}

std::uint64_t StateDb::bytes_only_in(std::uint64_t after, std::uint64_t before, std::string_view left_out) const {
  base::Statement query = m_impl->database.prepare(
      "SELECT coalesce(sum(length), 0) FROM (SELECT max(length) AS length FROM files "
      "WHERE generation=?1 AND ecosystem<>?3 AND sha256 IS NOT NULL AND sha256 NOT IN "
      "(SELECT sha256 FROM files WHERE generation=?2 AND ecosystem<>?3 AND sha256 IS NOT NULL) GROUP BY sha256)");
  query.bind(1, to_integer(after)).bind(2, to_integer(before)).bind(3, left_out);
  query.step();
  return number_at(query, 0);
}

void StateDb::for_each_row_of(const base::Digest& sha256,
                              const std::function<void(std::uint64_t, const model::FileRow&)>& visit) const {
  base::Statement query = m_impl->database.prepare(fmt::format(
      "SELECT {}, generation FROM files WHERE sha256=? ORDER BY generation, ecosystem, path", k_row_columns));
  bind_digest(query, 1, sha256);
  model::FileRow row;
  while (query.step()) {
    read_row(query, 0, row);
    visit(number_at(query, k_row_column_count), row);
  }
}

std::uint64_t StateDb::count_rows(std::uint64_t generation, model::Kind kind) const {
  base::RunningStatement query(m_impl->cached("SELECT count(*) FROM files WHERE generation=? AND kind=?"));
  query->bind(1, to_integer(generation)).bind(2, to_string(kind));
  query->step();
  return number_at(*query, 0);
}

std::uint64_t StateDb::count_rows(std::uint64_t generation) const {
  base::RunningStatement query(m_impl->cached("SELECT count(*) FROM files WHERE generation=?"));
  query->bind(1, to_integer(generation));
  query->step();
  return number_at(*query, 0);
}

std::optional<model::FileRow> StateDb::row(std::uint64_t generation, std::string_view ecosystem,
                                           std::string_view path) const {
  static const std::string sql =
      fmt::format("SELECT {} FROM files WHERE generation=? AND ecosystem=? AND path=?", k_row_columns);
  base::RunningStatement query(m_impl->cached(sql));
  query->bind(1, to_integer(generation)).bind(2, ecosystem).bind(3, path);
  if (!query->step()) {
    return std::nullopt;
  }
  model::FileRow row;
  read_row(*query, 0, row);
  return row;
}

void StateDb::set_row_kind(std::uint64_t generation, std::string_view ecosystem, std::string_view path,
                           model::Kind kind) {
  m_impl->cached("UPDATE files SET kind=?1 WHERE generation=?2 AND ecosystem=?3 AND path=?4 AND kind<>?1")
      .bind(1, to_string(kind))
      .bind(2, to_integer(generation))
      .bind(3, ecosystem)
      .bind(4, path)
      .run();
}

void StateDb::set_unproven(std::uint64_t generation, bool unproven) {
  if (unproven) {
    m_impl->set_setting(unproven_key(generation), "");
  } else {
    m_impl->remove_setting(unproven_key(generation));
  }
}

void StateDb::for_each_lacking_blob(std::uint64_t generation,
                                    const std::function<void(const base::Digest&, std::uint64_t)>& visit) const {
  base::Statement query = m_impl->database.prepare(
      "SELECT DISTINCT f.sha256, coalesce(f.length, 0) FROM files f LEFT JOIN blobs b ON b.sha256 = f.sha256 "
      "WHERE f.generation=? AND f.sha256 IS NOT NULL AND b.sha256 IS NULL AND f.kind NOT IN (?,?) ORDER BY f.sha256");
  query.bind(1, to_integer(generation))
      .bind(2, to_string(model::Kind::withheld))
      .bind(3, to_string(model::Kind::known));
  const auto found = this->generation(generation);
  const auto left = found ? withheld(found->channel) : std::set<base::Digest>();
  while (query.step()) {
    if (const auto sha256 = read_digest(query, 0); !left.contains(sha256)) {
      visit(sha256, number_at(query, 1));
    }
  }
}

void StateDb::set_active(std::uint64_t generation) {
  const auto wanted = this->generation(generation);
  if (!wanted) {
    throw no_generation(generation);
  }
  const std::int64_t channel = m_impl->find_channel(wanted->channel);
  // First none, then the one: the unique index allows no moment with two.
  m_impl->cached("UPDATE generations SET active=0 WHERE channel=? AND active=1").bind(1, channel).run();
  m_impl
      ->cached("UPDATE generations SET active=1, "
               "last_active=(SELECT max(last_active) + 1 FROM generations) WHERE id=?")
      .bind(1, to_integer(generation))
      .run();
  m_impl->remove_setting(out_of_service_key(wanted->channel));
}

void StateDb::take_out_of_service(const ChannelKey& channel, const OutOfService& why) {
  const std::int64_t id = m_impl->add_channel(channel);
  m_impl->cached("UPDATE generations SET active=0 WHERE channel=? AND active=1").bind(1, id).run();
  m_impl->set_setting(out_of_service_key(channel), base::to_line(base::Json{{"since", base::to_rfc3339(why.since)},
                                                                            {"reason", why.reason},
                                                                            {"ticket", why.ticket},
                                                                            {"user", user_name()}}));
}

std::optional<OutOfService> StateDb::out_of_service(const ChannelKey& channel) const {
  const std::string key = out_of_service_key(channel);
  const auto text = m_impl->setting(key);
  if (!text) {
    return std::nullopt;
  }
  const auto json = base::parse_json(*text, key);
  return OutOfService{.reason = base::string_member(json, "reason", key),
                      .ticket = base::string_member(json, "ticket", key),
                      .user = base::string_member(json, "user", key),
                      .since = base::parse_rfc3339(base::string_member(json, "since", key))};
}

void StateDb::drop_generation(std::uint64_t generation) {
  const auto found = this->generation(generation);
  if (!found) {
    throw no_generation(generation);
  }
  if (found->active) {
    throw Error(ErrorCode::conflict, fmt::format("generation {} is active", generation))
        .with_hint("activate another generation of its channel first");
  }
  m_impl->cached("DELETE FROM files WHERE generation=?").bind(1, to_integer(generation)).run();
  m_impl->cached("DELETE FROM generations WHERE id=?").bind(1, to_integer(generation)).run();
  set_unproven(generation, false);
}

}  // namespace airlock::store
