// StateDb: what each channel was last trusted with, and the floors of time.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "store/row_columns.hpp"
#include "store/state_db_impl.hpp"

namespace airlock::store {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::string_view k_time_floor = "time-floor";
constexpr std::string_view k_last_wall = "last-wall";

constexpr std::string_view k_restored = "restored";

std::string floor_key(const ChannelKey& channel) {
  return fmt::format("floor/{}/{}", channel.producer, channel.channel);
}

std::string lowering_key(const ChannelKey& channel) {
  return fmt::format("floor-lowered/{}/{}", channel.producer, channel.channel);
}

std::string to_text(const Floor& floor) {
  return base::Json{{"serial", floor.serial},
                    {"bundle_id", floor.bundle_id},
                    {"root_version", floor.root_version},
                    {"snapshot_version", floor.snapshot_version}}
      .dump();
}

std::string to_text(const FloorLowering& lowering) {
  return base::to_line(base::Json{{"time", base::to_rfc3339(lowering.time)}, {"reason", lowering.reason}});
}

std::optional<base::Time> to_time(const std::optional<std::string>& text) {
  if (!text) {
    return std::nullopt;
  }
  std::int64_t seconds = 0;
  const auto [end, failure] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (failure != std::errc() || end != text->data() + text->size()) {
    throw Error(ErrorCode::malformed, fmt::format("the state database holds '{}' where a time belongs", *text));
  }
  return base::Time(std::chrono::seconds(seconds));
}

std::string to_seconds(base::Time time) {
  return std::to_string(time.time_since_epoch().count());
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return base::as_bytes(text);
}

}  // namespace

std::int64_t StateDb::Impl::find_channel(const ChannelKey& channel) {
  base::RunningStatement query(cached("SELECT id FROM channels WHERE producer=? AND channel=?"));
  query->bind(1, std::string_view(channel.producer)).bind(2, std::string_view(channel.channel));
  return query->step() ? query->number(0) : 0;
}

std::int64_t StateDb::Impl::add_channel(const ChannelKey& channel) {
  if (const std::int64_t id = find_channel(channel)) {
    return id;
  }
  cached("INSERT INTO channels (producer, channel) VALUES (?,?)")
      .bind(1, std::string_view(channel.producer))
      .bind(2, std::string_view(channel.channel))
      .run();
  return database.last_insert_id();
}

std::vector<std::string> StateDb::roots(std::string_view producer) const {
  // A home that nobody has changed since an older airlock has them by channel.
  base::RunningStatement query(
      m_impl->cached(m_impl->step >= 3 ? "SELECT bytes FROM producer_roots WHERE producer=? ORDER BY version"
                                       : "SELECT bytes FROM roots JOIN channels ON channels.id = roots.channel "
                                         "WHERE producer=? ORDER BY version"));
  query->bind(1, producer);
  std::vector<std::string> roots;
  while (query->step()) {
    roots.push_back(query->blob(0));
  }
  return roots;
}

void StateDb::add_root(std::string_view producer, std::uint64_t version, std::string_view bytes) {
  m_impl->cached("REPLACE INTO producer_roots (producer, version, bytes) VALUES (?,?,?)")
      .bind(1, producer)
      .bind(2, to_integer(version))
      .bind_blob(3, bytes_of(bytes))
      .run();
}

std::optional<std::string> StateDb::role(const ChannelKey& channel, std::string_view role) const {
  base::RunningStatement query(m_impl->cached("SELECT bytes FROM roles WHERE channel=? AND role=?"));
  query->bind(1, m_impl->find_channel(channel)).bind(2, role);
  if (!query->step()) {
    return std::nullopt;
  }
  return query->blob(0);
}

void StateDb::set_role(const ChannelKey& channel, std::string_view role, std::string_view bytes) {
  const std::int64_t id = m_impl->add_channel(channel);
  m_impl->cached("REPLACE INTO roles (channel, role, bytes) VALUES (?,?,?)")
      .bind(1, id)
      .bind(2, role)
      .bind_blob(3, bytes_of(bytes))
      .run();
}

std::optional<std::uint64_t> StateDb::last_serial(const ChannelKey& channel) const {
  base::RunningStatement query(m_impl->cached("SELECT last_serial FROM channels WHERE producer=? AND channel=?"));
  query->bind(1, std::string_view(channel.producer)).bind(2, std::string_view(channel.channel));
  if (!query->step() || query->is_null(0)) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(query->number(0));
}

std::optional<base::Time> StateDb::time_floor() const {
  return to_time(m_impl->setting(k_time_floor));
}

void StateDb::raise_time_floor(base::Time created) {
  const auto floor = time_floor();
  if (!floor || *floor < created) {
    m_impl->set_setting(k_time_floor, to_seconds(created));
  }
}

std::optional<base::Time> StateDb::last_wall() const {
  return to_time(m_impl->setting(k_last_wall));
}

void StateDb::raise_last_wall(base::Time now) {
  const auto last = last_wall();
  if (!last || *last < now) {
    reset_last_wall(now);
  }
}

void StateDb::reset_last_wall(base::Time now) {
  m_impl->set_setting(k_last_wall, to_seconds(now));
}

std::vector<ChannelKey> StateDb::channels() const {
  base::RunningStatement query(m_impl->cached("SELECT producer, channel FROM channels ORDER BY producer, channel"));
  std::vector<ChannelKey> channels;
  while (query->step()) {
    channels.push_back({.producer = query->text(0), .channel = query->text(1)});
  }
  return channels;
}

std::optional<Floor> StateDb::floor(const ChannelKey& channel) const {
  const std::string key = floor_key(channel);
  const auto text = m_impl->setting(key);
  if (!text) {
    return std::nullopt;
  }
  const auto json = base::parse_json(*text, key);
  return Floor{.serial = base::uint_member(json, "serial", key),
               .bundle_id = base::string_member(json, "bundle_id", key),
               .root_version = base::uint_member(json, "root_version", key),
               .snapshot_version = base::uint_member(json, "snapshot_version", key)};
}

std::uint64_t StateDb::root_floor(std::string_view producer) const {
  std::uint64_t highest = 0;
  for (const ChannelKey& channel : channels()) {
    if (const auto known = channel.producer == producer ? floor(channel) : std::nullopt) {
      highest = std::max(highest, known->root_version);
    }
  }
  return highest;
}

void StateDb::raise_floor(const ChannelKey& channel, const Floor& floor) {
  Floor raised = this->floor(channel).value_or(Floor{});
  if (floor.serial > raised.serial || (floor.serial == raised.serial && raised.bundle_id.empty())) {
    raised.serial = floor.serial;
    raised.bundle_id = floor.bundle_id;
  }
  raised.root_version = std::max(raised.root_version, floor.root_version);
  raised.snapshot_version = std::max(raised.snapshot_version, floor.snapshot_version);
  m_impl->add_channel(channel);
  m_impl->set_setting(floor_key(channel), to_text(raised));
}

void StateDb::lower_floor(const ChannelKey& channel, const Floor& floor, const FloorLowering& lowering) {
  m_impl->add_channel(channel);
  m_impl->set_setting(floor_key(channel), to_text(floor));
  m_impl->set_setting(lowering_key(channel), to_text(lowering));
}

void StateDb::lower_last_serial(const ChannelKey& channel, std::uint64_t serial, const FloorLowering& lowering) {
  m_impl->cached("UPDATE channels SET last_serial=? WHERE producer=? AND channel=? AND last_serial>?")
      .bind(1, to_integer(serial))
      .bind(2, std::string_view(channel.producer))
      .bind(3, std::string_view(channel.channel))
      .bind(4, to_integer(serial))
      .run();
  m_impl->set_setting(lowering_key(channel), to_text(lowering));
}

std::optional<FloorLowering> StateDb::floor_lowering(const ChannelKey& channel) const {
  const std::string key = lowering_key(channel);
  const auto text = m_impl->setting(key);
  if (!text) {
    return std::nullopt;
  }
  const auto json = base::parse_json(*text, key);
  return FloorLowering{.time = base::parse_rfc3339(base::string_member(json, "time", key)),
                       .reason = base::string_member(json, "reason", key)};
}

std::optional<Restored> StateDb::restored() const {
  const auto text = m_impl->setting(k_restored);
  if (!text || text->empty()) {
    return std::nullopt;
  }
  const auto json = base::parse_json(*text, k_restored);
  return Restored{.backup = base::parse_rfc3339(base::string_member(json, "backup", k_restored)),
                  .restored = base::parse_rfc3339(base::string_member(json, "restored", k_restored)),
                  .floors_given = base::member(json, "floors_given", k_restored) == true};
}

void StateDb::set_restored(const std::optional<Restored>& restored) {
  if (!restored && !m_impl->setting(k_restored)) {
    return;
  }
  m_impl->set_setting(k_restored, restored ? base::Json{{"backup", base::to_rfc3339(restored->backup)},
                                                        {"restored", base::to_rfc3339(restored->restored)},
                                                        {"floors_given", restored->floors_given}}
                                                 .dump()
                                           : std::string());
}

}  // namespace airlock::store
