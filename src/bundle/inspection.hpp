// What a person needs who must approve a transfer, computed from a head alone. No trust is needed and none is given: it
// says what the bundle says, and which of that could be checked.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "bundle/head.hpp"
#include "model/belonging.hpp"
#include "model/file_row.hpp"

namespace airlock::bundle {

struct InspectedArtifact {
  std::string purl;  // "ecosystem:path" where a row names none
  std::string ecosystem;
  std::string package;                 // without version: what stays the same between two versions
  std::string name, version;           // for people
  std::vector<std::string> platforms;  // sorted; empty: for all
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;                                        // of its files
  std::vector<std::string> origins;                               // scheme and host, sorted
  std::string license;                                            // SPDX expression; empty where it is not known
  model::Verified verified = model::Verified::checksum_database;  // the weakest of its files
  bool known_only = false;                                        // listed so that clients see it, without content
  std::string content;                                            // hex; equal for equal files
  std::vector<std::string> paths;                                 // of its content, those that its name does not tell
};

struct InspectedEcosystem {
  std::uint64_t artifacts = 0, files = 0, known = 0;
  std::uint64_t bytes = 0;  // of distinct blobs
};

struct InspectionCheck {
  enum class Result { passed, failed, pending, not_possible } result = Result::passed;  // pending: of a draft only
  std::string what;    // "every listed file is here and unchanged"
  std::string detail;  // why it failed, what is pending, or why it could not be checked
};

struct Inspection {
  std::string file;  // name of the file that was read, printable
  std::string channel;
  std::uint64_t serial = 0;
  std::uint64_t snapshot_version = 0;  // 0: it could not be read
  bool sealed = false;
  std::string created;    // RFC 3339
  std::string bundle_id;  // hex
  std::string tool;
  std::optional<std::string> previous;  // bundle id of the state before
  std::uint64_t root_version = 0;
  std::string root_fingerprint;           // hex, of the newest root in the head
  std::string first_root_fingerprint;     // hex; who pinned version 1 compares this one
  std::vector<std::string> approvers;     // keyids whose signatures over snapshot are good under the head's own root
  std::vector<std::string> not_approved;  // keyids that may approve under that root and have not
  std::uint64_t approvals_needed = 0;
  std::map<std::string, std::string> expiry;  // role -> RFC 3339
  std::vector<std::string> platforms;
  std::vector<model::Waiver> waivers;
  std::vector<Revoked> revoked;
  std::uint64_t blobs = 0, bytes = 0;  // of the whole state
  std::uint64_t head_bytes = 0;
  std::optional<Shipment> shipment;  // none in a draft
  std::vector<Attachment> attachments;
  std::map<std::string, InspectedEcosystem> ecosystems;
  std::map<model::Verified, std::uint64_t> files_by_verified;  // rows of kind file; what describes them proves nothing
  std::vector<InspectedArtifact> artifacts;                    // by ecosystem, name, version
  std::vector<InspectionCheck> checks;

  std::map<std::string, std::string> names;  // of people, by keyid; given by whoever knows them, after inspect()

  // For whoever has proven the bundle under a root of his own: that check is passed. `root`: "the root pinned in …".
  void root_is_trusted(const std::string& root);
  // "one person approved this", "2 people approved this, 2 were needed", "a draft: 1 of 2 people have approved it"
  std::string approval_text() const;
  // What has to be done before it can be carried over; empty for a sealed one.
  std::string next_step() const;
  // "Anna, key 0123456789ab", or the key alone where its name is not known.
  std::string person(const std::string& keyid) const;
  std::string shipment_text() const;  // "full", "delta on 6", "metadata only", "draft"
};

// Never throws for what is wrong inside the head: that is a failed check. `now` decides what has expired; `belongs`
// says which paths an artifact's name tells (without it none, so that all are shown).
Inspection inspect(const Head& head, base::Time now, const model::BelongingRule& belongs = {});

struct InspectionDiff {
  std::string before_channel;
  std::uint64_t before_serial = 0;
  bool is_previous = false;  // it is the state that the later one names as the one before it
  struct Update {            // a package of which versions went and others came
    std::string ecosystem, name;
    std::vector<std::string> removed, added;
    std::vector<std::string> paths;  // of the added ones
  };
  struct Change {  // the same version with other content: never harmless by itself
    InspectedArtifact before, after;
  };
  std::vector<InspectedArtifact> added, removed;  // packages that are new, or gone
  std::vector<Update> updated;
  std::vector<Change> changed;
  std::uint64_t kept = 0;
  struct Counts {
    std::uint64_t added = 0, removed = 0, updated = 0, changed = 0;
  };
  std::map<std::string, Counts> counts() const;  // by ecosystem, those in which something changed
};
InspectionDiff compare(const Inspection& before, const Inspection& after);

// Why the serial is none that an honest maker gives: it rises by one with each state, as the snapshot's version does,
// and one far ahead would make all later ones look old. Empty where nothing is odd. `diff` may be null.
std::string serial_remark(const Inspection& inspection, const InspectionDiff* diff);

// The one word of commands and pages for what upstream proves; "unproven" where it is nothing.
std::string_view proof_word(model::Verified verified);

// For a terminal: aligned, every foreign string made printable. `diff` may be null. A summary names the artifacts up to
// a bound, those that are unproven first, and with a diff only those, beside all that changed.
enum class Detail { summary, artifacts };
std::string render_text(const Inspection& inspection, const InspectionDiff* diff, Detail detail);
base::Json render_json(const Inspection& inspection, const InspectionDiff* diff);
// One page that needs nothing else and loads nothing: to be printed, or read where no terminal is.
std::string render_html(const Inspection& inspection, const InspectionDiff* diff);

}  // namespace airlock::bundle
