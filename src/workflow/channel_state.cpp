#include "workflow/channel_state.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/json.hpp"
#include "workflow/blob_plan.hpp"
#include "workflow/patient_lock.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

constexpr std::size_t k_list_limit = 4u << 20;        // bytes
constexpr std::size_t k_sendings_limit = 256u << 20;  // bytes: some 200'000 states; none is ever forgotten
constexpr std::size_t k_most_bundles = 50;

fs::path last_file(const fs::path& folder) {
  return folder / "last.airlock";
}
// Held for moments only: `lock_file` is held as long as a bundle is made, and people sign and seal others meanwhile.
fs::path lock_of_files(const fs::path& folder) {
  return folder / "last.lock";
}
fs::path before_last_file(const fs::path& folder) {
  return folder / "before-last.airlock";
}
// Only where both of those are drafts.
fs::path last_sealed_file(const fs::path& folder) {
  return folder / "last-sealed.airlock";
}
fs::path restored_file(const fs::path& folder) {
  return folder / "restored.json";
}
fs::path list_file(const fs::path& folder) {
  return folder / "bundles.json";
}
fs::path sendings_file(const fs::path& folder) {
  return folder / "sendings.json";
}

std::optional<bundle::Head> read_if_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored) ? std::optional(bundle::Head::read(path)) : std::nullopt;
}

void write_state(const fs::path& file, const bundle::HeadContents& contents) {
  const auto bytes = bundle::build_head(contents, std::nullopt, bundle::HeadEnd::alone);
  base::write_file_atomic(file, bytes.value());
}

base::Json read_sendings(const std::string& name) {
  const auto text = base::read_file_if_exists(name, k_sendings_limit);
  return text ? base::parse_json(*text, name, {.bytes = k_sendings_limit, .values = k_sendings_limit / 64})
              : base::Json{{"format", 1}, {"states", base::Json::object()}};
}

// Of the list: how often the channel came out of a backup. Of a state in it: how often it had by its last sending.
std::uint64_t restores_in(const base::Json& json, const std::string& name) {
  return json.contains("restores") ? base::uint_member(json, "restores", name) : 0;
}

WrittenBundle bundle_from(const base::Json& json, const std::string& name) {
  WrittenBundle bundle;
  bundle.serial = base::uint_member(json, "serial", name);
  bundle.set = base::string_member(json, "set", name);
  bundle.head = base::string_member(json, "head", name);
  for (const auto& volume : base::member(json, "volumes", name)) {
    bundle.volumes.emplace_back(volume.is_string() ? volume.get<std::string>() : "");
  }
  for (const auto& base : base::member(json, "bases", name)) {
    bundle.bases.push_back(
        {.serial = base::uint_member(base, "serial", name), .bundle_id = base::string_member(base, "bundle_id", name)});
  }
  return bundle;
}

base::Json to_json(const WrittenBundle& bundle) {
  base::Json volumes = base::Json::array();
  for (const auto& volume : bundle.volumes) {
    volumes.push_back(volume.string());
  }
  base::Json bases = base::Json::array();
  for (const auto& base : bundle.bases) {
    bases.push_back({{"serial", base.serial}, {"bundle_id", base.bundle_id}});
  }
  return {{"serial", bundle.serial},
          {"set", bundle.set},
          {"head", bundle.head.string()},
          {"volumes", volumes},
          {"bases", bases}};
}

}  // namespace

std::vector<std::string> written_channels(const Home& home) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entries(home.root / "channels", error), end; !error && entries != end;
       entries.increment(error)) {
    if (std::string name = entries->path().filename().string(); trust::is_channel_name(name)) {
      names.push_back(std::move(name));
    }
  }
  std::ranges::sort(names);
  return names;
}

std::optional<bundle::Head> ChannelState::last() const {
  return read_if_there(last_file(m_folder));
}

std::optional<bundle::Head> ChannelState::before_last() const {
  return read_if_there(before_last_file(m_folder));
}

std::optional<bundle::Head> ChannelState::last_before(std::uint64_t serial) const {
  for (auto head : {last(), before_last()}) {
    if (head && head->hint().serial < serial) {
      return head;
    }
  }
  return std::nullopt;
}

std::optional<bundle::Head> ChannelState::last_sealed() const {
  for (auto head : {last(), before_last(), read_if_there(last_sealed_file(m_folder))}) {
    if (head && !head->shipment().empty()) {
      return head;
    }
  }
  return std::nullopt;
}

std::vector<bundle::Head> ChannelState::statements() const {
  std::vector<bundle::Head> heads;
  for (const fs::path& file : {last_file(m_folder), before_last_file(m_folder), last_sealed_file(m_folder)}) {
    if (std::error_code ignored; !fs::exists(file, ignored)) {
      continue;
    }
    // One that is just being moved stands in two places.
    auto head = bundle::Head::read_statements(file);
    if (heads.empty() || head.hint().serial < heads.back().hint().serial) {
      heads.push_back(std::move(head));
    }
  }
  return heads;
}

std::optional<bundle::Head> ChannelState::find(const std::string& bundle_id) const {
  for (auto head : {last(), before_last()}) {
    if (head && bundle_id_of(head->contents()) == bundle_id) {
      return head;
    }
  }
  return std::nullopt;
}

void ChannelState::write_last(const bundle::HeadContents& contents) const {
  if (const auto before = last(); before && before->hint().serial < contents.hint.serial) {
    // A draft takes no place from what was sealed: that is what the sites have.
    if (const auto older = before_last(); older && before->shipment().empty() && !older->shipment().empty()) {
      write_state(last_sealed_file(m_folder), older->contents());
    }
    write_state(before_last_file(m_folder), before->contents());
  }
  write_state(last_file(m_folder), contents);
}

void ChannelState::add_state(const bundle::HeadContents& contents,
                             const std::optional<bundle::HeadContents>& previous) const {
  base::make_directories(m_folder, 0700);
  const base::FileLock lock = wait_for_lock(lock_of_files(m_folder));
  if (const auto known = last(); previous && (!known || known->hint().serial < previous->hint.serial)) {
    write_last(*previous);
  }
  write_last(contents);
  set_restored(std::nullopt);
  const std::string name = sendings_file(m_folder).string();
  if (const auto sendings = read_sendings(name); restores_in(sendings, name) > 0) {
    const auto timestamp = contents.metadata.find("timestamp.json");
    write_sending(bundle_id_of(contents),
                  {.shipment = 1, .timestamp = timestamp == contents.metadata.end() ? "" : timestamp->second});
  }
}

void ChannelState::update_state(const bundle::HeadContents& contents) const {
  std::error_code ignored;
  if (!fs::exists(last_file(m_folder), ignored)) {
    return;
  }
  const base::FileLock lock = wait_for_lock(lock_of_files(m_folder));
  if (const auto known = find(bundle_id_of(contents))) {
    write_state(known->file(), contents);
  }
}

std::vector<WrittenBundle> ChannelState::bundles() const {
  const std::string name = list_file(m_folder).string();
  const auto text = base::read_file_if_exists(name, k_list_limit);
  std::vector<WrittenBundle> all;
  if (text) {
    const base::Json json = base::parse_json(*text, name);
    for (const auto& one : base::member(json, "bundles", name)) {
      all.push_back(bundle_from(one, name));
    }
  }
  return all;
}

void ChannelState::add_bundle(const WrittenBundle& bundle) const {
  std::vector<WrittenBundle> all = bundles();
  std::erase_if(all, [&](const WrittenBundle& one) { return one.head == bundle.head; });
  all.insert(all.begin(), bundle);
  if (all.size() > k_most_bundles) {
    all.resize(k_most_bundles);
  }
  base::Json list = base::Json::array();
  for (const auto& one : all) {
    list.push_back(to_json(one));
  }
  base::make_directories(m_folder, 0700);
  const base::Json json = {{"format", 1}, {"bundles", list}};
  base::write_file_atomic(list_file(m_folder), json.dump(2) + "\n");
}

bool ChannelState::has_bundle(const WrittenBundle& bundle) const {
  return std::ranges::any_of(
      bundles(), [&](const WrittenBundle& one) { return one.head == bundle.head && one.set == bundle.set; });
}

std::optional<RestoredChannel> ChannelState::restored() const {
  const std::string name = restored_file(m_folder).string();
  const auto text = base::read_file_if_exists(name, k_list_limit);
  if (!text) {
    return std::nullopt;
  }
  const base::Json json = base::parse_json(*text, name);
  RestoredChannel restored{.serial = base::uint_member(json, "serial", name), .floor = {}};
  if (!base::member(json, "floor", name).is_null()) {
    restored.floor = base::uint_member(json, "floor", name);
  }
  return restored;
}

void ChannelState::set_restored(const std::optional<RestoredChannel>& restored) const {
  if (!restored) {
    std::error_code ignored;
    fs::remove(restored_file(m_folder), ignored);
    return;
  }
  const base::Json json = {{"format", 1},
                           {"serial", restored->serial},
                           {"floor", restored->floor ? base::Json(*restored->floor) : base::Json()}};
  base::make_directories(m_folder, 0700);
  base::write_file_atomic(restored_file(m_folder), json.dump(2) + "\n");
  // Each state's last sending remembers how many restores there had been.
  const std::string name = sendings_file(m_folder).string();
  base::Json sendings = read_sendings(name);
  sendings["restores"] = restores_in(sendings, name) + 1;
  base::write_file_atomic(name, sendings.dump(2) + "\n", 0600);
}

void ChannelState::require_newest(std::uint64_t known, bool continued) const {
  const auto restored = this->restored();
  if (!restored) {
    return;
  }
  if (restored->floor && known < *restored->floor) {
    throw Error(ErrorCode::base_missing,
                fmt::format("this home was restored from a backup and knows channel '{}' up to serial {}, but {} was "
                            "written since",
                            m_name, known, *restored->floor))
        .with_hint(fmt::format("give bundle {} or its head with --continue; a site's copy will do", *restored->floor));
  }
  if (!restored->floor && known < restored->serial) {
    throw Error(ErrorCode::base_missing,
                fmt::format("the keys of this home were restored from bundle '{0}' {1}, and it knows the channel up to "
                            "serial {2}; a serial that was used must not be used again",
                            m_name, restored->serial, known))
        .with_hint("give the newest bundle that was ever written, or its head, with --continue; a site's copy will do");
  }
  if (!restored->floor && !continued) {
    throw Error(ErrorCode::base_missing,
                fmt::format("this home was restored from a backup that knows channel '{}' up to serial {}; a serial "
                            "that was used since must not be used again",
                            m_name, restored->serial))
        .with_hint(fmt::format("give the newest bundle that was ever written, or its head, with --continue; if that is "
                               "serial {} itself: --continue {}",
                               restored->serial, last_file(m_folder).string()));
  }
}

std::optional<Sending> ChannelState::last_sending(const std::string& bundle_id) const {
  const std::string name = sendings_file(m_folder).string();
  const base::Json sendings = read_sendings(name);
  const base::Json& states = base::member(sendings, "states", name);
  const std::uint64_t restores = restores_in(sendings, name);
  if (!states.is_object() || !states.contains(bundle_id)) {
    return restores > 0 ? std::optional(Sending{.newest = false}) : std::nullopt;
  }
  const base::Json& state = states.at(bundle_id);
  return Sending{.shipment = base::uint_member(state, "shipment", name),
                 .timestamp = base::string_member(state, "timestamp", name),
                 .newest = restores_in(state, name) == restores};
}

void ChannelState::set_last_sending(const std::string& bundle_id, const Sending& sending) const {
  base::make_directories(m_folder, 0700);
  const base::FileLock lock = wait_for_lock(lock_of_files(m_folder));
  write_sending(bundle_id, sending);
}

void ChannelState::write_sending(const std::string& bundle_id, const Sending& sending) const {
  const std::string name = sendings_file(m_folder).string();
  base::Json sendings = read_sendings(name);
  base::Json state = {{"shipment", sending.shipment}, {"timestamp", sending.timestamp}};
  if (const std::uint64_t restores = restores_in(sendings, name); restores > 0) {
    state["restores"] = restores;
  }
  sendings["states"][bundle_id] = std::move(state);
  base::write_file_atomic(name, sendings.dump(2) + "\n", 0600);
}

std::vector<model::FileRow> rows_of(const bundle::HeadContents& contents) {
  std::vector<model::FileRow> rows;
  for (const auto& [target, text] : contents.targets) {
    const std::size_t slash = target.find('/');
    if (slash == std::string::npos || !std::string_view(target).substr(slash).starts_with("/catalog/")) {
      continue;
    }
    const std::string_view ecosystem = std::string_view(target).substr(0, slash);
    std::string_view left = text;
    for (std::size_t line = 1; !left.empty(); ++line) {
      const std::size_t end = std::min(left.find('\n'), left.size());
      rows.push_back(model::parse_row(left.substr(0, end), model::RowForm::catalog, ecosystem,
                                      fmt::format("{}:{}", target, line)));
      left.remove_prefix(std::min(end + 1, left.size()));
    }
  }
  std::ranges::sort(rows, model::row_before);
  return rows;
}

std::vector<base::Digest> state_digests(const bundle::HeadContents& contents) {
  std::vector<base::Digest> digests;
  for (const model::FileRow& row : rows_of(contents)) {
    if (has_blob(row) && row.sha256) {
      digests.push_back(*row.sha256);
    }
  }
  const std::string name(bundle::k_attachments_target);
  for (const auto& attachment : bundle::parse_attachments(contents.targets.at(name), name)) {
    digests.push_back(attachment.sha256);
  }
  std::ranges::sort(digests);
  digests.erase(std::unique(digests.begin(), digests.end()), digests.end());
  return digests;
}

NewestSnapshot newest_snapshot(const bundle::HeadContents& contents) {
  std::uint64_t newest = 0;
  NewestSnapshot snapshot;
  for (const auto& [name, text] : contents.metadata) {
    if (name.ends_with(".snapshot.json")) {
      trust::SignedFile file = trust::parse_signed(text, name, trust::k_metadata_ceiling);
      if (const std::uint64_t version = trust::parse_snapshot(file).version; version > newest) {
        newest = version;
        snapshot = {.name = name, .file = std::move(file)};
      }
    }
  }
  if (newest == 0) {
    throw Error(ErrorCode::malformed, "the head has no snapshot");
  }
  return snapshot;
}

std::string bundle_id_of(const bundle::HeadContents& contents) {
  return trust::identity(newest_snapshot(contents).file).hex();
}

}  // namespace airlock::workflow
