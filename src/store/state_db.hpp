// `HOME/airlock.db`: what was accepted. Only import, activate, sweep and trust commands write it; the mirror never
// opens it (docs/formats/catalog-database.md, airlock.db).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/sqlite.hpp"
#include "model/file_row.hpp"
#include "store/catalog.hpp"

namespace airlock::base {
class TempDir;
}  // namespace airlock::base

namespace airlock::store {

struct ChannelKey {
  std::string producer;  // hex SHA-256 of the canonical signed part of root version 1
  std::string channel;
  auto operator<=>(const ChannelKey&) const = default;
};

struct Generation {
  std::uint64_t id = 0;  // over all channels, from 1
  ChannelKey channel;
  std::uint64_t serial = 0;  // of the bundle
  std::string bundle_id;     // hex
  base::Time created{};      // of the bundle
  base::Time imported{};
  bool active = false;
  std::uint64_t last_active = 0;  // rises with each activation of any; 0: it was never served
  std::string head_digest;        // sha256 of the stored head, a blob of its own
  bool unproven = false;          // out of a backup, and never compared with its head: it is not served
  std::uint64_t artifacts = 0, rows = 0, bytes = 0;

  bool served() const { return active && !unproven; }
};

// What a channel must not fall behind although no generation here shows it: said by a receipt, or from paper, after
// state was lost. Every member only rises, unless a person lowers it with a reason.
struct Floor {
  std::uint64_t serial = 0;
  std::string bundle_id;  // hex, of the bundle with that serial; empty where it is not known
  std::uint64_t root_version = 0, snapshot_version = 0;  // 0: not known
};

// That a floor which could not be right was lowered, the last time that one was.
struct FloorLowering {
  base::Time time{};
  std::string reason;
};

// That this state came out of a backup, until an import shows that it is up to date again.
struct Restored {
  base::Time backup{};  // when the backup was made
  base::Time restored{};
  bool floors_given = false;  // by a receipt or from paper, so that nothing older than the loss can come in
};

// That this site serves what a producer revoked.
struct RevocationOverride {
  std::string reason, ticket, user;
  base::Time since{};
};

// What a producer took back of a channel. It stays so, whichever generation is served.
struct RevokedItem {
  ChannelKey channel;
  std::string item;  // a model::Item
  std::string reason;
  base::Time since{};
  std::optional<RevocationOverride> overridden = {};
};

// What this site does not serve, whoever brings it.
struct Block {
  std::string item;  // a model::Item
  std::string reason, ticket, user;
  base::Time since{};
};

// That this site serves nothing of a channel, whatever arrives of it, until a generation of it is activated.
struct OutOfService {
  std::string reason, ticket, user;
  base::Time since{};
};

// What this site takes neither of a channel nor serves of it.
struct WithheldBlob {
  ChannelKey channel;
  base::Digest sha256;
  std::optional<base::Time> since = {};  // nullopt: an older airlock did not keep it
};

struct AuditEntry {
  std::uint64_t number = 0;
  base::Time time{};
  std::string action;  // "import", "activate", "deactivate", "rollback", "trust-init", …
  std::string user;
  std::string detail;            // JSON object
  std::string previous, digest;  // hash chain, hex
};

// One connection, for one thread. `change` holds the exclusive right to change a home (flock on HOME/lock) for as long
// as it lives.
class StateDb {
 public:
  enum class Access { read, change };
  // `read` throws not_found when the home has no state yet; `change` creates it, and throws busy when another process
  // holds the lock.
  StateDb(const std::filesystem::path& home, Access access);
  ~StateDb();

  // Trust state: roots of a producer, for all of its channels, committed at once; the rest of one channel, inside a
  // change().
  std::vector<std::string> roots(std::string_view producer) const;  // after the pinned one, oldest first
  void add_root(std::string_view producer, std::uint64_t version, std::string_view bytes);
  std::optional<std::string> role(const ChannelKey& channel, std::string_view role) const;
  void set_role(const ChannelKey& channel, std::string_view role, std::string_view bytes);
  // The highest serial that add_generation ever saw, unless a person lowered it since; dropping generations does not.
  std::optional<std::uint64_t> last_serial(const ChannelKey& channel) const;
  std::set<std::uint64_t> imported_serials(const ChannelKey& channel) const;  // also of generations that were dropped
  std::optional<base::Time> time_floor() const;  // newest `created` of any import; never lowered
  void raise_time_floor(base::Time created);
  std::optional<base::Time> last_wall() const;
  void
  raise_last_wall(base::Time now);  // what the clock says at an import: an earlier time than is known changes nothing
  void reset_last_wall(base::Time now);  // by an administrator
  std::vector<ChannelKey> channels() const;
  std::optional<Floor> floor(const ChannelKey& channel) const;
  std::uint64_t root_floor(std::string_view producer) const;  // the highest root version of its channels' floors
  // Takes the higher of each member; the bundle id goes with the serial.
  void raise_floor(const ChannelKey& channel, const Floor& floor);
  // The one way back, for a person with a reason: exactly `floor` from now on.
  void lower_floor(const ChannelKey& channel, const Floor& floor, const FloorLowering& lowering);
  // Likewise for last_serial, of a channel that has one.
  void lower_last_serial(const ChannelKey& channel, std::uint64_t serial, const FloorLowering& lowering);
  std::optional<FloorLowering> floor_lowering(const ChannelKey& channel) const;
  std::optional<Restored> restored() const;
  void set_restored(const std::optional<Restored>& restored);

  // Blobs that count as present.
  bool has_blob(const base::Digest& sha256) const;
  std::optional<std::uint64_t> blob_length(const base::Digest& sha256) const;
  void add_blob(const base::Digest& sha256, std::uint64_t length);  // one that is known already stays as it is
  void remove_blob(const base::Digest& sha256);
  struct BlobTotals {
    std::uint64_t blobs = 0, bytes = 0;
  };
  BlobTotals blob_totals() const;
  void for_each_blob(const std::function<void(const base::Digest&, std::uint64_t length)>& visit) const;

  // Generations and their rows.
  std::uint64_t add_generation(const Generation& generation);  // `id` is given by the database
  void add_row(std::uint64_t generation, const model::FileRow& row);
  void add_alias(const base::Digest& other, const base::Digest& sha256);
  void remove_aliases();  // all
  void for_each_alias(const std::function<void(const base::Digest&, const base::Digest&)>& visit) const;
  std::vector<Generation> generations() const;  // newest first
  std::optional<Generation> generation(std::uint64_t id) const;
  void for_each_row(std::uint64_t generation, const std::function<void(const model::FileRow&)>& visit) const;
  // The rows of two generations side by side, in order of ecosystem and path, none of them kept; null where only the
  // other has that path.
  void for_each_row_pair(std::uint64_t before, std::uint64_t after,
                         const std::function<void(const model::FileRow*, const model::FileRow*)>& visit) const;
  // Bytes of the distinct blobs that only `after` has, rows of `left_out` (an ecosystem) not counted.
  std::uint64_t bytes_only_in(std::uint64_t after, std::uint64_t before, std::string_view left_out) const;
  // The rows of any generation whose content is `sha256`, oldest generation first.
  void for_each_row_of(const base::Digest& sha256,
                       const std::function<void(std::uint64_t generation, const model::FileRow&)>& visit) const;
  std::uint64_t count_rows(std::uint64_t generation, model::Kind kind) const;
  std::uint64_t count_rows(std::uint64_t generation) const;
  std::optional<model::FileRow> row(std::uint64_t generation, std::string_view ecosystem, std::string_view path) const;
  void set_row_kind(std::uint64_t generation, std::string_view ecosystem, std::string_view path, model::Kind kind);
  void set_unproven(std::uint64_t generation, bool unproven);
  // What a generation serves and no blob is here for: after a restore without content, or a repair. By digest.
  void for_each_lacking_blob(std::uint64_t generation,
                             const std::function<void(const base::Digest&, std::uint64_t length)>& visit) const;
  // The only active one of its channel, which is in service from now on.
  void set_active(std::uint64_t generation);
  // Nothing of the channel is active from now on; trust state, withheld and revoked items stay. `user` is filled in.
  void take_out_of_service(const ChannelKey& channel, const OutOfService& why);
  std::optional<OutOfService> out_of_service(const ChannelKey& channel) const;
  void drop_generation(std::uint64_t generation);  // must not be active
  // Whose mutable names are served where several channels have one: the first channel that is named; those that are not
  // named stand behind, the newest import first. Kept here so that every catalog is made alike.
  std::vector<std::string> channel_order() const;
  void set_channel_order(const std::vector<std::string>& channels);
  std::uint64_t next_catalog_number();   // counts up, and is the number below from then on
  std::uint64_t catalog_number() const;  // of the catalog that belongs to this state; 0: none

  // What this site neither takes of a channel nor serves of it, whichever generation is active, until it is released.
  bool withhold(const ChannelKey& channel, const base::Digest& sha256, base::Time since);  // false: it is so already
  bool release(const ChannelKey& channel, const base::Digest& sha256);                     // false: it was not withheld
  std::set<base::Digest> withheld(const ChannelKey& channel) const;
  std::vector<WithheldBlob> withheld() const;  // of all channels, by channel, producer and digest

  // What must not be served. The catalog leaves it out from its next number on.
  void add_revoked(const RevokedItem& revoked);  // one that is known already stays as it is
  std::vector<RevokedItem> revoked() const;      // by channel and item
  // Of this very item of this channel, until the item is blocked; also where the producer revokes it again. `user` is
  // filled in.
  void set_override(const ChannelKey& channel, const std::string& item, const RevocationOverride& why);
  std::vector<ChannelKey> remove_overrides(const std::string& item);  // those that had one
  std::set<std::string> overridden(const ChannelKey& channel) const;  // items
  void set_block(const Block& block);          // replaces one of the same item; `user` is filled in
  bool remove_block(const std::string& item);  // false: there is none
  std::vector<Block> blocks() const;           // by item
  // Blobs that a block keeps from being swept away, also after the rows that it meant are gone.
  void keep_for_block(const std::string& item, const base::Digest& sha256);
  void for_each_kept_blob(const std::function<void(const base::Digest&)>& visit) const;

  // Appends to the log, with the name of the user who runs this process.
  void audit(base::Time time, std::string_view action, std::string_view detail_json);
  std::vector<AuditEntry> audit_entries() const;  // oldest first
  std::optional<AuditEntry> last_audit_entry() const;
  // What tells this home from every other: random, 32 hex digits, made with the first entry that is appended. A backup
  // has it too. nullopt: none was yet.
  std::optional<std::string> home_id() const;
  // The bundle (hex) that an import of this serial had last, as the log says: also where its generation was dropped.
  // nullopt: the log knows of none. It reads all entries of imports.
  std::optional<std::string> imported_as(const ChannelKey& channel, std::uint64_t serial) const;
  std::vector<AuditEntry> newest_audit_entries(std::string_view action, std::uint64_t count) const;  // newest first

  base::Transaction change();  // everything until commit() becomes visible at once

  // A new folder in the home, for heads that are looked into. Only of `change` (throws internal), and to be dropped
  // before this is: what a killed process left of such folders goes when the next one takes the lock.
  base::TempDir proof_folder() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

// Rebuilds and publishes the catalog from the active generations, in order of import; of mutable names the channel
// order decides.
void publish_catalog(StateDb& state, const std::filesystem::path& home);
// The same in two steps, around the commit of a change(): inside it, build and sync the new catalog (contradictions and
// a full disk show here, and nothing has changed); after the commit call publish() on the result. A crash between the
// two is seen by catalog_is_current() and mended by publish_catalog(); so is a catalog in the format of an older
// airlock.
std::unique_ptr<CatalogBuilder> prepare_catalog(StateDb& state, const std::filesystem::path& home);
bool catalog_is_current(const StateDb& state, const std::filesystem::path& home);

// For a file that comes from elsewhere: throws tampered, unsupported (base::require_schema).
void require_state_db(const std::filesystem::path& file);

// The chain of an audit log, oldest entry first: a finding (tampered) for each entry whose digest, predecessor or
// number is not what it must be.
std::vector<base::Finding> check_audit(const std::vector<AuditEntry>& entries);
// What was written down elsewhere of the log, on paper or in a receipt.
struct AuditMark {
  std::uint64_t number = 0;
  std::string head;    // hex, at least the first 16 digits
  std::string source;  // for messages
};
// A finding for each mark that the log does not bear out: tampered where the log was cut off or written anew; a warning
// where an entry "restore", "floor" or "trust-init" accounts for it, because it names what was lost.
std::vector<base::Finding> check_audit_marks(const std::vector<AuditEntry>& entries,
                                             const std::vector<AuditMark>& marks);
std::string audit_digest(const AuditEntry& entry);  // hex; what `digest` must be

}  // namespace airlock::store
