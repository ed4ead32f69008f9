// The audit log: each entry carries the digest of its predecessor, so that nothing can be taken out, changed or put in
// between without every later entry showing it.
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/secret.hpp"
#include "base/text.hpp"
#include "store/row_columns.hpp"
#include "store/state_db_impl.hpp"
#include "store/user_name.hpp"

namespace airlock::store {

std::string user_name() {
  const uid_t uid = ::getuid();
  const char* const through_sudo = uid == 0 ? std::getenv("SUDO_USER") : nullptr;
  const std::string suffix = through_sudo == nullptr || *through_sudo == '\0'
                                 ? ""
                                 : fmt::format(" (sudo by {})", base::printable(through_sudo, 64));
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    return found->pw_name + suffix;
  }
  return fmt::format("uid {}", uid);
}

namespace {

constexpr std::string_view k_home_id = "home-id";
constexpr std::size_t k_home_id_size = 16;  // bytes

std::string make_home_id() {
  const auto random = base::random_bytes(k_home_id_size);
  return base::to_hex({reinterpret_cast<const std::uint8_t*>(random.data()), random.size()});
}

AuditEntry read_entry(const base::Statement& query) {
  return {.number = static_cast<std::uint64_t>(query.number(0)),
          .time = base::Time(std::chrono::seconds(query.number(1))),
          .action = query.text(2),
          .user = query.text(3),
          .detail = query.text(4),
          .previous = query.text(5),
          .digest = query.text(6)};
}

}  // namespace

std::string audit_digest(const AuditEntry& entry) {
  // An array of strings has one spelling as JSON, and no field can run into the next.
  const base::Json fields = {std::to_string(entry.number),
                             base::to_rfc3339(entry.time),
                             entry.action,
                             entry.user,
                             entry.detail,
                             entry.previous};
  return base::sha256(base::to_line(fields)).hex();
}

void StateDb::audit(base::Time time, std::string_view action, std::string_view detail_json) {
  AuditEntry entry{.number = 1,
                   .time = time,
                   .action = std::string(action),
                   .user = user_name(),
                   .detail = std::string(detail_json),
                   .previous = {},
                   .digest = {}};
  if (const auto last = last_audit_entry()) {
    entry.number = last->number + 1;
    entry.previous = last->digest;
  }
  entry.digest = audit_digest(entry);
  if (!home_id()) {
    m_impl->set_setting(k_home_id, make_home_id());
  }
  m_impl->cached("INSERT INTO audit (number, time, action, user, detail, previous, digest) VALUES (?,?,?,?,?,?,?)")
      .bind(1, to_integer(entry.number))
      .bind(2, std::int64_t{time.time_since_epoch().count()})
      .bind(3, std::string_view(entry.action))
      .bind(4, std::string_view(entry.user))
      .bind(5, std::string_view(entry.detail))
      .bind(6, std::string_view(entry.previous))
      .bind(7, std::string_view(entry.digest))
      .run();
}

std::optional<std::string> StateDb::home_id() const {
  return m_impl->setting(k_home_id);
}

std::vector<AuditEntry> StateDb::audit_entries() const {
  base::RunningStatement query(
      m_impl->cached("SELECT number, time, action, user, detail, previous, digest FROM audit ORDER BY number"));
  std::vector<AuditEntry> entries;
  while (query->step()) {
    entries.push_back(read_entry(*query));
  }
  return entries;
}

std::optional<AuditEntry> StateDb::last_audit_entry() const {
  base::RunningStatement query(m_impl->cached(
      "SELECT number, time, action, user, detail, previous, digest FROM audit ORDER BY number DESC LIMIT 1"));
  return query->step() ? std::optional(read_entry(*query)) : std::nullopt;
}

std::vector<AuditEntry> StateDb::newest_audit_entries(std::string_view action, std::uint64_t count) const {
  base::RunningStatement query(
      m_impl->cached("SELECT number, time, action, user, detail, previous, digest FROM audit WHERE action=? "
                     "ORDER BY number DESC LIMIT ?"));
  query->bind(1, action).bind(2, to_integer(count));
  std::vector<AuditEntry> entries;
  while (query->step()) {
    entries.push_back(read_entry(*query));
  }
  return entries;
}

std::optional<std::string> StateDb::imported_as(const ChannelKey& channel, std::uint64_t serial) const {
  // A detail that is no JSON, of a log that somebody changed, says nothing, and is no error here.
  base::RunningStatement query(m_impl->cached(
      "SELECT json_extract(json, '$.bundle_id') FROM (SELECT number, "
      "CASE WHEN json_valid(detail) THEN detail ELSE '{}' END AS json FROM audit WHERE action='import') "
      "WHERE json_extract(json, '$.producer')=? AND json_extract(json, '$.channel')=? "
      "AND json_extract(json, '$.serial')=? AND json_type(json, '$.bundle_id')='text' ORDER BY number DESC LIMIT 1"));
  query->bind(1, std::string_view(channel.producer))
      .bind(2, std::string_view(channel.channel))
      .bind(3, to_integer(serial));
  return query->step() ? std::optional(query->text(0)) : std::nullopt;
}

std::vector<base::Finding> check_audit(const std::vector<AuditEntry>& entries) {
  std::vector<base::Finding> findings;
  const auto report = [&](const AuditEntry& entry, std::string message) {
    findings.push_back({.severity = base::Severity::error,
                        .code = base::ErrorCode::tampered,
                        .subject = fmt::format("audit entry {}", entry.number),
                        .message = std::move(message)});
  };
  std::string previous;
  std::uint64_t number = 1;
  for (const AuditEntry& entry : entries) {
    if (entry.number != number) {
      report(entry, fmt::format("entry {} is missing before it", number));
      number = entry.number;
    } else if (entry.previous != previous) {
      report(entry, "it does not follow from the entry before it");
    }
    if (audit_digest(entry) != entry.digest) {
      report(entry, "its content was changed after it was written");
    }
    previous = entry.digest;
    ++number;
  }
  return findings;
}

namespace {

// The entry of a restore, or of floors that were raised after a snapshot was put back or a home was begun anew, which
// says itself that the log went further once, and how far.
const AuditEntry* entry_that_explains(const std::vector<AuditEntry>& entries, std::uint64_t number) {
  for (const AuditEntry& entry : entries) {
    const bool may_tell = entry.action == "restore" || entry.action == "floor" || entry.action == "trust-init";
    if (!may_tell || entry.number > number) {
      continue;
    }
    const auto detail = base::Json::parse(entry.detail, nullptr, false);
    const auto lost = detail.is_object() ? detail.find("lost") : detail.end();
    if (detail.is_object() && lost != detail.end() && lost->is_number_unsigned() &&
        lost->get<std::uint64_t>() >= number) {
      return &entry;
    }
  }
  return nullptr;
}

}  // namespace

std::vector<base::Finding> check_audit_marks(const std::vector<AuditEntry>& entries,
                                             const std::vector<AuditMark>& marks) {
  std::vector<base::Finding> findings;
  for (const AuditMark& mark : marks) {
    const auto entry = std::ranges::find(entries, mark.number, &AuditEntry::number);
    if (mark.number == 0 || (entry != entries.end() && entry->digest.starts_with(mark.head))) {
      continue;
    }
    const std::string subject = fmt::format("audit entry {}", mark.number);
    if (const AuditEntry* loss = entry_that_explains(entries, mark.number)) {
      findings.push_back(
          {.severity = base::Severity::warning,
           .code = base::ErrorCode::tampered,
           .subject = subject,
           .message = fmt::format("{} knows it, and this log does not: entry {} ({}, {}) accounts for "
                                  "the loss",
                                  mark.source, loss->number, loss->action, base::to_rfc3339(loss->time))});
      continue;
    }
    findings.push_back(
        {.severity = base::Severity::error,
         .code = base::ErrorCode::tampered,
         .subject = subject,
         .message =
             entry == entries.end()
                 ? fmt::format("{} knows it, but the log ends with entry {}: its tail was cut off, or an older "
                               "copy of the database was put in its place",
                               mark.source, entries.empty() ? 0 : entries.back().number)
                 : fmt::format("{} knows another entry with this number: the log was written anew", mark.source)});
  }
  return findings;
}

}  // namespace airlock::store
