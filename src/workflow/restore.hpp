// A home out of a backup: whole, or as it was (docs/operations/backup.md). Everything is made and proven beside its
// place first; what moves it there is finished by the next run where this one ended.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/reporter.hpp"
#include "store/state_db.hpp"
#include "workflow/floors.hpp"
#include "workflow/home.hpp"
#include "workflow/remark.hpp"
#include "workflow/restore_commands.hpp"

namespace airlock::workflow {

struct RestoreOptions {
  Home home;
  std::filesystem::path file;
  std::optional<base::Digest> sha256;  // of `file`, from paper: another one is refused
  // Told what the backup would make this host run, before anything of it counts; it throws where that is not wanted.
  // `seen` is the SHA-256 of `file`.
  std::function<void(const std::vector<BroughtCommand>& commands, const base::Digest& seen)> confirm;
  // refuse: the home must hold no state (blobs may be there, and are used). put_aside: what is there is moved into a
  // folder of the home; blobs stay.
  enum class Present { refuse, put_aside } present = Present::refuse;
  std::vector<std::filesystem::path> receipts;  // the last ones, of this home or of the sites that it serves
  std::vector<FloorWish> floors;                // from paper
  // A second backup, of which only the secrets are taken: daily ones leave them out.
  std::optional<std::filesystem::path> secrets_from;
  Remark remark = {};
  // Proves that a database of the server is one ("mirror.db", "control/control.db"). Throws.
  std::function<void(std::string_view member, const std::filesystem::path& file)> check_database;
  // At named steps: "staged", "ready", "moved" (after each entry), "done". A test ends the process there.
  std::function<void(std::string_view step)> at_step;
};

struct RestoreReport {
  bool finished_earlier = false;  // an interrupted run was brought to its end; nothing else is told
  base::Time backup{};
  base::Digest sha256;                         // of the backup
  std::optional<base::Digest> secrets_sha256;  // of the second one
  std::vector<BroughtCommand> commands;
  std::uint64_t files = 0, secrets = 0;
  bool keys_missing = false;         // of the connected side: roots without private keys
  bool secrets_key_missing = false;  // of the control plane
  std::string put_aside;             // folder in the home; empty where nothing was there
  std::vector<std::string> kept;     // files of a separate configuration folder that were there already
  struct NearChannel {
    std::string channel;
    std::uint64_t serial = 0;            // of the last bundle that the backup knows
    std::optional<std::uint64_t> floor;  // what was written since, as receipts or paper say
  };
  std::vector<NearChannel> near_channels;
  struct FarChannel {
    store::ChannelKey key;
    std::uint64_t serial = 0;
    std::uint64_t floor = 0;
    std::uint64_t served = 0;        // serial of the active generation; 0: none
    std::uint64_t root_version = 0;  // under which its head was made; 0: not proven
    std::uint64_t known_root = 0;    // the highest version that anything here, a receipt or paper knows
    std::uint64_t unproven = 0;      // generations whose head is not here: they are not served
    std::uint64_t lacking = 0;       // blobs of what is served
    std::uint64_t lacking_bytes = 0;
    std::filesystem::path need;  // list to carry back
  };
  std::vector<FarChannel> far_channels;
  std::vector<store::RevokedItem> overridden;  // what the backup serves although its producer revoked it
  std::vector<std::string> roots;              // fingerprints of the pinned roots, to compare with paper
  bool floors_given = false;
  // What receipts know this side not to serve and the backup did not: blocked, withheld and, by their names, channels
  // out of service again.
  std::vector<std::string> blocked, withheld, out_of_service;
  std::uint64_t audit_number = 0;
  std::string audit_head;
};

// Every generation is compared with its signed head, under the pinned roots; one whose head is not here is not served
// until the bundle comes again. Throws truncated, tampered (the file, its SHA-256, a generation), malformed, limit (the
// file), conflict (the home is in use), busy, no_space, unsupported.
RestoreReport restore_home(const RestoreOptions& options, const base::Clock& clock, base::Reporter& reporter);

// An interrupted restore has passed its point of no return: until the next `restore` finishes it, nothing may use the
// home.
bool restore_is_unfinished(const std::filesystem::path& home);

}  // namespace airlock::workflow
