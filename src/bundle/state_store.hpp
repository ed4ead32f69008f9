// The trust state of one channel and of its producer's roots, kept in the home's database
// (docs/formats/catalog-database.md).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/state_db.hpp"
#include "trust/client.hpp"

namespace airlock::bundle {

// For Persistence::transactional: new roots are committed at once, everything else is taken from the TrustedSet when
// the import commits (store::StateDb::set_role). The database outlives it.
class ChannelStateStore : public trust::StateStore {
 public:
  ChannelStateStore(store::StateDb& database, store::ChannelKey channel)
      : m_database(database), m_channel(std::move(channel)) {}

  std::optional<std::string> load(std::string_view role) override;
  std::vector<std::string> load_roots() override;
  void save_root(std::uint64_t version, std::string_view bytes) override;
  void save(std::string_view role, std::string_view bytes) override;  // throws internal: never called here
  void remove(std::string_view role) override;                        // throws internal: never called here

 private:
  store::StateDb& m_database;
  store::ChannelKey m_channel;
};

// Reads what was accepted before and keeps nothing: an examination must not move the trust of this home.
class ReadOnlyStateStore : public trust::StateStore {
 public:
  ReadOnlyStateStore(const store::StateDb& database, store::ChannelKey channel)
      : m_database(database), m_channel(std::move(channel)) {}

  std::optional<std::string> load(std::string_view role) override { return m_database.role(m_channel, role); }
  std::vector<std::string> load_roots() override { return m_database.roots(m_channel.producer); }
  void save_root(std::uint64_t, std::string_view) override {}
  void save(std::string_view, std::string_view) override {}
  void remove(std::string_view) override {}

 private:
  const store::StateDb& m_database;
  store::ChannelKey m_channel;
};

// Puts what verification trusted into the database; call inside the transaction of the import.
void save_trusted(store::StateDb& database, const store::ChannelKey& channel, const trust::TrustedSet& trusted);

}  // namespace airlock::bundle
