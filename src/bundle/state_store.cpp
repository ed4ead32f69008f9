#include "bundle/state_store.hpp"

#include "base/error.hpp"

namespace airlock::bundle {

namespace {

[[noreturn]] void refuse_store() {
  throw base::Error(base::ErrorCode::internal, "trust state is written by the import's own transaction only");
}

}  // namespace

std::optional<std::string> ChannelStateStore::load(std::string_view role) {
  if (role == "root") {
    const std::vector<std::string> roots = m_database.roots(m_channel.producer);
    return roots.empty() ? std::nullopt : std::optional(roots.back());
  }
  return m_database.role(m_channel, role);
}

std::vector<std::string> ChannelStateStore::load_roots() {
  return m_database.roots(m_channel.producer);
}

void ChannelStateStore::save_root(std::uint64_t version, std::string_view bytes) {
  m_database.add_root(m_channel.producer, version, bytes);
}

void ChannelStateStore::save(std::string_view, std::string_view) {
  refuse_store();
}
void ChannelStateStore::remove(std::string_view) {
  refuse_store();
}

void save_trusted(store::StateDb& database, const store::ChannelKey& channel, const trust::TrustedSet& trusted) {
  database.set_role(channel, "timestamp", trusted.timestamp_file.bytes);
  database.set_role(channel, "snapshot", trusted.snapshot_file.bytes);
  database.set_role(channel, "targets", trusted.targets_file.bytes);
  for (const auto& [name, file] : trusted.delegated_files) {
    database.set_role(channel, name, file.bytes);
  }
}

}  // namespace airlock::bundle
