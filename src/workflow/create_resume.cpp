// What an earlier `bundle create` left when it was interrupted: before its state was signed, after that, or after the
// bundle had its name.
#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "bundle/layout.hpp"
#include "trust/dsse.hpp"
#include "workflow/blob_plan.hpp"
#include "workflow/create_run.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

constexpr std::string_view k_documents = "documents";

bool has_its_name(const RunPlan& plan, const std::string& channel) {
  std::error_code ignored;
  if (!fs::is_regular_file(plan.head, ignored)) {
    return false;
  }
  try {
    return bundle::Head::read(plan.head).hint().set == bundle::set_id(channel, plan.serial, 1, plan.created);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::interrupted) {
      throw;
    }
    return false;
  }
}

WrittenBundle bundle_at(const RunPlan& plan, const bundle::Head& head) {
  WrittenBundle written{
      .serial = plan.serial, .set = head.hint().set, .head = fs::absolute(plan.head), .volumes = {}, .bases = {}};
  for (std::uint64_t volume = 1; volume <= head.hint().volumes; ++volume) {
    written.volumes.push_back(written.head.parent_path() / bundle::volume_file_name(plan.stem, volume));
  }
  return written;
}

}  // namespace

void CreateRun::find_interrupted() {
  m_run.wish = digest_of(m_wish, m_options, m_bases, m_target);
  auto found = m_options.dry_run ? std::nullopt : m_journal.read();
  if (!found) {
    return;
  }
  const bool finished = has_its_name(found->plan, m_wish.channel);
  std::optional<bundle::HeadContents> last;
  if (const auto head = m_channel.last()) {
    last = head->contents();
  }
  if (m_options.restart || found->plan.wish != m_run.wish) {
    if (!m_options.restart && !finished) {
      require_same_place(*found);
    }
    if (finished) {
      keep_finished(found->plan, last);
    }
    drop(found->plan);
    return;
  }
  m_run = found->plan;
  m_finished = finished;
  if (last && !m_run.bundle_id.empty() && bundle_id_of(*last) == m_run.bundle_id) {
    m_signed = std::move(last);
  }
  m_interrupted = std::move(found);
}

// Another place is a slip of the fingers more often than a decision, and what lies there may have taken hours.
void CreateRun::require_same_place(const RunJournal::Interrupted& found) const {
  const auto partial = total_size(partial_files(found.plan.head, found.plan.stem));
  const fs::path folder = fs::absolute(found.plan.head).lexically_normal().parent_path();
  const fs::path wanted = (m_target.folder / "").lexically_normal().parent_path();
  if (partial == 0 || folder == wanted) {
    return;
  }
  throw Error(ErrorCode::conflict, fmt::format("an interrupted run of this channel is in {} (serial {}, {} so far)",
                                               folder.string(), found.plan.serial, base::format_bytes(partial)))
      .with_hint("give the same -o to continue it, or --restart to drop it and begin anew");
}

void CreateRun::take_up_interrupted() {
  if (m_interrupted && !has_signed() && m_run.serial != m_previous_serial + 1) {
    drop(m_run);
    m_run = {.wish = m_run.wish};
    m_interrupted.reset();
  }
  if (!has_signed()) {
    m_channel.require_newest(m_previous_serial, m_options.continue_from.has_value());
  }
  if (!m_interrupted) {
    return;
  }
  m_journal.go_on(*m_interrupted);
  m_report.continued = true;
  m_reporter.say(
      fmt::format("continuing the run that was interrupted (serial {}); --restart would begin anew", m_run.serial));
}

// A bundle that somebody may carry away is known here, although its run did not come to its end.
void CreateRun::keep_finished(const RunPlan& plan, const std::optional<bundle::HeadContents>& last) {
  const bundle::Head head = bundle::Head::read(plan.head);
  if (!last || last->hint.serial < plan.serial) {
    m_channel.add_state(head.contents(), std::nullopt);
  }
  WrittenBundle written = bundle_at(plan, head);
  if (!head.shipment().empty()) {
    const auto envelope = trust::parse_envelope(head.shipment(), "shipment", bundle::Head::k_head_memory);
    written.bases = bundle::parse_shipment(envelope.payload, "shipment").bases;
  }
  if (!m_channel.has_bundle(written)) {
    m_channel.add_bundle(written);
  }
}

void CreateRun::drop(const RunPlan& plan) {
  if (const auto partial = total_size(partial_files(plan.head, plan.stem)); partial > 0 && !m_options.restart) {
    m_reporter.warning(fmt::format("something else is asked for than by the run for serial {} that was interrupted: "
                                   "the {} that it left in {} are dropped",
                                   plan.serial, base::format_bytes(partial), plan.head.parent_path().string()));
  }
  for (const fs::path& file : partial_files(plan.head, plan.stem)) {
    std::error_code ignored;
    fs::remove(file, ignored);
  }
  m_journal.end();
}

// The bundle has its names, but the run did not come to its end.
void CreateRun::load_finished() {
  m_state = m_interrupted->lock;
  share_lengths(m_state);
  const bundle::Head head = bundle::Head::read(m_run.head);
  m_head = head.contents();
  m_report.bundle = m_run.head;
  m_report.sealed = !head.shipment().empty();
  m_report.bundle_id = bundle_id_of(m_head);
  m_report.volumes = bundle_at(m_run, head).volumes;
  m_report.volume_count = m_report.volumes.size();
  m_report.bytes = fs::file_size(m_run.head) + total_size(m_report.volumes);
  if (const auto last = m_channel.last(); !last || last->hint().serial < m_run.serial) {
    m_channel.add_state(m_head, m_previous);
  }
}

std::optional<StateDocuments> CreateRun::signed_documents() const {
  if (!m_signed) {
    return std::nullopt;
  }
  const std::string name(bundle::k_attachments_target);
  return load_documents(bundle::parse_attachments(m_signed->targets.at(name), name), m_journal.folder() / k_documents);
}

// The state that an earlier call signed, instead of another one with the same serial: the head may be on a medium that
// is not here now.
bundle::AuthoredState CreateRun::signed_state() const {
  std::vector<base::Digest> digests = m_plan.omitted;
  for (const bundle::WrittenBlob& blob : m_output->written()) {
    digests.push_back(blob.sha256);
  }
  make_sorted_set(digests);
  if (digests != state_digests(*m_signed)) {
    throw Error(ErrorCode::conflict, fmt::format("serial {} of '{}' is signed already, for other documents about it "
                                                 "than can be made now",
                                                 m_run.serial, m_wish.channel))
        .with_hint("run the same command with --restart: it makes the next serial");
  }
  bundle::AuthoredState state{.head = *m_signed, .bundle_id = m_run.bundle_id, .approved = false};
  for (const std::string& bytes : m_signers.roots) {
    const trust::Root root = trust::parse_root(trust::parse_signed(bytes, "root", trust::k_root_limit));
    state.head.metadata.emplace(trust::metadata_file_name("root", root.version), bytes);
    const trust::RoleKeys& approvers = root.roles.at("snapshot");
    state.approved = trust::count_signers(newest_snapshot(*m_signed).file, approvers, root.keys) >= approvers.threshold;
  }
  return state;
}

// Before anybody can see the head: no other state may ever get this serial, and a run that is interrupted from here on
// goes on with this very state.
void CreateRun::claim_serial() {
  m_run.bundle_id = m_report.bundle_id;
  save_documents(*m_documents, m_journal.folder() / k_documents);
  m_journal.change(m_run);
  m_channel.add_state(m_head, m_previous);
}

}  // namespace airlock::workflow
