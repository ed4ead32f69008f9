// The audit log: each entry carries the digest of its predecessor, so that nothing can be taken out, changed or put in
// between without every later entry showing it.
#include <pwd.h>
#include <unistd.h>

#include <array>

#include <fmt/format.h>

#include "base/json.hpp"
#include "store/row_columns.hpp"
#include "store/state_db_impl.hpp"

namespace airlock::store {

namespace {

// The real user: who started this, also under a set-user-id wrapper.
std::string user_name() {
  const uid_t uid = ::getuid();
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    return found->pw_name;
  }
  return fmt::format("uid {}", uid);
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
  return base::sha256(fields.dump(-1, ' ', false, base::Json::error_handler_t::replace)).hex();
}

void StateDb::audit(base::Time time, std::string_view action, std::string_view detail_json) {
  AuditEntry entry{.number = 1,
                   .time = time,
                   .action = std::string(action),
                   .user = user_name(),
                   .detail = std::string(detail_json),
                   .previous = {},
                   .digest = {}};
  {
    Query last(m_impl->cached("SELECT number, digest FROM audit ORDER BY number DESC LIMIT 1"));
    if (last->step()) {
      entry.number = static_cast<std::uint64_t>(last->number(0)) + 1;
      entry.previous = last->text(1);
    }
  }
  entry.digest = audit_digest(entry);
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

std::vector<AuditEntry> StateDb::audit_entries() const {
  Query query(m_impl->cached("SELECT number, time, action, user, detail, previous, digest FROM audit ORDER BY number"));
  std::vector<AuditEntry> entries;
  while (query->step()) {
    entries.push_back({.number = static_cast<std::uint64_t>(query->number(0)),
                       .time = base::Time(std::chrono::seconds(query->number(1))),
                       .action = query->text(2),
                       .user = query->text(3),
                       .detail = query->text(4),
                       .previous = query->text(5),
                       .digest = query->text(6)});
  }
  return entries;
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

}  // namespace airlock::store
