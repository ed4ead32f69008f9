// StateDb: what must not be served.
#include <map>

#include <fmt/format.h>

#include "base/json.hpp"
#include "store/denials.hpp"
#include "store/row_columns.hpp"
#include "store/state_db_impl.hpp"
#include "store/user_name.hpp"

namespace airlock::store {

namespace {

constexpr std::int64_t k_first_step = 2;     // of the schema with these tables
constexpr std::int64_t k_withheld_step = 3;  // of the schema with the list of what is withheld

constexpr std::string_view k_override = "served-though-revoked/";  // PRODUCER/CHANNEL/ITEM

std::string override_key(const ChannelKey& channel) {
  return fmt::format("{}{}/{}/", k_override, channel.producer, channel.channel);
}

RevocationOverride parse_override(const std::string& text) {
  const auto json = base::parse_json(text, k_override);
  return {.reason = base::string_member(json, "reason", k_override),
          .ticket = base::string_member(json, "ticket", k_override),
          .user = base::string_member(json, "user", k_override),
          .since = base::parse_rfc3339(base::string_member(json, "since", k_override))};
}

}  // namespace

bool StateDb::withhold(const ChannelKey& channel, const base::Digest& sha256, base::Time since) {
  const std::int64_t id = m_impl->add_channel(channel);
  base::Statement& insert = m_impl->cached("INSERT OR IGNORE INTO withheld (channel, sha256, since) VALUES (?,?,?)");
  insert.bind(1, id);
  bind_digest(insert, 2, sha256);
  insert.bind(3, seconds_of(since)).run();
  return m_impl->database.changes() > 0;
}

bool StateDb::release(const ChannelKey& channel, const base::Digest& sha256) {
  base::Statement& remove = m_impl->cached("DELETE FROM withheld WHERE channel=? AND sha256=?");
  remove.bind(1, m_impl->find_channel(channel));
  bind_digest(remove, 2, sha256);
  remove.run();
  return m_impl->database.changes() > 0;
}

std::set<base::Digest> StateDb::withheld(const ChannelKey& channel) const {
  // Before there was such a list, the channel's newest generation told it.
  base::Statement query = m_impl->database.prepare(
      m_impl->step >= k_withheld_step ? "SELECT sha256 FROM withheld WHERE channel=?"
                                      : "SELECT sha256 FROM files WHERE kind='withheld' AND sha256 IS NOT NULL "
                                        "AND generation = (SELECT max(id) FROM generations WHERE channel=?)");
  query.bind(1, m_impl->find_channel(channel));
  std::set<base::Digest> digests;
  while (query.step()) {
    digests.insert(read_digest(query, 0));
  }
  return digests;
}

std::vector<WithheldBlob> StateDb::withheld() const {
  std::vector<WithheldBlob> list;
  if (m_impl->step < k_withheld_step) {
    for (const auto& channel : channels()) {
      for (const auto& sha256 : withheld(channel)) {
        list.push_back({.channel = channel, .sha256 = sha256});
      }
    }
    return list;
  }
  base::Statement query = m_impl->database.prepare(
      "SELECT c.producer, c.channel, w.sha256, w.since FROM withheld w JOIN channels c ON c.id = w.channel "
      "ORDER BY c.channel, c.producer, w.sha256");
  while (query.step()) {
    list.push_back({.channel = {.producer = query.text(0), .channel = query.text(1)},
                    .sha256 = read_digest(query, 2),
                    .since = time_at(query, 3)});
  }
  return list;
}

void StateDb::add_revoked(const RevokedItem& revoked) {
  const std::int64_t channel = m_impl->add_channel(revoked.channel);
  m_impl->cached("INSERT OR IGNORE INTO revoked (channel, item, reason, since) VALUES (?,?,?,?)")
      .bind(1, channel)
      .bind(2, std::string_view(revoked.item))
      .bind(3, std::string_view(revoked.reason))
      .bind(4, seconds_of(revoked.since))
      .run();
}

std::vector<RevokedItem> StateDb::revoked() const {
  std::vector<RevokedItem> list;
  if (m_impl->step < k_first_step) {
    return list;
  }
  base::Statement query = m_impl->database.prepare(
      fmt::format("SELECT c.producer, c.channel, r.item, r.reason, r.since, s.value FROM revoked r "
                  "JOIN channels c ON c.id = r.channel "
                  "LEFT JOIN settings s ON s.key = '{}' || c.producer || '/' || c.channel || '/' || r.item "
                  "ORDER BY c.channel, c.producer, r.item",
                  k_override));
  while (query.step()) {
    list.push_back({.channel = {.producer = query.text(0), .channel = query.text(1)},
                    .item = query.text(2),
                    .reason = query.text(3),
                    .since = time_at(query, 4),
                    .overridden = {}});
    if (!query.is_null(5)) {
      list.back().overridden = parse_override(query.text(5));
    }
  }
  return list;
}

void StateDb::set_override(const ChannelKey& channel, const std::string& item, const RevocationOverride& why) {
  m_impl->set_setting(override_key(channel) + item, base::to_line(base::Json{{"since", base::to_rfc3339(why.since)},
                                                                             {"reason", why.reason},
                                                                             {"ticket", why.ticket},
                                                                             {"user", user_name()}}));
}

std::vector<ChannelKey> StateDb::remove_overrides(const std::string& item) {
  std::vector<ChannelKey> ended;
  for (const auto& channel : channels()) {
    m_impl->remove_setting(override_key(channel) + item);
    if (m_impl->database.changes() > 0) {
      ended.push_back(channel);
    }
  }
  return ended;
}

std::set<std::string> StateDb::overridden(const ChannelKey& channel) const {
  const std::string prefix = override_key(channel);
  std::string end = prefix;
  ++end.back();
  base::Statement query = m_impl->database.prepare("SELECT key FROM settings WHERE key >= ? AND key < ?");
  query.bind(1, std::string_view(prefix)).bind(2, std::string_view(end));
  std::set<std::string> items;
  while (query.step()) {
    items.insert(query.text(0).substr(prefix.size()));
  }
  return items;
}

void StateDb::set_block(const Block& block) {
  m_impl->cached("REPLACE INTO blocks (item, reason, ticket, user, since) VALUES (?,?,?,?,?)")
      .bind(1, std::string_view(block.item))
      .bind(2, std::string_view(block.reason))
      .bind(3, std::string_view(block.ticket))
      .bind(4, std::string_view(user_name()))
      .bind(5, seconds_of(block.since))
      .run();
}

bool StateDb::remove_block(const std::string& item) {
  m_impl->cached("DELETE FROM blocked_blobs WHERE item=?").bind(1, std::string_view(item)).run();
  m_impl->cached("DELETE FROM blocks WHERE item=?").bind(1, std::string_view(item)).run();
  return m_impl->database.changes() > 0;
}

std::vector<Block> StateDb::blocks() const {
  std::vector<Block> list;
  if (m_impl->step < k_first_step) {
    return list;
  }
  base::Statement query =
      m_impl->database.prepare("SELECT item, reason, ticket, user, since FROM blocks ORDER BY item");
  while (query.step()) {
    list.push_back({.item = query.text(0),
                    .reason = query.text(1),
                    .ticket = query.text(2),
                    .user = query.text(3),
                    .since = time_at(query, 4)});
  }
  return list;
}

void StateDb::keep_for_block(const std::string& item, const base::Digest& sha256) {
  base::Statement& insert = m_impl->cached("INSERT OR IGNORE INTO blocked_blobs (item, sha256) VALUES (?,?)");
  insert.bind(1, std::string_view(item));
  bind_digest(insert, 2, sha256);
  insert.run();
}

void StateDb::for_each_kept_blob(const std::function<void(const base::Digest&)>& visit) const {
  if (m_impl->step < k_first_step) {
    return;
  }
  base::Statement query = m_impl->database.prepare("SELECT DISTINCT sha256 FROM blocked_blobs");
  while (query.step()) {
    visit(read_digest(query, 0));
  }
}

Denials::Denials(const StateDb& state) {
  std::map<std::string, std::vector<base::Digest>> aliases;
  const auto blocks = state.blocks();
  const auto revoked = state.revoked();
  if (!blocks.empty() || !revoked.empty()) {
    state.for_each_alias([&aliases](const base::Digest& other, const base::Digest& sha256) {
      aliases[other.to_string()].push_back(sha256);
    });
  }
  const auto add = [&](std::optional<ChannelKey> channel, const std::string& text, const std::string& why) {
    const auto item = model::Item::parse(text);
    const auto same = item.digest() ? aliases.find(item.text()) : aliases.end();
    if (same == aliases.end()) {
      m_index.add(item, m_denials.size());
    } else {
      for (const auto& digest : same->second) {
        m_index.add(model::Item::parse(digest.to_string()), m_denials.size());
      }
    }
    m_denials.push_back({.channel = std::move(channel), .why = why});
  };
  for (const auto& block : blocks) {
    add(std::nullopt, block.item, "blocked on this side: " + block.reason);
  }
  for (const auto& one : revoked) {
    if (!one.overridden) {
      add(one.channel, one.item,
          one.reason.empty() ? fmt::format("revoked by the producer of '{}'", one.channel.channel)
                             : fmt::format("revoked by the producer of '{}': {}", one.channel.channel, one.reason));
    }
  }
}

const Denials::Denial* Denials::find(const ChannelKey& channel, const model::FileRow& row) const {
  const auto found = m_index.find(row, [&](std::size_t number) {
    const auto& of = m_denials[number].channel;
    return !of || *of == channel;
  });
  return found ? &m_denials[*found] : nullptr;
}

}  // namespace airlock::store
