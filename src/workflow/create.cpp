#include "workflow/create.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include <fmt/format.h>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/layout.hpp"
#include "ecosystem/ecosystem.hpp"
#include "ecosystem/upstream_access.hpp"
#include "workflow/create_run.hpp"
#include "workflow/layout_rows.hpp"
#include "workflow/policy.hpp"
#include "workflow/resolve.hpp"
#include "workflow/revocation.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

constexpr std::size_t k_manifest_limit = 8u << 20;  // bytes of an image's manifest
constexpr std::size_t k_revoked_named = 10;         // revoked files that the message names

DigestsFrom digests_from(const CreateOptions& options) {
  return options.lock ? DigestsFrom::given_lock : DigestsFrom::this_run;
}

}  // namespace

CreateReport create_bundle(const Home& home, const CreateOptions& options, const KeyRing* keys,
                           const base::Clock& clock, base::Reporter& reporter) {
  return CreateRun(home, options, keys, clock, reporter).run();
}

CreateRun::CreateRun(const Home& home, const CreateOptions& options, const KeyRing* keys, const base::Clock& clock,
                     base::Reporter& reporter)
    : m_home(home), m_options(options), m_keys(keys), m_clock(clock), m_reporter(reporter),
      m_target(find_target(options.output)), m_wish(read_wish(home, options, reporter)),
      m_channel(home, m_wish.channel), m_journal(m_channel.run_folder()) {
  if (keys == nullptr && !options.dry_run) {
    throw Error(ErrorCode::config, fmt::format("there are no signing keys in {}", home.keys().string()))
        .with_hint("make them once with `airlock keys init`");
  }
  if (keys != nullptr) {
    keys->require_ready(base::build_time(clock), reporter);
    m_signers = keys->signing_set();
  }
  if (auto site = load_site_policy(home); site.scan && site.scan->at_create) {
    m_scan = std::move(site.scan);
  }
}

CreateReport CreateRun::run() {
  if (!m_options.dry_run) {
    base::make_directories(m_channel.folder(), 0700);
    m_lock_file.emplace(m_channel.lock_file());
    base::remove_leftovers(m_channel.folder());
    base::remove_leftovers(m_target.folder);
  }
  for (const fs::path& base : m_options.bases) {
    m_bases.push_back(
        read_base(base, m_home, m_wish.channel, Withheld::leave_out, {.heads = {}, .folders = m_options.volumes}));
  }
  m_held = held_by_all(m_bases);
  find_interrupted();
  load_previous();
  take_up_interrupted();
  if (m_finished) {
    load_finished();
  } else {
    choose_names();
    connect();
    determine_state();
    plan_blobs();
    check_room();
    if (m_options.dry_run) {
      return plan_report();
    }
    begin_output();
    fill();
    const auto written = author();
    m_report.bundle = written.head;
    m_report.volumes = written.volumes;
    m_report.bytes = written.bytes;
  }
  carry();
  remember();
  return report();
}

void CreateRun::load_previous() {
  // What this run has signed already goes on from what was before it.
  m_previous_head = has_signed() ? m_channel.last_before(m_run.serial) : m_channel.last();
  if (m_options.continue_from) {
    m_previous_head = continue_channel(m_home, m_wish.channel, m_previous_head, *m_options.continue_from, m_reporter,
                                       {.heads = {}, .folders = m_options.volumes});
  }
  if (m_previous_head) {
    m_previous = m_previous_head->contents();
    m_previous_serial = m_previous_head->hint().serial;
  }
}

void CreateRun::choose_names() {
  if (m_interrupted) {
    return;
  }
  m_run.serial = m_previous_serial + 1;
  m_run.created = base::build_time(m_clock);
  const std::string stem = bundle::bundle_stem(m_wish.channel, m_run.serial, 1);
  m_run.stem = m_target.stem_of(stem);
  m_run.head = m_target.head(stem);
  require_no_later_bundles(m_target, m_wish.channel, m_run.serial);
  require_free(m_target, stem);
  m_run.volume_size =
      settle_volume_size(base::space_info(existing_parent(m_target.folder)), m_options.volume_size, m_reporter);
}

void CreateRun::connect() {
  http::ClientOptions client = ecosystem::client_options(m_wish.manifest);
  client.rate_limit = m_options.rate_limit;
  m_client = std::make_unique<http::Client>(client);
  m_upstreams = std::make_unique<Upstreams>(ecosystem::ResolveContext{.http = *m_client,
                                                                      .manifest = m_wish.manifest,
                                                                      .reporter = m_reporter,
                                                                      .recipes = m_options.recipes,
                                                                      .environment = m_options.environment});
  m_local = std::make_unique<LocalBlobs>(m_home, m_channel.bundles(), m_reporter);
  m_sources = std::make_unique<BlobSources>(*m_upstreams, *m_local, digests_from(m_options));
}

void CreateRun::determine_state() {
  if (m_interrupted) {
    m_state = m_interrupted->lock;
  } else {
    m_state = m_wish.lock ? *m_wish.lock : resolve_anew();
    if (m_wish.adds) {
      add_previous_rows();
    }
  }
  refuse_revoked();
  add_layout();
  require_belonging();
}

// A row whose path is none of its artifact would be refused on the far side; approvers see names, and could not tell.
// Called once more when every digest is known.
void CreateRun::require_belonging() const {
  for (const model::FileRow& row : m_state.rows) {
    if (ecosystem::belongs(row) != model::Belonging::no) {
      continue;
    }
    Error error(m_options.lock ? ErrorCode::lock : ErrorCode::internal,
                fmt::format("{} '{}' is said to be of '{}', which has no such path", row.ecosystem,
                            base::printable(row.path), base::printable(row.artifact)));
    if (m_options.lock) {
      error.with_hint("nothing resolves to that, so the lock was changed by hand; make it anew with `airlock bundle "
                      "lock`");
    }
    throw error;
  }
}

// What the channel revoked must not come back, under whichever name a manifest asks for it again. Called once more when
// every digest is known.
void CreateRun::refuse_revoked() const {
  const Revocations revocations(m_previous ? revoked_in(*m_previous) : std::vector<bundle::Revoked>());
  std::vector<std::string> found;
  for (const model::FileRow& row : m_state.rows) {
    if (const bundle::Revoked* revoked = has_blob(row) ? revocations.find(row) : nullptr) {
      found.push_back(fmt::format("{} {} ({}{})", row.ecosystem, row.path, revoked->item,
                                  revoked->reason.empty() ? "" : ": " + revoked->reason));
    }
  }
  if (found.empty()) {
    return;
  }
  const std::size_t count = found.size();
  found.resize(std::min(count, k_revoked_named));
  throw Error(ErrorCode::revoked,
              fmt::format("channel '{}' has revoked {} of the files that are asked for:\n{}{}", m_wish.channel, count,
                          base::join(found, "\n"), count > found.size() ? "\nand more" : ""))
      .with_hint("take them out of the manifest, or ask for another version; what was revoked is not sent again");
}

model::Lock CreateRun::resolve_anew() {
  ResolveHooks hooks;
  if (!m_options.dry_run) {
    // A prefetched file is handed over once and whole, so none may be more than one segment of the window.
    PrefetchOptions prefetch;
    prefetch.largest = std::min(prefetch.largest, m_options.window.segment);
    m_prefetch = std::make_unique<Prefetch>([this](const model::FileRow& row) { return m_sources->upstream(row); },
                                            [this](const model::FileRow& row) {
                                              return !std::ranges::binary_search(m_held, *row.sha256) &&
                                                     !m_sources->is_here(row);
                                            },
                                            prefetch);
    m_sources->use(*m_prefetch);
    hooks.on_file = [this](const model::FileRow& row) {
      if (has_blob(row)) {
        m_prefetch->add(row);
      }
    };
  }
  Resolved resolved = resolve(m_wish.manifest, *m_upstreams, m_reporter, hooks);
  if (m_prefetch) {
    m_prefetch->close();
  }
  m_sources->add_contents(std::move(resolved.contents));
  return std::move(resolved.lock);
}

// The state before, in so far as nothing new takes its place: of a path that both have, the new one holds.
void CreateRun::add_previous_rows() {
  std::optional<bundle::HeadContents> head = m_previous;
  for (const BaseState& base : m_bases) {
    if (base.head && base.head->hint().channel == m_wish.channel) {
      head = base.head->contents();
      break;
    }
  }
  if (!head) {
    throw Error(ErrorCode::base_missing, fmt::format("there is no state of the channel '{}' to add to", m_wish.channel))
        .with_hint("give its last bundle with --base, or a manifest of the whole state with -m");
  }
  std::vector<model::FileRow> before = rows_of(*head);
  std::set<std::pair<std::string_view, std::string_view>> taken;
  for (const model::FileRow& row : m_state.rows) {
    taken.insert({row.ecosystem, row.path});
  }
  const Revocations revocations(m_previous ? revoked_in(*m_previous) : std::vector<bundle::Revoked>());
  std::vector<model::FileRow> kept;
  for (model::FileRow& row : before) {
    if (revocations.find(row) != nullptr) {
      m_reporter.note(fmt::format("{} {} was revoked and leaves the state", row.ecosystem, row.path));
    } else if (!taken.contains({row.ecosystem, row.path})) {
      kept.push_back(std::move(row));
    }
  }
  m_state.rows.insert(m_state.rows.end(), std::make_move_iterator(kept.begin()), std::make_move_iterator(kept.end()));
  const std::string name(bundle::k_descriptor_target);
  const auto waivers = bundle::parse_descriptor(head->targets.at(name), name).waivers;
  m_state.waivers.insert(m_state.waivers.end(), waivers.begin(), waivers.end());
  std::ranges::sort(m_state.waivers);
  m_state.waivers.erase(std::unique(m_state.waivers.begin(), m_state.waivers.end()), m_state.waivers.end());
  m_state.normalise();
}

void CreateRun::add_layout() {
  m_sources->add_contents(add_layout_rows(m_state, [this](const model::FileRow& row) {
    base::StringSink sink(k_manifest_limit);
    m_sources->open(row)->fetch(0, std::nullopt, sink);
    std::string text = sink.take();
    if (base::sha256(text) != *row.sha256) {
      throw changed_upstream(
          row, fmt::format("expected sha256:{}, found sha256:{}", row.sha256->hex(), base::sha256(text).hex()),
          digests_from(m_options));
    }
    m_sources->add_contents({{*row.sha256, text}});
    return text;
  }));
}

void CreateRun::plan_blobs() {
  share_lengths(m_state);
  m_plan = make_blob_plan(m_state, m_held);
  if (m_keys != nullptr && is_complete(m_state)) {
    m_documents = signed_documents();
    if (!m_documents) {
      m_documents = make_documents(m_state, m_run.created, m_run.serial, m_signers);
    }
  }
  if (m_interrupted) {
    return;
  }
  m_run.learns = !is_complete(m_state);
  m_run.head_room = bundle::head_room_bound(m_state, m_signers, m_previous);
  // What a scanner will say, and so the last volume, is not known before.
  if (m_run.volume_size && m_documents && !m_scan) {
    std::vector<std::uint64_t> lengths = lengths_of(m_plan);
    for (const auto& attachment : m_documents->attachments) {
      lengths.push_back(attachment.length);
    }
    m_run.volumes = bundle::count_volumes(lengths, *m_run.volume_size);
  }
}

void CreateRun::check_room() {
  std::vector<std::uint64_t> lengths = lengths_of(m_plan);
  lengths.push_back(documents_bound(m_state));
  // The head of volumes is a file of its own; what it may grow to is the same bound.
  m_report.bytes =
      bundle::output_size(lengths, m_run.volume_size, m_run.head_room) + (m_run.volume_size ? m_run.head_room : 0);
  const std::uint64_t left =
      require_space(m_target.folder, m_report.bytes, total_size(partial_files(m_run.head, m_run.stem)));
  if (m_plan.unknown_lengths > 0 && may_run_short(left, m_report.bytes)) {
    m_reporter.say(fmt::format("upstream does not tell the size of {}: without {} the bundle takes {}, and {} are free "
                               "beside it",
                               base::counted(m_plan.unknown_lengths, "file"),
                               m_plan.unknown_lengths == 1 ? "it" : "them", base::format_bytes(m_report.bytes),
                               base::format_bytes(left)));
  }
}

CreateReport CreateRun::plan_report() {
  m_report.dry_run = true;
  m_report.bundle = m_run.head;
  m_report.blobs_included = m_plan.blobs.size();
  m_report.blobs_omitted = m_plan.omitted_blobs;
  m_report.unknown_sizes = m_plan.unknown_lengths;
  m_report.volume_count = m_run.volumes;
  for (const PlannedBlob& blob : m_plan.blobs) {
    const model::FileRow& row = m_state.rows[blob.row];
    (m_sources->is_here(row) ? m_report.bytes_reused : m_report.bytes_fetched) += blob.length.value_or(0);
  }
  return report();
}

CreateReport CreateRun::report() const {
  CreateReport result = m_report;
  result.channel = m_wish.channel;
  result.serial = m_run.serial;
  result.delta = !m_bases.empty();
  const StateTotals totals = totals_of(m_state);
  result.artifacts = totals.artifacts;
  result.blobs = totals.blobs;
  result.state_bytes = totals.bytes;
  result.unverified = totals.unverified;
  for (const model::Waiver& waiver : m_state.waivers) {
    result.waivers.push_back(fmt::format("{}: {}", waiver.upstream, waiver.what));
  }
  tell_of_changes(result);
  return result;
}

}  // namespace airlock::workflow
