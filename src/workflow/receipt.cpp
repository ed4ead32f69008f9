#include "workflow/receipt.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/json.hpp"
#include "store/blob_store.hpp"
#include "store/channel_name.hpp"
#include "store/state_db.hpp"
#include "trust/metadata.hpp"
#include "workflow/needed_blobs.hpp"
#include "workflow/receipt_format.hpp"

namespace airlock::workflow {

namespace {

using base::Json;

constexpr std::size_t k_buffer = 64 * 1024;  // bytes

Json to_json(const ReceiptChannel& channel) {
  return {{"producer", channel.producer},
          {"channel", channel.channel},
          {"serial", channel.serial},
          {"bundle_id", channel.bundle_id},
          {"generation", channel.generation},
          {"active_generation", channel.active_generation},
          {"out_of_service", channel.out_of_service},
          {"created", base::to_rfc3339(channel.created)},
          {"imported", base::to_rfc3339(channel.imported)},
          {"root_version", channel.root_version},
          {"snapshot_version", channel.snapshot_version},
          {"snapshot_sha256", channel.snapshot_sha256}};
}

Json to_json(const ReceiptFloor& floor) {
  Json json = {{"producer", floor.producer},
               {"channel", floor.channel},
               {"serial", floor.serial},
               {"root_version", floor.root_version},
               {"snapshot_version", floor.snapshot_version},
               {"out_of_service", floor.out_of_service}};
  if (!floor.bundle_id.empty()) {
    json["bundle_id"] = floor.bundle_id;
  }
  return json;
}

// Everything but the long lists, one member a line so that a person can read it.
Json header_json(const Receipt& receipt) {
  Json json = {{"format", k_receipt_format},
               {"kind", receipt.is_need() ? k_need_kind : k_receipt_kind},
               {"time", base::to_rfc3339(receipt.time)},
               {"tool", receipt.tool},
               {"channels", Json::array()},
               {"audit", {{"number", receipt.audit_number}, {"head", receipt.audit_head}}},
               {"revoked", receipt.revoked},
               {"blocked", receipt.blocked},
               {"blobs_count", receipt.blobs.size()},
               {"blobs_sha256", receipt.blobs_digest.hex()}};
  if (!receipt.home.empty()) {
    json["home"] = receipt.home;
  }
  for (const auto& channel : receipt.channels) {
    json["channels"].push_back(to_json(channel));
  }
  for (const auto& floor : receipt.floors) {
    json["floors"].push_back(to_json(floor));
  }
  if (receipt.is_need()) {
    json["need"] = {
        {"channel", receipt.need_channel}, {"serial", receipt.need_serial}, {"bundle_id", receipt.need_bundle_id}};
    if (!receipt.need_producer.empty()) {
      json["need"]["producer"] = receipt.need_producer;
    }
  }
  return json;
}

class BufferedSink {
 public:
  explicit BufferedSink(base::ByteSink& sink) : m_sink(&sink) {}
  void put(std::string_view text) {
    m_buffer += text;
    if (m_buffer.size() >= k_buffer) {
      flush();
    }
  }
  void flush() {
    m_sink->write(base::as_bytes(m_buffer));
    m_buffer.clear();
  }

 private:
  base::ByteSink* m_sink;
  std::string m_buffer;
};

template <typename Items, typename Print>
void put_list(BufferedSink& out, std::string_view key, const Items& items, const Print& print) {
  out.put(fmt::format(",\n\"{}\": [", key));
  bool first = true;
  for (const auto& item : items) {
    out.put(first ? "\n" : ",\n");
    out.put(print(item));
    first = false;
  }
  out.put("]");
}

void tell_versions(const store::StateDb& state, const store::ChannelKey& key, ReceiptChannel& entry) {
  if (const auto root = state.role(key, "root")) {
    entry.root_version = trust::parse_root(trust::parse_signed(*root, "root.json", trust::k_root_limit)).version;
  }
  if (const auto snapshot = state.role(key, "snapshot")) {
    entry.snapshot_version =
        trust::parse_snapshot(trust::parse_signed(*snapshot, "snapshot.json", trust::k_metadata_ceiling)).version;
    entry.snapshot_sha256 = base::sha256(*snapshot).hex();
  }
}

// What holds a channel up beyond `here`, its newest generation; nullopt: nothing. A channel whose generations are all
// gone, or never came since its floor was given, has no other place in a receipt.
std::optional<ReceiptFloor> floor_beyond(const store::StateDb& state, const store::ChannelKey& key,
                                         const ReceiptChannel* here) {
  const auto floor = state.floor(key).value_or(store::Floor{});
  const auto last = state.last_serial(key).value_or(0);
  ReceiptChannel known;
  tell_versions(state, key, known);
  ReceiptFloor beyond{.producer = key.producer,
                      .channel = key.channel,
                      .serial = std::max(last, floor.serial),
                      .bundle_id = {},
                      .root_version = std::max(known.root_version, floor.root_version),
                      .snapshot_version = std::max(known.snapshot_version, floor.snapshot_version),
                      .out_of_service = state.out_of_service(key).has_value()};
  if (floor.serial >= last && base::Digest::is_sha256_hex(floor.bundle_id)) {
    beyond.bundle_id = floor.bundle_id;
  }
  const bool says_more = here == nullptr ? beyond.serial > 0 || beyond.root_version > 0 ||
                                               beyond.snapshot_version > 0 || beyond.out_of_service
                                         : beyond.serial > here->serial || beyond.root_version > here->root_version ||
                                               beyond.snapshot_version > here->snapshot_version;
  return says_more ? std::optional(std::move(beyond)) : std::nullopt;
}

template <typename Entry>
void sort_by_name(std::vector<Entry>& entries) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.channel, a.producer) < std::tie(b.channel, b.producer);
  });
}

// What the next sweep frees, since only a channel out of service needs it, is no base for a delta: it may be gone when
// that arrives.
std::vector<base::Digest> blobs_to_count_on(const store::StateDb& state, const std::vector<ReceiptChannel>& channels) {
  const bool counts_all = std::ranges::none_of(channels, &ReceiptChannel::out_of_service);
  const DigestSet needed = counts_all ? DigestSet() : needed_digests(state);
  std::vector<base::Digest> blobs;
  state.for_each_blob([&](const base::Digest& sha256, std::uint64_t) {
    if (counts_all || needed.contains(sha256)) {
      blobs.push_back(sha256);
    }
  });
  return blobs;
}

// Whether the need list at `path` is of another producer's channel of that name. One that an older airlock wrote does
// not name its producer; no two bundles have one id.
bool is_of_another_producer(const std::filesystem::path& path, const Receipt& need) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    return false;
  }
  try {
    const Receipt there = read_receipt(path);
    return there.is_need() && (there.need_producer.empty() ? there.need_bundle_id != need.need_bundle_id
                                                           : there.need_producer != need.need_producer);
  } catch (const base::Error&) {
    return false;  // nobody could use it
  }
}

}  // namespace

base::Digest digest_of_list(const std::vector<base::Digest>& sorted) {
  base::Hasher hasher;
  for (const auto& digest : sorted) {
    hasher.update(digest.hex());
    hasher.update("\n");
  }
  return hasher.finish();
}

Receipt make_receipt(const store::StateDb& state, base::Time now) {
  Receipt receipt;
  receipt.time = now;
  receipt.tool = "airlock " AIRLOCK_VERSION;
  receipt.home = state.home_id().value_or("");
  std::map<store::ChannelKey, ReceiptChannel> channels;
  for (const auto& generation : state.generations()) {  // newest first
    const auto& key = generation.channel;
    auto [place, is_newest] = channels.try_emplace(key);
    auto& entry = place->second;
    if (is_newest) {
      entry = {.producer = key.producer,
               .channel = key.channel,
               .serial = generation.serial,
               .bundle_id = generation.bundle_id,
               .generation = generation.id,
               .created = generation.created,
               .imported = generation.imported};
      tell_versions(state, key, entry);
      state.for_each_row(generation.id, [&receipt](const model::FileRow& row) {
        if (row.kind == model::Kind::withheld && row.sha256) {
          receipt.withheld.push_back(*row.sha256);
        }
      });
    }
    if (generation.served()) {
      entry.active_generation = generation.id;
    }
  }
  for (const auto& key : state.channels()) {
    const auto withheld = state.withheld(key);
    receipt.withheld.insert(receipt.withheld.end(), withheld.begin(), withheld.end());
    const auto here = channels.find(key);
    if (auto beyond = floor_beyond(state, key, here == channels.end() ? nullptr : &here->second)) {
      receipt.floors.push_back(std::move(*beyond));
    }
  }
  for (auto& [key, entry] : channels) {
    entry.out_of_service = state.out_of_service(key).has_value();
    receipt.channels.push_back(std::move(entry));
  }
  sort_by_name(receipt.channels);
  sort_by_name(receipt.floors);
  std::sort(receipt.withheld.begin(), receipt.withheld.end());
  receipt.withheld.erase(std::unique(receipt.withheld.begin(), receipt.withheld.end()), receipt.withheld.end());
  for (const auto& revoked : state.revoked()) {
    if (!revoked.overridden) {
      receipt.revoked.push_back(fmt::format("{} {}", revoked.channel.channel, revoked.item));
    }
  }
  for (const auto& block : state.blocks()) {
    receipt.blocked.push_back(block.item);
  }
  receipt.blobs = blobs_to_count_on(state, receipt.channels);
  receipt.blobs_digest = digest_of_list(receipt.blobs);
  if (const auto last = state.last_audit_entry()) {
    receipt.audit_number = last->number;
    receipt.audit_head = last->digest;
  }
  return receipt;
}

std::vector<SiteBlob> missing_blobs(const store::StateDb& state, std::uint64_t generation,
                                    const store::BlobStore* blobs) {
  std::vector<SiteBlob> list;
  state.for_each_lacking_blob(generation, [&list](const base::Digest& sha256, std::uint64_t length) {
    list.push_back({sha256, length});
  });
  if (blobs == nullptr) {
    return list;
  }
  const auto found = state.generation(generation);
  const auto withheld = found ? state.withheld(found->channel) : std::set<base::Digest>();
  state.for_each_row(generation, [&](const model::FileRow& row) {
    if (row.sha256 && row.kind != model::Kind::withheld && row.kind != model::Kind::known &&
        !withheld.contains(*row.sha256)) {
      // A row that names no length has it in the list of blobs; one that is not there is missing already.
      const auto length = row.length ? row.length : state.blob_length(*row.sha256);
      if (length && !blobs->file_exists(*row.sha256, *length)) {
        list.push_back({*row.sha256, *length});
      }
    }
  });
  const auto by_digest = [](const SiteBlob& a, const SiteBlob& b) { return a.sha256 < b.sha256; };
  const auto same = [](const SiteBlob& a, const SiteBlob& b) { return a.sha256 == b.sha256; };
  std::sort(list.begin(), list.end(), by_digest);
  list.erase(std::unique(list.begin(), list.end(), same), list.end());
  return list;
}

void write_receipt(const Receipt& receipt, base::ByteSink& sink) {
  BufferedSink out(sink);
  auto header = header_json(receipt).dump(2);
  header.resize(header.size() - 2);  // its end, "\n}": the lists follow
  out.put(header);
  const auto hex = [](const base::Digest& digest) { return '"' + digest.hex() + '"'; };
  put_list(out, "withheld", receipt.withheld, hex);
  if (receipt.is_need()) {
    put_list(out, "missing", receipt.missing, [](const SiteBlob& blob) {
      return fmt::format(R"({{"sha256": "{}", "length": {}}})", blob.sha256.hex(), blob.length);
    });
  }
  put_list(out, "blobs", receipt.blobs, hex);
  out.put("\n}\n");
  out.flush();
}

void write_receipt_file(const Receipt& receipt, const std::filesystem::path& path) {
  auto folder = path.parent_path();
  if (folder.empty()) {
    folder = ".";
  }
  base::make_directories(folder);
  base::AtomicFile file(path);
  write_receipt(receipt, file);
  file.commit();
}

std::filesystem::path write_need_list(const Receipt& need, const store::StateDb& state,
                                      const std::filesystem::path& folder) {
  const auto name = fmt::format("need-{}-{}", need.need_channel, need.need_serial);
  auto path = folder / (name + ".json");
  if (store::shares_its_name({need.need_producer, need.need_channel}, state.channels()) ||
      is_of_another_producer(path, need)) {
    path = folder / fmt::format("{}-{}.json", name, need.need_producer.substr(0, store::k_producer_digits));
  }
  write_receipt_file(need, path);
  return path;
}

}  // namespace airlock::workflow
