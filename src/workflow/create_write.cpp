// The second half of a `bundle create`: writing, signing, and what comes after.
#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/layout.hpp"
#include "trust/root_authoring.hpp"
#include "workflow/bundle_filler.hpp"
#include "workflow/carry_set.hpp"
#include "workflow/create_run.hpp"
#include "workflow/layout_rows.hpp"
#include "workflow/newer_root.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

constexpr std::uint64_t k_shipment_number = bundle::k_first_shipment;

}  // namespace

bundle::OutputPlan CreateRun::output_plan() const {
  bundle::OutputPlan plan;
  plan.directory = m_target.folder;
  plan.stem = m_run.stem;
  plan.single_file = m_target.file;
  plan.volume_size = m_run.volume_size;
  plan.head_room = m_run.head_room;
  plan.hint = bundle::head_hint(m_wish.channel, m_run.serial, k_shipment_number, m_run.created);
  plan.mtime = static_cast<std::uint64_t>(m_run.created.time_since_epoch().count());
  plan.volumes = m_run.volumes;
  return plan;
}

void CreateRun::begin_output() {
  base::make_directories(m_target.folder);
  if (!m_interrupted) {
    model::Lock lock = m_state;
    remove_layout_rows(lock);
    m_journal.begin(m_run, lock);
    m_output.emplace(output_plan());
  }
}

void CreateRun::fill() {
  FillOptions options;
  options.window = m_options.window;
  options.window.spool_directory = m_journal.folder() / "spool";
  options.digests = m_options.lock ? DigestsFrom::given_lock : DigestsFrom::this_run;
  options.held = m_held;
  options.volume_size = m_run.volume_size;
  if (m_interrupted) {
    std::vector<bundle::WrittenBlob> expected = known_prefix(m_plan);
    if (m_documents && expected.size() == m_plan.blobs.size()) {
      for (const auto& attachment : m_documents->attachments) {
        expected.push_back({.sha256 = attachment.sha256, .length = attachment.length});
      }
    }
    m_output.emplace(bundle::BundleOutput::resume(output_plan(), expected, options.complete, options.begun));
    if (options.complete >= m_plan.blobs.size()) {
      // Everything that is fetched is there; a document that was begun is written anew.
      options.complete = m_plan.blobs.size();
      options.begun = 0;
    }
  }
  BundleFiller filler(m_state, m_plan, *m_sources, *m_output, m_journal, m_reporter, options);
  filler.run();
  share_lengths(m_state);
  m_plan.omitted.insert(m_plan.omitted.end(), filler.left_out().begin(), filler.left_out().end());
  std::ranges::sort(m_plan.omitted);
  m_plan.omitted.erase(std::unique(m_plan.omitted.begin(), m_plan.omitted.end()), m_plan.omitted.end());
  if (!m_documents) {
    m_documents = make_documents(m_state, m_run.created, m_run.serial, m_signers);
  }
  if (m_scan && !signed_documents()) {
    scan();
  }
  write_documents(*m_documents, *m_output);
  m_report.bytes_written += filler.bytes_spooled();
}

bundle::Shipment CreateRun::make_shipment(const bundle::AuthoredState& state) {
  bundle::Shipment shipment;
  shipment.channel = m_wish.channel;
  shipment.serial = m_run.serial;
  shipment.number = k_shipment_number;
  shipment.bundle_id = state.bundle_id;
  shipment.kind = m_bases.empty() ? bundle::Shipment::Kind::full : bundle::Shipment::Kind::delta;
  shipment.bases = named_bases(m_bases);
  shipment.volumes = m_output->volumes();
  for (const bundle::WrittenBlob& blob : m_output->written()) {
    ++shipment.blobs;
    shipment.bytes += blob.length;
  }
  shipment.omitted = bundle::omitted_digest(m_plan.omitted);
  shipment.omitted_blobs = m_plan.omitted.size();
  return shipment;
}

// The head's bytes for `room`, or as a file of its own. Called when all blobs are written; a second time when they did
// not fit, with other volumes than before.
std::optional<std::string> CreateRun::head_bytes(const bundle::AuthoredState& state,
                                                 std::optional<std::uint64_t> room) {
  m_head = state.head;
  m_shipment = make_shipment(state);
  const bool may_seal = m_signers.signers.contains("timestamp");
  if (m_shipment.kind != bundle::Shipment::Kind::full || !m_shipment.volumes.empty()) {
    std::vector<model::FileRow> images;
    std::ranges::copy_if(m_state.rows, std::back_inserter(images),
                         [](const model::FileRow& row) { return row.ecosystem == "oci" && has_blob(row); });
    m_head.oci_index = bundle::build_oci_index(
        images, [&](const base::Digest& digest) { return m_shipment.volumes.empty() && m_output->contains(digest); });
  }
  if (state.approved && may_seal) {
    bundle::seal(m_head, m_shipment, base::build_time(m_clock), m_signers);
    m_report.sealed = true;
  } else {
    m_head.hint = output_plan().hint;
    m_head.hint.volumes = m_shipment.volumes.size();
  }
  const bool alone = !room;
  auto bytes = bundle::build_head(m_head, room, alone ? bundle::HeadEnd::alone : bundle::HeadEnd::blobs_follow,
                                  alone ? bundle::k_spare_room : 0);
  if (bytes) {
    claim_serial();
  }
  return bytes;
}

bundle::BundleOutput::Result CreateRun::author() {
  refuse_revoked();
  require_belonging();
  const bundle::AuthoredState state =
      base::with_context([] { return "signing the bundle"; },
                         [&] {
                           return m_signed ? signed_state()
                                           : bundle::author_state({.lock = m_state,
                                                                   .serial = m_run.serial,
                                                                   .created = m_run.created,
                                                                   .attachments = m_documents->attachments,
                                                                   .revoked = {},
                                                                   .previous = m_previous},
                                                                  m_signers);
                         });
  m_report.bundle_id = state.bundle_id;
  const auto result = m_output->finish([&](std::optional<std::uint64_t> room) { return head_bytes(state, room); });
  m_report.blobs_included = m_shipment.blobs;
  m_report.blobs_omitted = m_shipment.omitted_blobs;
  m_report.bytes_written += m_output->bytes_written();
  m_report.volume_count = result.volumes.size();
  m_digests = result.digests;
  add_bundle(result.head, result.volumes);
  m_report.bytes_fetched = m_client->bytes_received();
  m_report.bytes_reused = m_sources->bytes_reused();
  const auto cadence = trust::find_cadence(m_signers.cadence);
  if (cadence && m_run.created + trust::lifetime("timestamp", *cadence) < m_clock.now()) {
    m_reporter.warning("SOURCE_DATE_EPOCH lies so far back that this bundle has expired already");
  }
  return result;
}

void CreateRun::carry() {
  CarryOptions options;
  options.head = m_report.bundle;
  options.volumes = m_report.volumes;
  options.digests = m_digests;
  options.stem = bundle::bundle_stem(m_wish.channel, m_run.serial, k_shipment_number);
  using Extent = CarryOptions::Extent;
  options.extent = m_target.whole_set() ? Extent::whole_set : m_run.learns ? Extent::lock_only : Extent::nothing;
  options.root = m_signers.roots.back();
  options.present = m_finished ? CarryOptions::Present::replace : CarryOptions::Present::refuse;
  model::Lock lock = m_state;
  remove_layout_rows(lock);
  options.lock = lock.to_text();
  options.previous = m_previous_head;
  options.now = base::build_time(m_clock);
  options.readback = m_options.readback;
  const CarryReport carried = write_carry_set(m_home, options, m_reporter);
  m_report.others = carried.files;
  m_report.bytes_written += carried.bytes_written;
  m_report.read_back = carried.read_back;
  m_report.removable = carried.removable;
  m_report.fingerprint =
      trust::identity(trust::parse_signed(options.root, "this home's root", trust::k_root_limit)).hex();
}

void CreateRun::remember() {
  const trust::Root root =
      trust::parse_root(trust::parse_signed(m_signers.roots.back(), "this home's root", trust::k_root_limit));
  m_report.threshold = root.roles.at("snapshot").threshold;
  m_report.approvals = trust::count_signers(newest_snapshot(m_head).file, root.roles.at("snapshot"), root.keys);
  m_report.one_home_approves = one_home_approves(m_home);
  if (m_report.one_home_approves) {
    m_reporter.warning(k_one_home_approves);
  }
  if (const auto warning = pending_root_warning(m_home); warning && m_head.shipment.empty()) {
    m_reporter.warning(*warning);
  }
  add_bundle(m_report.bundle, m_report.volumes);
  m_journal.end();
}

void CreateRun::add_bundle(const fs::path& head, const std::vector<fs::path>& volumes) const {
  const WrittenBundle written{.serial = m_run.serial,
                              .set = m_head.hint.set,
                              .head = fs::absolute(head),
                              .volumes = volumes,
                              .bases = named_bases(m_bases)};
  if (!m_channel.has_bundle(written)) {
    m_channel.add_bundle(written);
  }
}

void CreateRun::tell_of_changes(CreateReport& result) const {
  ArtifactList before;
  ArtifactList after;
  std::vector<model::FileRow> old_rows;
  if (m_previous) {
    result.previous_serial = m_previous_serial;
    old_rows = rows_of(*m_previous);
  }
  for (const model::FileRow& row : old_rows) {
    before.add(row);
  }
  for (const model::FileRow& row : m_state.rows) {
    after.add(row);
  }
  result.changes = compare(before, after);
  result.unchanged = m_previous && same_content(old_rows, m_state.rows);
}

}  // namespace airlock::workflow
