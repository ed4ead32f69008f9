// Reading what came back on a medium: a receipt or need list that nobody signed, and that may be of any size.
#include <algorithm>
#include <array>
#include <fstream>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "bundle/layout.hpp"
#include "workflow/receipt.hpp"
#include "workflow/receipt_format.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;
using base::Json;

constexpr std::uint64_t k_receipt_limit = 1ull << 30;  // bytes of the file
constexpr std::size_t k_item_limit = 10'000'000;       // of all its lists; they are kept, 65 to 80 bytes each
constexpr std::size_t k_rest_limit = 1'000'000;        // values of everything else
constexpr std::size_t k_rest_bytes = 64u << 20;        // of their texts
constexpr std::array<std::string_view, 13> k_header_members = {
    "format", "kind",    "time",    "tool",        "home",         "channels", "floors",
    "audit",  "revoked", "blocked", "blobs_count", "blobs_sha256", "need"};

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

// A home takes it into its state, and file names are made of it.
std::string channel_member(const Json& json, std::string_view name) {
  auto text = base::string_member(json, "channel", name);
  if (!bundle::is_channel_name(text)) {
    throw Error(ErrorCode::malformed,
                fmt::format("{}: '{}' is no name of a channel", name, base::printable(text, 100)));
  }
  return text;
}

// What a ReceiptChannel and a ReceiptFloor have in common.
template <typename Entry>
Entry entry_from(const Json& json, std::string_view name) {
  Entry entry;
  entry.producer = digest_member(json, "producer", name);
  entry.channel = channel_member(json, name);
  entry.serial = number_member(json, "serial", name);
  entry.root_version = number_member(json, "root_version", name);
  entry.snapshot_version = number_member(json, "snapshot_version", name);
  return entry;
}

ReceiptChannel channel_from(const Json& json, std::string_view name) {
  auto channel = entry_from<ReceiptChannel>(json, name);
  channel.bundle_id = digest_member(json, "bundle_id", name);
  channel.generation = number_member(json, "generation", name);
  channel.active_generation = number_member(json, "active_generation", name);
  const auto out = json.find("out_of_service");  // absent: written before there was such a state
  channel.out_of_service = out != json.end() && out->is_boolean() && out->get<bool>();
  channel.created = base::parse_rfc3339(base::string_member(json, "created", name));
  channel.imported = base::parse_rfc3339(base::string_member(json, "imported", name));
  channel.snapshot_sha256 = base::string_member(json, "snapshot_sha256", name);
  return channel;
}

ReceiptFloor floor_from(const Json& json, std::string_view name) {
  auto floor = entry_from<ReceiptFloor>(json, name);
  floor.bundle_id = json.contains("bundle_id") ? digest_member(json, "bundle_id", name) : std::string();
  floor.out_of_service = base::member(json, "out_of_service", name) == true;
  return floor;
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
  if (base::uint_member(json, "format", name) != k_receipt_format) {
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
  if (const auto floors = json.find("floors"); floors != json.end()) {  // absent: none, or written by an older airlock
    if (!floors->is_array()) {
      throw Error(ErrorCode::malformed, fmt::format("{}: 'floors' is no list", name));
    }
    for (const auto& floor : *floors) {
      receipt.floors.push_back(floor_from(floor, name));
    }
  }
  const auto& audit = base::member(json, "audit", name);
  receipt.audit_number = number_member(audit, "number", name);
  receipt.audit_head = base::string_member(audit, "head", name);
  receipt.revoked = texts_in(json, "revoked", name);
  receipt.blocked = texts_in(json, "blocked", name);
  receipt.blobs_digest = base::Digest::parse_sha256_hex(base::string_member(json, "blobs_sha256", name));
  if (kind == k_need_kind) {
    const auto& need = base::member(json, "need", name);
    receipt.need_channel = channel_member(need, name);
    receipt.need_producer = need.contains("producer") ? digest_member(need, "producer", name) : std::string();
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
