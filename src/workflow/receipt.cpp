#include "workflow/receipt.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "bundle/layout.hpp"
#include "store/blob_store.hpp"
#include "store/state_db.hpp"
#include "trust/metadata.hpp"
#include "workflow/needed_blobs.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;
using base::Json;

constexpr int k_format = 1;
constexpr std::string_view k_receipt_kind = "airlock-receipt";
constexpr std::string_view k_need_kind = "airlock-need";
constexpr std::uint64_t k_receipt_limit = 1ull << 30;  // bytes of the file
constexpr std::size_t k_item_limit = 10'000'000;       // of all its lists; they are kept, 65 to 80 bytes each
constexpr std::size_t k_rest_limit = 1'000'000;        // values of everything else
constexpr std::size_t k_rest_bytes = 64u << 20;        // of their texts
constexpr std::array<std::string_view, 12> k_header_members = {"format",  "kind",        "time",         "tool",
                                                               "home",    "channels",    "audit",        "revoked",
                                                               "blocked", "blobs_count", "blobs_sha256", "need"};
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

// Both go on into what the connected side signs and keeps, whose readers take nothing else.
std::string digest_member(const Json& json, std::string_view key, std::string_view name) {
  auto text = base::string_member(json, key, name);
  if (!base::Digest::is_sha256_hex(text)) {
    throw Error(ErrorCode::malformed, fmt::format("{}: '{}' is no SHA-256 in 64 lower-case hex digits", name, key));
  }
  return text;
}

std::uint64_t number_member(const Json& json, std::string_view key, std::string_view name) {
  const auto number = base::uint_member(json, key, name);
  if (number > bundle::k_number_limit) {
    throw Error(ErrorCode::malformed, fmt::format("{}: '{}' is larger than any such number", name, key));
  }
  return number;
}

ReceiptChannel channel_from(const Json& json, std::string_view name) {
  ReceiptChannel channel;
  channel.producer = digest_member(json, "producer", name);
  channel.channel = base::string_member(json, "channel", name);
  channel.serial = number_member(json, "serial", name);
  channel.bundle_id = digest_member(json, "bundle_id", name);
  channel.generation = number_member(json, "generation", name);
  channel.active_generation = number_member(json, "active_generation", name);
  const auto out = json.find("out_of_service");  // absent: written before there was such a state
  channel.out_of_service = out != json.end() && out->is_boolean() && out->get<bool>();
  channel.created = base::parse_rfc3339(base::string_member(json, "created", name));
  channel.imported = base::parse_rfc3339(base::string_member(json, "imported", name));
  channel.root_version = number_member(json, "root_version", name);
  channel.snapshot_version = number_member(json, "snapshot_version", name);
  channel.snapshot_sha256 = base::string_member(json, "snapshot_sha256", name);
  return channel;
}

// Everything but the long lists, one member a line so that a person can read it.
Json header_json(const Receipt& receipt) {
  Json json = {{"format", k_format},
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
  if (receipt.is_need()) {
    json["need"] = {
        {"channel", receipt.need_channel}, {"serial", receipt.need_serial}, {"bundle_id", receipt.need_bundle_id}};
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

// Keeps the three long lists out of the tree: each of their items is taken when it is complete, and dropped. Of the
// rest only members that read_header() knows become part of it, and no more of them than a receipt has.
class ListReader {
 public:
  ListReader(Receipt& receipt, std::string_view name) : m_receipt(receipt), m_name(name) {}

  // False: what was parsed is dropped.
  bool operator()(int depth, Json::parse_event_t event, const Json& parsed) {
    using Event = Json::parse_event_t;
    if (event == Event::key && depth == 1) {
      m_key = parsed.get_ref<const std::string&>();
      m_is_known = std::ranges::find(k_header_members, m_key) != k_header_members.end();
      m_list = m_key == "missing"                        ? List::missing
               : m_key == "blobs" || m_key == "withheld" ? List::digests
                                                         : List::none;
      return m_is_known || m_list != List::none;
    }
    if (depth == 0) {
      return true;
    }
    if (m_list != List::none) {
      return take(depth, event, parsed);
    }
    if (m_is_known) {
      count(parsed, m_rest);
    }
    return m_is_known;
  }

 private:
  enum class List { none, digests, missing };
  struct Kept {
    std::size_t values = 0;
    std::size_t bytes = 0;  // of texts
  };

  // A piece of one of the long lists.
  bool take(int depth, Json::parse_event_t event, const Json& parsed) {
    using Event = Json::parse_event_t;
    const auto item_begins = m_list == List::missing ? Event::object_start : Event::value;
    if ((depth == 1 && event != Event::array_start && event != Event::array_end) ||
        (depth == 2 && event != item_begins && !(m_list == List::missing && event == Event::object_end))) {
      throw Error(ErrorCode::malformed, fmt::format("{} lists something that is no digest", m_name));
    }
    if (depth == 2 && event == Event::value) {
      add_item();
      (m_key == "blobs" ? m_receipt.blobs : m_receipt.withheld).push_back(digest(parsed));
      return false;
    }
    if (depth == 2 && event == Event::object_end) {
      add_item();
      m_receipt.missing.push_back(
          {digest(base::member(parsed, "sha256", m_name)), base::uint_member(parsed, "length", m_name)});
      m_item = {};
      return false;
    }
    count(parsed, m_item);
    return true;
  }

  void add_item() {
    if (++m_items > k_item_limit) {
      throw Error(ErrorCode::limit, fmt::format("{} lists more than {} digests", m_name, k_item_limit));
    }
  }

  void count(const Json& parsed, Kept& kept) const {
    kept.bytes += parsed.is_string() ? parsed.get_ref<const std::string&>().size() : 0;
    if (++kept.values > k_rest_limit || kept.bytes > k_rest_bytes) {
      throw Error(ErrorCode::limit, fmt::format("{} says more beside its lists than a receipt does", m_name));
    }
  }

  base::Digest digest(const Json& value) const {
    if (!value.is_string() || !base::Digest::is_sha256_hex(value.get_ref<const std::string&>())) {
      throw Error(ErrorCode::malformed, fmt::format("{} lists something that is no digest", m_name));
    }
    return base::Digest::parse_sha256_hex(value.get_ref<const std::string&>());
  }

  Receipt& m_receipt;
  std::string_view m_name;
  std::string m_key;        // of the member that is being read
  bool m_is_known = false;  // it belongs to the header
  List m_list = List::none;
  std::size_t m_items = 0;  // of all lists
  Kept m_rest;              // in the tree: values, and names and ends of containers
  Kept m_item;              // of the item that is being read
};

std::vector<std::string> texts_in(const Json& json, const char* key, std::string_view name) {
  std::vector<std::string> texts;
  if (!json.contains(key)) {
    return texts;  // written before there was such a list
  }
  for (const auto& text : json.at(key)) {
    if (!text.is_string()) {
      throw Error(ErrorCode::malformed, fmt::format("{}: '{}' is no list of texts", name, key));
    }
    texts.push_back(text.get<std::string>());
  }
  return texts;
}

void read_header(const Json& json, Receipt& receipt, std::string_view name) {
  const auto kind = base::string_member(json, "kind", name);
  if (kind != k_receipt_kind && kind != k_need_kind) {
    throw Error(ErrorCode::malformed, fmt::format("{} is neither a receipt nor a need list", name));
  }
  if (base::uint_member(json, "format", name) != k_format) {
    throw Error(ErrorCode::unsupported, fmt::format("{} was written by a newer airlock", name));
  }
  receipt.time = base::parse_rfc3339(base::string_member(json, "time", name));
  receipt.tool = base::string_member_or(json, "tool", "", name);
  receipt.home = base::string_member_or(json, "home", "", name);
  const auto& channels = base::member(json, "channels", name);
  if (!channels.is_array()) {
    throw Error(ErrorCode::malformed, fmt::format("{}: 'channels' is no list", name));
  }
  for (const auto& channel : channels) {
    receipt.channels.push_back(channel_from(channel, name));
  }
  const auto& audit = base::member(json, "audit", name);
  receipt.audit_number = number_member(audit, "number", name);
  receipt.audit_head = base::string_member(audit, "head", name);
  receipt.revoked = texts_in(json, "revoked", name);
  receipt.blocked = texts_in(json, "blocked", name);
  receipt.blobs_digest = base::Digest::parse_sha256_hex(base::string_member(json, "blobs_sha256", name));
  if (kind == k_need_kind) {
    const auto& need = base::member(json, "need", name);
    receipt.need_channel = base::string_member(need, "channel", name);
    receipt.need_serial = number_member(need, "serial", name);
    receipt.need_bundle_id = digest_member(need, "bundle_id", name);
  }
  // A list that was cut would make the producer leave out too little, one that was added to too much.
  if (!std::is_sorted(receipt.blobs.begin(), receipt.blobs.end()) ||
      digest_of_list(receipt.blobs) != receipt.blobs_digest) {
    throw Error(ErrorCode::tampered, fmt::format("{} was changed: its list does not hash to what it says", name))
        .with_hint("have the isolated side write it again with `airlock store receipt -o FILE`");
  }
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

template <typename Input>
Receipt parse(Input&& input, std::string_view name) {
  Receipt receipt;
  try {
    ListReader lists(receipt, name);
    const auto json =
        Json::parse(std::forward<Input>(input), [&lists](int depth, Json::parse_event_t event, Json& parsed) {
          return lists(depth, event, parsed);
        });
    read_header(json, receipt, name);
  } catch (const Json::exception&) {
    throw Error(ErrorCode::malformed, fmt::format("{} is no valid JSON", name))
        .with_hint("a receipt is written by `airlock import` and `airlock store receipt -o FILE`");
  }
  return receipt;
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
      if (const auto root = state.role(key, "root")) {
        entry.root_version = trust::parse_root(trust::parse_signed(*root, "root.json", trust::k_root_limit)).version;
      }
      if (const auto snapshot = state.role(key, "snapshot")) {
        entry.snapshot_version =
            trust::parse_snapshot(trust::parse_signed(*snapshot, "snapshot.json", trust::k_metadata_ceiling)).version;
        entry.snapshot_sha256 = base::sha256(*snapshot).hex();
      }
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
  for (auto& [key, entry] : channels) {
    const auto withheld = state.withheld(key);
    receipt.withheld.insert(receipt.withheld.end(), withheld.begin(), withheld.end());
    entry.out_of_service = state.out_of_service(key).has_value();
    receipt.channels.push_back(std::move(entry));
  }
  std::sort(receipt.channels.begin(), receipt.channels.end(), [](const auto& a, const auto& b) {
    return std::tie(a.channel, a.producer) < std::tie(b.channel, b.producer);
  });
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

Receipt parse_receipt(std::string_view text, std::string_view name) {
  return parse(text, name);
}

Receipt read_receipt(const std::filesystem::path& path) {
  const auto fd = base::open_for_reading(path);
  if (base::file_size(fd.get(), path.string()) > k_receipt_limit) {
    throw Error(ErrorCode::limit, fmt::format("{} is longer than any receipt", path.string()));
  }
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    throw Error(ErrorCode::io, fmt::format("cannot read {}", path.string()));
  }
  return parse(stream, path.filename().string());
}

bool looks_like_receipt(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  char first = 0;
  while (stream.get(first) && (first == ' ' || first == '\n' || first == '\r' || first == '\t')) {
  }
  return stream && first == '{';
}

}  // namespace airlock::workflow
