// StateDb: what must not be served.
#include <map>

#include <fmt/format.h>

#include "store/denials.hpp"
#include "store/row_columns.hpp"
#include "store/state_db_impl.hpp"
#include "store/user_name.hpp"

namespace airlock::store {

namespace {

constexpr std::int64_t k_first_step = 2;     // of the schema with these tables
constexpr std::int64_t k_withheld_step = 3;  // of the schema with the list of what is withheld

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
      "SELECT c.producer, c.channel, r.item, r.reason, r.since FROM revoked r JOIN channels c ON c.id = r.channel "
      "ORDER BY c.channel, c.producer, r.item");
  while (query.step()) {
    list.push_back({.channel = {.producer = query.text(0), .channel = query.text(1)},
                    .item = query.text(2),
                    .reason = query.text(3),
                    .since = time_at(query, 4)});
  }
  return list;
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
    std::vector<base::Digest> digests;
    if (item.digest() && item.digest()->algorithm() == base::HashAlgorithm::sha256) {
      digests.push_back(*item.digest());
    } else if (const auto same = aliases.find(item.text()); same != aliases.end()) {
      digests = same->second;
    }
    for (const auto& digest : digests) {
      m_by_digest[digest].push_back(m_denials.size());
    }
    if (!item.digest() || digests.empty()) {
      m_by_pattern.push_back(m_denials.size());
    }
    m_denials.push_back({.channel = std::move(channel), .item = item, .why = why});
  };
  for (const auto& block : blocks) {
    add(std::nullopt, block.item, "blocked on this side: " + block.reason);
  }
  for (const auto& one : revoked) {
    add(one.channel, one.item,
        one.reason.empty() ? fmt::format("revoked by the producer of '{}'", one.channel.channel)
                           : fmt::format("revoked by the producer of '{}': {}", one.channel.channel, one.reason));
  }
}

const Denials::Denial* Denials::find(const ChannelKey& channel, const model::FileRow& row) const {
  if (m_denials.empty()) {
    return nullptr;
  }
  const auto applies = [&channel](const Denial& denial) { return !denial.channel || *denial.channel == channel; };
  if (row.sha256) {
    if (const auto found = m_by_digest.find(*row.sha256); found != m_by_digest.end()) {
      for (const auto number : found->second) {
        if (applies(m_denials[number])) {
          return &m_denials[number];
        }
      }
    }
  }
  for (const auto number : m_by_pattern) {
    if (applies(m_denials[number]) && m_denials[number].item.matches(row)) {
      return &m_denials[number];
    }
  }
  return nullptr;
}

}  // namespace airlock::store
