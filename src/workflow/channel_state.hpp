// What a home remembers of a channel on the connected side: the last state's head, and where its bundles were written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bundle/head.hpp"
#include "model/file_row.hpp"
#include "trust/metadata.hpp"
#include "workflow/home.hpp"

namespace airlock::workflow {

// That the channel came out of a backup, or the home's keys out of a bundle of it, and bundles may have been written
// since that this home does not know.
struct RestoredChannel {
  std::uint64_t serial = 0;            // of the last bundle that the backup knew, or of that bundle
  std::optional<std::uint64_t> floor;  // of the last one that was written, as far as somebody knows; nullopt: nobody
};

struct WrittenBundle {
  std::uint64_t serial = 0;
  std::string set;                             // hex, as in its hint
  std::filesystem::path head;                  // absolute
  std::vector<std::filesystem::path> volumes;  // absolute
  std::vector<bundle::ShipmentBase> bases;     // of a delta
};

struct Sending {
  std::uint64_t shipment = 0;
  std::string timestamp;  // bytes of the newest timestamp.json; may be empty
  // False: the home came out of a backup after that, and others may have been sent that it does not know.
  bool newest = true;
};
// How far the numbers of a sending skip ahead then: more sendings than one state has between two backups.
inline constexpr std::uint64_t k_sendings_skipped = 100;

// The channels that have a folder here, in order of their names.
std::vector<std::string> written_channels(const Home& home);

class ChannelState {
 public:
  ChannelState(const Home& home, std::string_view channel) : m_folder(home.channel(channel)), m_name(channel) {}

  const std::filesystem::path& folder() const { return m_folder; }
  std::filesystem::path run_folder() const { return m_folder / "run"; }
  std::filesystem::path lock_file() const { return m_folder / "lock"; }

  // The head of the last state that was made here; nullopt for a channel that this home never wrote.
  std::optional<bundle::Head> last() const;
  // The one before that, to tell what changed.
  std::optional<bundle::Head> before_last() const;
  // The newest that was sealed; drafts made since do not hide it.
  std::optional<bundle::Head> last_sealed() const;
  // All that are kept, newest first, without what they hold (bundle::Head::read_statements).
  std::vector<bundle::Head> statements() const;
  // The newer of the two that is older than `serial`.
  std::optional<bundle::Head> last_before(std::uint64_t serial) const;
  // The one of the two with that bundle id.
  std::optional<bundle::Head> find(const std::string& bundle_id) const;
  // A state that is made here, to be called before anybody can see it: from then on its serial is taken, and what is
  // known of the channel is newer than any backup. `previous` is what it goes on from; the same state a second time
  // takes the place of the first.
  void add_state(const bundle::HeadContents& contents, const std::optional<bundle::HeadContents>& previous) const;
  // What was added to one of the two states: approvals, or the seal. Of any other state nothing is kept.
  void update_state(const bundle::HeadContents& contents) const;

  // Newest first; those whose files went away are still listed.
  std::vector<WrittenBundle> bundles() const;
  void add_bundle(const WrittenBundle& bundle) const;  // replaces one with the same head; the oldest beyond 50 go
  bool has_bundle(const WrittenBundle& bundle) const;  // with the same head and set

  std::optional<RestoredChannel> restored() const;
  void set_restored(const std::optional<RestoredChannel>& restored) const;
  // Throws base_missing while the channel came out of a backup and nobody can tell that `known` is the newest serial
  // that was ever written: another state with a serial that was used is an alarm on every site. `continued`: somebody
  // named the newest one.
  void require_newest(std::uint64_t known, bool continued) const;
  // What was last sent of a state, by its bundle id; nullopt: no more than its first sending, which its head tells. Two
  // sendings never share a number, and two timestamps never a version.
  std::optional<Sending> last_sending(const std::string& bundle_id) const;
  void set_last_sending(const std::string& bundle_id, const Sending& sending) const;

 private:
  void write_last(const bundle::HeadContents& contents) const;
  void write_sending(const std::string& bundle_id, const Sending& sending) const;

  std::filesystem::path m_folder;
  std::string m_name;
};

// Every row of a state, read from the catalogs in a head. Nothing is proven by it: for heads of this home, and for
// those that were verified.
std::vector<model::FileRow> rows_of(const bundle::HeadContents& contents);

// Every blob of a state, attachments included; sorted.
std::vector<base::Digest> state_digests(const bundle::HeadContents& contents);

// The newest snapshot in a head; nothing is proven by it. Throws malformed when there is none.
struct NewestSnapshot {
  std::string name;  // "7.snapshot.json"
  trust::SignedFile file;
};
NewestSnapshot newest_snapshot(const bundle::HeadContents& contents);
std::string bundle_id_of(const bundle::HeadContents& contents);  // its identity, hex

}  // namespace airlock::workflow
