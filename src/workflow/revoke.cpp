#include "workflow/revoke.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "bundle/authoring.hpp"
#include "bundle/layout.hpp"
#include "bundle/volume_writer.hpp"
#include "model/item.hpp"
#include "workflow/base_state.hpp"
#include "workflow/blob_plan.hpp"
#include "workflow/carry_set.hpp"
#include "workflow/channel_state.hpp"
#include "workflow/known_item.hpp"
#include "workflow/revocation.hpp"
#include "workflow/run_journal.hpp"
#include "workflow/ship_plan.hpp"
#include "workflow/target.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using bundle::Revoked;

std::string only_channel(const Home& home) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(home.root / "channels", ignored)) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  if (names.empty()) {
    throw Error(ErrorCode::not_found, fmt::format("no bundle was made in {} yet", home.root.string()))
        .with_hint("name the home that made it with --home");
  }
  if (names.size() > 1) {
    throw Error(ErrorCode::usage, "this home has several channels")
        .with_hint("name one with --channel: " + base::join(names, ", "));
  }
  return names.front();
}

class RevokeRun {
 public:
  RevokeRun(const Home& home, const RevokeOptions& options, const KeyRing& keys, const base::Clock& clock,
            base::Reporter& reporter)
      : m_home(home), m_options(options), m_reporter(reporter), m_signers(keys.signing_set()),
        m_now(base::build_time(clock)), m_name(options.channel.empty() ? only_channel(home) : options.channel),
        m_channel(home, m_name), m_target(find_target(options.output)), m_journal(m_channel.folder() / "revoke") {}

  RevokeReport run() {
    if (m_options.items.empty() || base::trim(m_options.reason).empty()) {
      throw Error(ErrorCode::usage, "revoking needs what is revoked, and a reason")
          .with_hint("airlock bundle revoke sha256:… --reason TEXT");
    }
    base::make_directories(m_channel.folder(), 0700);
    const base::FileLock lock(m_channel.lock_file());
    base::remove_leftovers(m_channel.folder());
    base::remove_leftovers(m_target.folder);
    take_up_interrupted();
    if (!m_report.continued) {
      find_state();
    }
    collect();
    choose_names();
    write();
    carry();
    m_journal.end();
    return std::move(m_report);
  }

 private:
  // An earlier call of the same command that was stopped after it had signed its statement, which is the channel's
  // newest state then. It may go to another place than before.
  void take_up_interrupted() {
    base::Json wish = {{"items", m_options.items}, {"reason", m_options.reason}};
    m_run.wish = base::sha256(wish.dump());
    const auto interrupted = m_journal.read();
    const auto last = m_channel.last();
    if (!interrupted || !last || interrupted->plan.wish != m_run.wish) {
      return;
    }
    m_contents = last->contents();
    if (bundle_id_of(m_contents) != interrupted->plan.bundle_id) {
      return;
    }
    m_run = interrupted->plan;
    m_serial = m_run.serial;
    m_rows = rows_of(m_contents);
    m_state = m_channel.last_before(m_serial);
    if (m_state) {
      m_last = m_state->contents();
    }
    m_report.continued = true;
    m_reporter.say(fmt::format("continuing the revocation that was interrupted (serial {})", m_serial));
  }

  // The newest head gives the versions; the newest sealed one what the channel holds.
  void find_state() {
    auto last = m_channel.last();
    if (m_options.continue_from) {
      last = continue_channel(m_home, m_name, last, *m_options.continue_from, m_reporter);
    }
    if (!last) {
      throw Error(ErrorCode::not_found, fmt::format("this home made no bundle of the channel '{}'", m_name))
          .with_hint("a revocation is made by the home that makes the channel's bundles; name it with --home");
    }
    m_channel.require_newest(last->hint().serial, m_options.continue_from.has_value());
    m_last = last->contents();
    m_serial = last->hint().serial + 1;
    m_state = last;
    if (last->shipment().empty()) {
      m_state = m_channel.last_sealed();
      if (!m_state) {
        throw Error(ErrorCode::conflict, fmt::format("serial {} of '{}' is a draft, and this home knows no older state "
                                                     "that was sealed",
                                                     last->hint().serial, m_name))
            .with_hint("nothing that is not sealed is at any site; sign and seal it first");
      }
      m_reporter.warning(fmt::format("serial {} is a draft and is passed over: this goes on from serial {}; make what "
                                     "the draft was to bring again afterwards",
                                     last->hint().serial, m_state->hint().serial));
    }
    m_contents = m_state->contents();
    m_rows = rows_of(m_contents);
  }

  void collect() {
    std::set<std::string> taken;
    for (const Revoked& revoked : revoked_in(m_last)) {
      taken.insert(revoked.item);
    }
    for (const std::string& text : m_options.items) {
      for (std::string& item : items_for(known_item(text))) {
        if (taken.insert(item).second) {
          m_report.added.emplace_back(std::move(item), m_options.reason);
        }
      }
    }
    if (m_report.added.empty()) {
      throw Error(ErrorCode::conflict, "all of this is revoked already")
          .with_hint(fmt::format("`airlock bundle ship {} --metadata -o DIR/` writes the statement again",
                                 (m_channel.folder() / "last.airlock").string()));
    }
    static_cast<void>(bundle::revoked_text(m_report.added));  // throws for a reason that cannot travel
    const Revocations revocations(m_report.added);
    for (const model::FileRow& row : m_rows) {
      m_report.files += revocations.find(row) != nullptr ? 1U : 0U;
    }
    if (m_report.files == 0) {
      m_reporter.warning("the newest state has nothing of it; sites that hold it from an earlier one stop serving it "
                         "all the same");
    }
    m_report.revoked = taken.size();
  }

  // A name means the artifacts that are called so now; what travels are their package URLs.
  std::vector<std::string> items_for(const model::Item& item) const {
    const std::string& text = item.text();
    if (text.starts_with("pkg:") || (item.digest() && item.digest()->algorithm() == base::HashAlgorithm::sha256)) {
      return {text};
    }
    std::set<std::string> found;
    for (const model::FileRow& row : m_rows) {
      if (has_blob(row) && item.matches(row)) {
        found.insert(row.artifact);
      }
    }
    if (found.empty()) {
      throw Error(ErrorCode::not_found, fmt::format("the newest state of '{}' has nothing called '{}'", m_name, text))
          .with_hint("name its package URL or its sha256 digest; `airlock bundle inspect` shows them");
    }
    if (item.is_unversioned()) {
      m_reporter.note(
          fmt::format("'{}' takes back what is called so in the newest state, and no later version; a package "
                      "URL without a version takes back all",
                      text));
    }
    return {found.begin(), found.end()};
  }

  void choose_names() {
    m_stem = bundle::bundle_stem(m_name, m_serial, 1);
    if (m_report.continued) {
      return;
    }
    require_no_later_bundles(m_target, m_name, m_serial);
    require_free(m_target, m_stem);
  }

  bundle::AuthoredState author() const {
    const std::string descriptor_name(bundle::k_descriptor_target);
    const auto descriptor = bundle::parse_descriptor(m_contents.targets.at(descriptor_name), descriptor_name);
    const std::string attachments_name(bundle::k_attachments_target);
    bundle::StateInput input;
    input.lock.channel = m_name;
    input.lock.platforms = descriptor.platforms;
    input.lock.request = descriptor.request;
    input.lock.waivers = descriptor.waivers;
    input.lock.rows = m_rows;
    input.serial = m_serial;
    input.created = m_now;
    input.attachments = bundle::parse_attachments(m_contents.targets.at(attachments_name), attachments_name);
    input.revoked = m_report.added;
    input.previous = m_last;
    return base::with_context([] { return "signing the revocation"; },
                              [&] { return bundle::author_state(input, m_signers); });
  }

  bundle::Shipment shipment(const bundle::HeadContents& head) const {
    bundle::Shipment shipment;
    shipment.kind = bundle::Shipment::Kind::metadata;
    std::vector<base::Digest> omitted = state_digests(head);
    shipment.omitted_blobs = omitted.size();
    shipment.omitted = bundle::omitted_digest(std::move(omitted));
    return shipment;
  }

  // The signed statement; of an interrupted run, the very same.
  bundle::HeadContents head_to_write() {
    bundle::AuthoredState state;
    if (m_report.continued) {
      state = {.head = m_contents, .bundle_id = m_run.bundle_id, .approved = count_approvals() >= m_report.threshold};
    } else {
      state = author();
      state.head.oci_index = bundle::build_oci_index({}, [](const base::Digest&) { return false; });
    }
    m_report.bundle_id = state.bundle_id;
    if (state.approved && m_signers.signers.contains("timestamp")) {
      bundle::seal(state.head, shipment(state.head), m_now, m_signers);
      m_report.sealed = true;
    }
    return std::move(state.head);
  }

  void write() {
    m_report.threshold = newest_root().roles.at("snapshot").threshold;
    m_report.channel = m_name;
    m_report.serial = m_serial;
    m_report.bundle = m_target.head(m_stem);
    if (!is_in_place()) {
      m_contents = head_to_write();
      put_in_place();
    }
    m_report.approvals = count_approvals();
    m_channel.add_bundle({.serial = m_serial,
                          .set = m_contents.hint.set,
                          .head = fs::absolute(m_report.bundle),
                          .volumes = {},
                          .bases = {}});
  }

  // By an interrupted run; somebody may have approved it there since.
  bool is_in_place() {
    std::error_code ignored;
    if (!m_report.continued || !fs::exists(m_report.bundle, ignored)) {
      return false;
    }
    const bundle::HeadContents present = bundle::Head::read(m_report.bundle).contents();
    if (bundle_id_of(present) != m_run.bundle_id) {
      throw Error(ErrorCode::conflict, fmt::format("{} exists already and is another bundle", m_report.bundle.string()))
          .with_hint("name another place with -o, or move it away; existing files are never overwritten");
    }
    m_contents = present;
    m_report.bundle_id = m_run.bundle_id;
    m_report.sealed = !present.shipment.empty();
    m_report.bytes = fs::file_size(m_report.bundle);
    return true;
  }

  void put_in_place() {
    bundle::OutputPlan plan;
    plan.directory = m_target.folder;
    plan.stem = m_target.stem_of(m_stem);
    plan.single_file = m_target.file;
    plan.volume_size = k_any_volume_size;
    plan.hint = m_contents.hint;
    plan.mtime = static_cast<std::uint64_t>(base::parse_rfc3339(m_contents.hint.created).time_since_epoch().count());
    base::make_directories(m_target.folder);
    bundle::BundleOutput output(plan);
    const auto result = output.finish([&](std::optional<std::uint64_t>) {
      claim_serial();
      return bundle::build_head(m_contents, std::nullopt, bundle::HeadEnd::alone, bundle::k_spare_room);
    });
    m_report.bytes = result.bytes;
  }

  // Before the head has its name: no other state may ever get this serial.
  void claim_serial() {
    if (!m_report.continued) {
      m_run.serial = m_serial;
      m_run.created = m_now;
      m_run.head = m_report.bundle;
      m_run.stem = m_stem;
      m_run.bundle_id = m_report.bundle_id;
      model::Lock no_rows;
      no_rows.channel = m_name;
      m_journal.begin(m_run, no_rows);
    }
    m_channel.add_state(m_contents, m_last);
  }

  trust::Root newest_root() const {
    return trust::parse_root(trust::parse_signed(m_signers.roots.back(), "this home's root", trust::k_root_limit));
  }

  std::uint64_t count_approvals() const {
    const trust::Root root = newest_root();
    return trust::count_signers(newest_snapshot(m_contents).file, root.roles.at("snapshot"), root.keys);
  }

  void carry() {
    CarryOptions options;
    options.head = m_report.bundle;
    options.stem = m_stem;
    options.extent = m_target.whole_set() ? CarryOptions::Extent::whole_set : CarryOptions::Extent::nothing;
    options.root = m_signers.roots.back();
    options.present = m_report.continued ? CarryOptions::Present::replace : CarryOptions::Present::refuse;
    options.previous = m_state;
    options.now = m_now;
    options.readback = m_options.readback;
    const CarryReport carried = write_carry_set(m_home, options, m_reporter);
    m_report.others = carried.files;
    m_report.read_back = carried.read_back;
    m_report.removable = carried.removable;
  }

  const Home& m_home;
  const RevokeOptions& m_options;
  base::Reporter& m_reporter;
  const bundle::SigningSet m_signers;
  const base::Time m_now;
  const std::string m_name;
  const ChannelState m_channel;
  const Target m_target;
  RunJournal m_journal;
  RunPlan m_run;

  bundle::HeadContents m_last;
  std::optional<bundle::Head> m_state;
  bundle::HeadContents m_contents;  // of m_state; the statement itself once it is made
  std::vector<model::FileRow> m_rows;
  std::uint64_t m_serial = 0;
  std::string m_stem;
  RevokeReport m_report;
};

}  // namespace

RevokeReport revoke(const Home& home, const RevokeOptions& options, const KeyRing& keys, const base::Clock& clock,
                    base::Reporter& reporter) {
  return RevokeRun(home, options, keys, clock, reporter).run();
}

}  // namespace airlock::workflow
