#include "workflow/restore_state.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <system_error>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "bundle/layout.hpp"
#include "model/item.hpp"
#include "store/blob_store.hpp"
#include "store/catalog.hpp"
#include "store/catalog_files.hpp"
#include "workflow/channel_state.hpp"
#include "workflow/generation_proof.hpp"
#include "workflow/keys.hpp"
#include "workflow/pinned_roots.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using base::Json;
using store::StateDb;

constexpr std::string_view k_from_receipt = "from the receipt at the restore";

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

std::vector<FloorWish> wishes_of(const RestoredState& restored) {
  auto wishes = restored.options.floors;
  for (const auto& receipt : restored.receipts) {
    const auto more = floors_of(receipt);
    wishes.insert(wishes.end(), more.begin(), more.end());
  }
  return wishes;
}

// The home to be, as far as it is made; its roots may lie where they are already.
Home staged_home(const RestoredState& restored) {
  const auto& home = restored.options.home;
  Home staged{restored.staging.root(), home.config == home.root ? restored.staging.root() : home.config};
  if (home.config != home.root && is_there(restored.staging.config() / "roots") && !is_there(home.pinned_roots())) {
    staged.config = restored.staging.config();
  }
  return staged;
}

// The blobs of the backup, into the place where blobs stay: a file without a row counts for nothing yet.
void take_restored_blobs(const RestoredState& restored, const store::BlobStore& store) {
  std::uint64_t bytes = 0;
  for (const auto& blob : restored.blobs) {
    bytes += blob.length;
  }
  const auto progress = restored.reporter.task("restoring blobs", bytes);
  for (const auto& blob : restored.blobs) {
    store::BlobStore::Writer writer(store, blob.sha256, blob.length);
    base::FileSource source(restored.fd, blob.offset, blob.length, restored.options.file.string());
    base::copy(source, writer);
    writer.finish();
    progress->advance(blob.length);
  }
  store.sync();
}

// Names of channels become names of files, and nobody signed those of the database.
void require_channel_names(const RestoredState& restored, const StateDb& state) {
  for (const auto& key : state.channels()) {
    if (!bundle::is_channel_name(key.channel) || !base::Digest::is_sha256_hex(key.producer)) {
      throw not_a_backup(restored.options.file,
                         fmt::format("its database has a channel '{}' of the producer '{}'",
                                     base::printable(key.channel, 100), base::printable(key.producer, 100)));
    }
  }
}

// A row says that a blob is here; those that are not have to lose theirs, so that an import brings them.
void forget_absent(StateDb& state, const store::BlobStore& store) {
  std::vector<base::Digest> absent;
  state.for_each_blob([&](const base::Digest& sha256, std::uint64_t length) {
    if (!store.file_exists(sha256, length)) {
      absent.push_back(sha256);
    }
  });
  for (const auto& sha256 : absent) {
    state.remove_blob(sha256);
  }
}

void tell_lacking(const RestoredState& restored, const StateDb& state, RestoreReport& report) {
  for (auto& channel : report.far_channels) {
    for (const auto& generation : state.generations()) {
      if (generation.channel != channel.key || !generation.active) {
        continue;
      }
      auto missing = missing_blobs(state, generation.id);
      if (missing.empty()) {
        continue;
      }
      channel.lacking = missing.size();
      for (const auto& blob : missing) {
        channel.lacking_bytes += blob.length;
      }
      auto need = make_receipt(state, restored.now);
      need.need_channel = generation.channel.channel;
      need.need_producer = generation.channel.producer;
      need.need_serial = generation.serial;
      need.need_bundle_id = generation.bundle_id;
      need.missing = std::move(missing);
      const auto written = write_need_list(need, state, restored.staging.root() / "receipts");
      channel.need = restored.options.home.root / "receipts" / written.filename();
    }
  }
}

// By generation, the root version under which its head was made; 0: the head is not here. Nobody signed the database,
// so that only what a head says is served, and what heads revoke is revoked.
std::map<std::uint64_t, std::uint64_t> prove_generations(const RestoredState& restored, const Home& staged,
                                                         const store::BlobStore& store, StateDb& state) {
  std::map<std::uint64_t, std::uint64_t> versions;
  const auto roots = read_pinned_roots(staged);
  for (const auto& generation : state.generations()) {
    const auto proven = prove_generation(generation, state, store, roots, restored.staging.folder);
    state.set_unproven(generation.id, !proven);
    versions[generation.id] = proven ? proven->trusted().root.version : 0;
    if (!proven) {
      // Where its head is damaged the bundle has to bring it again; one whose root is not pinned here stays.
      const auto digest = base::Digest::parse_sha256_hex(generation.head_digest);
      const auto slice = store.open(digest);
      if (!slice || !store.recheck(digest, slice->length)) {
        state.remove_blob(digest);
      }
      continue;
    }
    for (const auto& revoked : proven->revoked()) {
      state.add_revoked(
          {.channel = generation.channel, .item = revoked.item, .reason = revoked.reason, .since = restored.now});
    }
  }
  state.remove_aliases();  // no head speaks of them
  return versions;
}

void tell_proofs(const StateDb& state, const std::map<std::uint64_t, std::uint64_t>& versions, RestoreReport& report) {
  const auto generations = state.generations();
  std::map<std::string, std::uint64_t> known;  // by producer
  for (const auto& generation : generations) {
    auto& highest = known[generation.channel.producer];
    highest = std::max({highest, versions.at(generation.id), state.root_floor(generation.channel.producer)});
  }
  for (auto& channel : report.far_channels) {
    channel.known_root = known[channel.key.producer];
    for (const auto& generation : generations) {
      if (generation.channel == channel.key) {
        channel.unproven += generation.unproven ? 1U : 0U;
        if (generation.served()) {
          channel.served = generation.serial;
          channel.root_version = versions.at(generation.id);
        }
      }
    }
  }
  for (auto& revoked : state.revoked()) {
    if (revoked.overridden) {
      report.overridden.push_back(std::move(revoked));
    }
  }
}

// The channels that a receipt names, and whether its site served nothing of them any more.
std::map<store::ChannelKey, bool> channels_in(const Receipt& receipt) {
  std::map<store::ChannelKey, bool> named;
  for (const auto& channel : receipt.channels) {
    named[{channel.producer, channel.channel}] = channel.out_of_service;
  }
  for (const auto& floor : receipt.floors) {
    auto& is_out = named[{floor.producer, floor.channel}];
    is_out = is_out || floor.out_of_service;
  }
  return named;
}

// What this side decided after the backup not to serve. Of a digest that a receipt withholds it does not say in which
// of its channels: it is withheld in all of them, unless the backup knows.
void keep_denials(const RestoredState& restored, StateDb& state, RestoreReport& report) {
  std::set<std::string> blocked;
  for (const auto& block : state.blocks()) {
    blocked.insert(block.item);
  }
  std::set<base::Digest> withheld;
  for (const auto& channel : state.channels()) {
    withheld.merge(state.withheld(channel));
  }
  for (const auto& receipt : restored.receipts) {
    for (const auto& text : receipt.blocked) {
      const auto item = base::with_context([] { return "reading what the receipt blocks"; },
                                           [&text] { return model::Item::parse(text).text(); });
      if (blocked.insert(item).second) {
        state.set_block({.item = item,
                         .reason = std::string(k_from_receipt),
                         .ticket = restored.options.remark.ticket,
                         .user = {},
                         .since = restored.now});
        report.blocked.push_back(item);
      }
    }
    const bool is_own = receipt.home.empty() || receipt.home == state.home_id();
    const auto known = state.channels();
    const auto named = channels_in(receipt);
    for (const auto& [key, is_out] : named) {
      if (is_out && is_own && std::ranges::find(known, key) != known.end() && !state.out_of_service(key)) {
        state.take_out_of_service(key, {.reason = std::string(k_from_receipt),
                                        .ticket = restored.options.remark.ticket,
                                        .user = {},
                                        .since = restored.now});
        report.out_of_service.push_back(key.channel);
      }
    }
    for (const auto& digest : receipt.withheld) {
      bool is_new = false;
      for (const auto& [key, is_out] : named) {
        is_new = (!withheld.contains(digest) && state.withhold(key, digest, restored.now)) || is_new;
      }
      if (is_new) {
        report.withheld.push_back(digest.to_string());
      }
    }
  }
}

std::string restore_detail(const RestoredState& restored, const std::vector<FloorWish>& wishes,
                           const RestoreReport& report) {
  Json detail = {{"backup", base::to_rfc3339(restored.backup.time)}, {"floors", Json::array()}};
  for (const auto& wish : wishes) {
    detail["floors"].push_back(
        {{"channel", wish.channel}, {"serial", wish.floor.serial}, {"root_version", wish.floor.root_version}});
  }
  std::uint64_t lost = 0;
  for (const auto& receipt : restored.receipts) {
    lost = std::max(lost, receipt.audit_number);
  }
  if (lost > 0) {
    // `audit verify` takes this for the reason why a receipt knows entries that the log does not.
    detail["lost"] = lost;
  }
  if (!restored.aside.empty()) {
    detail["put_aside"] = restored.aside;
  }
  if (!report.blocked.empty()) {
    detail["blocked"] = report.blocked;
  }
  if (!report.withheld.empty()) {
    detail["withheld"] = report.withheld;
  }
  if (!report.out_of_service.empty()) {
    detail["out_of_service"] = report.out_of_service;
  }
  restored.options.remark.add_to(detail);
  return audit_text(detail);
}

// The number of a catalog is never used twice, also by a server that looks at the old one meanwhile.
void go_on_from_old_catalog(const RestoredState& restored) {
  const auto old = store::current_file(restored.options.home.root);
  if (is_there(old)) {
    base::make_directories(store::catalog_folder(restored.staging.root()));
    fs::copy_file(old, store::current_file(restored.staging.root()), fs::copy_options::overwrite_existing);
  }
}

}  // namespace

void settle_near_side(const RestoredState& restored, RestoreReport& report) {
  const Home staged = staged_home(restored);
  if (has_keys(staged)) {
    report.keys_missing = !has_private_keys(staged);
  }
  std::error_code ignored;
  const auto wishes = wishes_of(restored);
  for (const auto& entry : fs::directory_iterator(staged.root / "channels", ignored)) {
    const auto name = entry.path().filename().string();
    const ChannelState channel(staged, name);
    const auto last = channel.last();
    if (!last) {
      continue;
    }
    RestoreReport::NearChannel near{.channel = name, .serial = last->hint().serial, .floor = {}};
    for (const auto& wish : wishes) {
      // Another producer may have a channel of that name, with serials of its own.
      if (wish.channel == name && may_be_own_producer(staged, wish.producer)) {
        require_near_serial(wish, near.serial);
        near.floor = std::max(near.floor.value_or(0), wish.floor.serial);
      }
    }
    channel.set_restored(RestoredChannel{.serial = near.serial, .floor = near.floor});
    report.near_channels.push_back(std::move(near));
  }
}

void settle_far_side(const RestoredState& restored, RestoreReport& report) {
  const Home staged = staged_home(restored);
  for (const auto& root : read_pinned_roots(staged)) {
    report.roots.push_back(root.producer());
  }
  report.secrets_key_missing =
      is_there(staged.root / "control" / "control.db") && !is_there(staged.root / "control" / "secrets.key");
  if (!is_there(staged.root / "airlock.db")) {
    return;
  }
  const store::BlobStore store(restored.options.home.blobs());
  take_restored_blobs(restored, store);
  const auto wishes = wishes_of(restored);
  {
    StateDb state(staged.root, StateDb::Access::change);
    require_channel_names(restored, state);
    go_on_from_old_catalog(restored);
    auto change = state.change();
    forget_absent(state, store);
    raise_floors(state, staged, wishes, restored.now);
    state.set_restored(
        store::Restored{.backup = restored.backup.time, .restored = restored.now, .floors_given = !wishes.empty()});
    keep_denials(restored, state, report);
    const auto versions = prove_generations(restored, staged, store, state);
    state.audit(restored.now, "restore", restore_detail(restored, wishes, report));
    const auto catalog = store::prepare_catalog(state, staged.root);
    change.commit();
    catalog->publish();
    for (const auto& key : state.channels()) {
      const auto floor = state.floor(key);
      report.far_channels.push_back({.key = key,
                                     .serial = state.last_serial(key).value_or(0),
                                     .floor = floor ? floor->serial : 0,
                                     .served = 0,
                                     .root_version = 0,
                                     .known_root = 0,
                                     .unproven = 0,
                                     .lacking = 0,
                                     .lacking_bytes = 0,
                                     .need = {}});
    }
    tell_proofs(state, versions, report);
    tell_lacking(restored, state, report);
    const auto last = state.last_audit_entry();
    report.audit_number = last->number;
    report.audit_head = last->digest;
  }
  report.floors_given = !wishes.empty();
  fs::remove(staged.root / "lock");
}

}  // namespace airlock::workflow
