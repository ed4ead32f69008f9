#include "workflow/status.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/lock_holder.hpp"
#include "base/text.hpp"
#include "store/catalog.hpp"
#include "store/channel_name.hpp"
#include "trust/metadata.hpp"
#include "workflow/channel_state.hpp"
#include "workflow/import_watch.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/policy.hpp"
#include "workflow/receipt.hpp"
#include "workflow/reference_time.hpp"
#include "workflow/way_back.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;
using base::Severity;
using store::StateDb;

constexpr std::uint64_t k_imports_looked_at = 5;
constexpr std::size_t k_gap_limit = 20;  // missing serials that are listed

std::int64_t whole_days(std::chrono::seconds time) {
  return std::chrono::duration_cast<std::chrono::days>(time).count();
}

// The common part of a role file, whichever role it is.
std::optional<base::Time> expiry_of(const std::string& bytes, std::string_view role) {
  try {
    const auto file = trust::parse_signed(bytes, role, trust::k_metadata_ceiling);
    return base::parse_rfc3339(base::string_member(file.signed_part, "expires", role));
  } catch (const Error&) {
    return std::nullopt;
  }
}

// Roles of the ecosystems are those that the accepted snapshot lists.
std::vector<std::string> role_names(const std::optional<std::string>& snapshot) {
  std::vector<std::string> names = {"root", "timestamp", "snapshot", "targets"};
  if (!snapshot) {
    return names;
  }
  try {
    const auto parsed =
        trust::parse_snapshot(trust::parse_signed(*snapshot, "snapshot.json", trust::k_metadata_ceiling));
    for (const auto& [file, meta] : parsed.meta) {
      auto name = file.ends_with(".json") ? file.substr(0, file.size() - 5) : file;
      if (name != "targets") {
        names.push_back(std::move(name));
      }
    }
  } catch (const Error&) {
    // What is stored was proven when it was taken in; a damaged database shows elsewhere.
  }
  return names;
}

void find_gaps(const std::set<std::uint64_t>& serials, ChannelStatus& channel) {
  std::optional<std::uint64_t> previous;
  for (const auto serial : serials) {
    if (previous) {
      channel.missing_count += serial - *previous - 1;
    }
    for (auto number = previous.value_or(serial) + 1;
         previous && number < serial && channel.missing_serials.size() < k_gap_limit; ++number) {
      channel.missing_serials.push_back(number);
    }
    previous = serial;
  }
}

std::string missing_text(const ChannelStatus& channel) {
  std::string list;
  for (const auto serial : channel.missing_serials) {
    list += fmt::format("{}{}", list.empty() ? "" : ", ", serial);
  }
  const auto more = channel.missing_count - channel.missing_serials.size();
  return fmt::format("bundle{} {}{} never arrived; later states include all that {} held",
                     channel.missing_count == 1 ? "" : "s", list, more == 0 ? "" : fmt::format(" and {} more", more),
                     channel.missing_count == 1 ? "it" : "they");
}

void judge_served(const ChannelStatus& channel, const StateDb& state, const std::string& subject,
                  std::vector<base::Finding>& findings) {
  if (!channel.active) {
    findings.push_back({Severity::warning, ErrorCode::not_found, subject,
                        "nothing of it is served; `airlock store activate` changes that"});
    return;
  }
  if (channel.lacking > 0) {
    findings.push_back(lacking_finding(state, *channel.active, channel.lacking, channel.lacking_bytes));
    findings.back().subject = subject;
  }
  const auto roots = root_versions(state, channel.key);
  if (channel.active->unproven) {
    findings.push_back({Severity::error, ErrorCode::base_missing, subject,
                        fmt::format("nothing of it is served since the restore, because the signed head of bundle {} "
                                    "is not here to prove it; {}",
                                    channel.active->serial, way_to_serve(state, *channel.active))});
  } else if (state.restored() && roots.taken < roots.known) {
    findings.push_back({Severity::warning, ErrorCode::untrusted, subject, older_root_text(roots.taken, roots.known)});
  }
}

void judge(const ChannelStatus& channel, const StateDb& state, const StatusOptions& options,
           std::vector<base::Finding>& findings) {
  const auto subject = fmt::format("channel '{}'{}", channel.key.channel, channel.mark);
  if (const auto& out = channel.out_of_service) {
    findings.push_back({Severity::note, ErrorCode::not_found, subject,
                        fmt::format("out of service since {}, by {}{}: {}; {}", base::to_rfc3339(out->since),
                                    base::printable(out->user),
                                    out->ticket.empty() ? "" : fmt::format(" ({})", base::printable(out->ticket)),
                                    base::printable(out->reason),
                                    channel.pinned ? "`airlock store activate` serves it again"
                                                   : "its producer's root is not pinned here, so nothing of it can be "
                                                     "served")});
    return;
  }
  if (!channel.pinned) {
    findings.push_back({Severity::error, ErrorCode::untrusted, subject,
                        fmt::format("its producer's root is not pinned here: nothing newer of it can be taken in; pin "
                                    "it with `airlock trust init`, or end it with `airlock store deactivate {} "
                                    "--reason TEXT`",
                                    channel.key.channel)});
  }
  const auto age = options.wall - channel.created;
  if (age > options.stale_after) {
    findings.push_back(
        {Severity::error, ErrorCode::expired, subject,
         fmt::format("its newest state is {} days old; ask why no newer bundle arrived", whole_days(age))});
  }
  for (const auto& [role, expires] : channel.expiries) {
    const auto left = expires - options.wall;
    if (left <= std::chrono::seconds(0)) {
      findings.push_back(
          {Severity::error, ErrorCode::expired, subject,
           fmt::format("{} expired on {}; what is here is served on, but the next import needs a newer one", role,
                       base::to_rfc3339(expires))});
    } else if (left < k_warn_before) {
      findings.push_back({Severity::warning, ErrorCode::expired, subject,
                          fmt::format("{} expires in {} days", role, whole_days(left))});
    }
  }
  if (channel.missing_count > 0) {
    findings.push_back({Severity::note, ErrorCode::volume_missing, subject, missing_text(channel)});
  }
  judge_served(channel, state, subject, findings);
}

std::vector<ChannelStatus> channels_of(const StateDb& state, const std::vector<PinnedRoot>& roots) {
  std::map<store::ChannelKey, ChannelStatus> channels;
  std::map<store::ChannelKey, std::uint64_t> oldest;    // serial that is still here
  for (const auto& generation : state.generations()) {  // newest first
    auto [place, newest] = channels.try_emplace(generation.channel);
    auto& channel = place->second;
    if (newest) {
      channel.key = generation.channel;
      channel.serial = generation.serial;
      channel.created = generation.created;
      channel.imported = generation.imported;
      for (const auto& role : role_names(state.role(generation.channel, "snapshot"))) {
        if (const auto bytes = state.role(generation.channel, role)) {
          if (const auto expires = expiry_of(*bytes, role)) {
            channel.expiries.emplace_back(role, *expires);
          }
        }
      }
    }
    if (generation.active) {
      channel.active = generation;
      for (const auto& blob : missing_blobs(state, generation.id)) {
        ++channel.lacking;
        channel.lacking_bytes += blob.length;
      }
      channel.withheld = state.count_rows(generation.id, model::Kind::withheld);
    }
    ++channel.generations;
    const auto [lowest, is_first] = oldest.try_emplace(generation.channel, generation.serial);
    lowest->second = std::min(lowest->second, generation.serial);
  }
  const auto all = state.channels();
  for (const auto& key : all) {
    if (auto out = state.out_of_service(key)) {
      auto& channel = channels[key];
      channel.key = key;
      channel.out_of_service = std::move(out);
      channel.serial = std::max(channel.serial, state.last_serial(key).value_or(0));
    }
  }
  std::vector<ChannelStatus> list;
  for (auto& [key, channel] : channels) {
    // What was swept away since did arrive. Before the oldest that is here nobody asks any more.
    auto serials = state.imported_serials(key);
    serials.erase(serials.begin(), serials.lower_bound(oldest[key]));
    // A serial that a person lowered since was nobody's, and so is what would lie before it.
    serials.erase(serials.upper_bound(state.last_serial(key).value_or(0)), serials.end());
    find_gaps(serials, channel);
    channel.mark = store::producer_mark(key, all);
    channel.pinned = find_producer(roots, key.producer) != nullptr;
    list.push_back(std::move(channel));
  }
  return list;
}

// What the next import may write: the largest of the last few, or, before there is one to go by, the whole state.
std::uint64_t next_import_bytes(const StateDb& state, const std::vector<ChannelStatus>& channels) {
  std::uint64_t largest = 0;
  bool known = false;
  for (const auto& entry : state.newest_audit_entries("import", k_imports_looked_at)) {
    const auto detail = base::Json::parse(entry.detail, nullptr, false);
    const auto bytes = detail.is_object() ? detail.find("bytes_new") : detail.end();
    if (detail.is_object() && bytes != detail.end() && bytes->is_number_unsigned()) {
      largest = std::max(largest, bytes->get<std::uint64_t>());
      known = true;
    }
  }
  for (const auto& channel : channels) {
    if (!known && channel.active) {
      largest = std::max(largest, channel.active->bytes);
    }
  }
  return largest;
}

std::uint64_t files_of_evidence(const Home& home) {
  std::error_code error;
  const std::filesystem::directory_iterator files(home.evidence(), error);
  return error ? 0 : static_cast<std::uint64_t>(std::distance(begin(files), end(files)));
}

std::vector<ServiceStatus> services_of(const Home& home) {
  using What = ServiceStatus::What;
  std::vector<ServiceStatus> services;
  const auto add = [&services](What what, const std::filesystem::path& lock) {
    if (const auto holder = base::lock_holder(lock)) {
      services.push_back({what, *holder});
    }
  };
  add(What::server, home.root / "control" / "lock");
  add(What::agent, home.root / "agent" / "agent.lock");
  std::error_code error;
  for (std::filesystem::directory_iterator locks(watch_locks(home), error), end; !error && locks != end;
       locks.increment(error)) {
    add(What::watcher, locks->path());
  }
  add(What::change, home.root / "lock");
  for (const auto& channel : written_channels(home)) {
    add(What::making, making_lock(home, channel));
  }
  return services;
}

}  // namespace

bool StatusReport::stale() const {
  return std::any_of(findings.begin(), findings.end(),
                     [](const base::Finding& finding) { return finding.severity == Severity::error; });
}

base::Finding lacking_finding(const StateDb& state, const store::Generation& active, std::uint64_t blobs,
                              std::uint64_t bytes) {
  return {
      Severity::error, ErrorCode::base_missing, fmt::format("channel '{}'", active.channel.channel),
      fmt::format("{} ({}) of what is served {} not here; {}, or take what older ones have with `airlock bundle import "
                  "--salvage`",
                  base::counted(blobs, "blob"), base::format_bytes(bytes), blobs == 1 ? "is" : "are",
                  way_to_serve(state, active))};
}

std::string older_root_text(std::uint64_t root, std::uint64_t known) {
  return fmt::format("what it serves was signed under root {}, and root {} is known: if keys of the older one were "
                     "stolen, it may be a forgery; import the newest bundle",
                     root, known);
}

StatusReport examine_status(const StatusOptions& options) {
  StatusReport report;
  const auto policy = load_policy(options.home);
  const auto roots = read_pinned_roots(options.home);
  report.pinned_roots = roots.size();
  report.services = services_of(options.home);
  report.near = examine_near(options.home, options.wall, report.findings);
  std::unique_ptr<StateDb> state;
  try {
    state = std::make_unique<StateDb>(options.home.root, StateDb::Access::read);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) {
      throw;
    }
    return report;
  }
  report.space = base::space_info(options.home.root);
  report.channels = channels_of(*state, roots);
  const auto totals = state->blob_totals();
  report.blobs = totals.blobs;
  report.bytes = totals.bytes;
  report.next_import = next_import_bytes(*state, report.channels);
  if (report.next_import > report.space.free_bytes) {
    report.findings.push_back(
        {Severity::warning, ErrorCode::no_space, "disk",
         fmt::format("an import like those before takes {}, and {} are free; `airlock store sweep` makes room",
                     base::format_bytes(report.next_import), base::format_bytes(report.space.free_bytes))});
  }
  if (const auto last = state->last_audit_entry()) {
    report.audit_number = last->number;
    report.audit_head = last->digest;
  }
  report.catalog = store::current_catalog_number(options.home.root);
  report.revoked = state->revoked();
  report.blocks = state->blocks();
  try {
    reference_time(options.wall,
                   {.floor = state->time_floor(), .last_wall = state->last_wall(), .built = options.built},
                   policy.clock_tolerance);
  } catch (const Error& error) {
    report.findings.push_back(
        {Severity::error, ErrorCode::clock, "clock", fmt::format("{}; {}", error.message(), error.hint())});
  }
  if (const auto restored = state->restored()) {
    // An approver's home has a root and takes nothing in, so that nothing can be replaced in it.
    const bool took_in = !state->channels().empty();
    report.findings.push_back(
        {restored->floors_given || !took_in ? Severity::note : Severity::warning, ErrorCode::rollback, "restore",
         fmt::format("this home came out of a backup of {}{}", base::to_rfc3339(restored->backup),
                     restored->floors_given ? "; the next import brings it up to date"
                     : !took_in             ? ", by which it had taken in no bundle; if it did since: airlock trust "
                                              "floor --receipt FILE"
                                            : " and no receipt was given: what was imported since could be replaced by "
                                              "something older; airlock trust floor --receipt FILE")});
  }
  if (!store::catalog_is_current(*state, options.home.root)) {
    // Whoever is at work now may be about to publish it.
    const bool at_work = std::ranges::any_of(
        report.services, [](const ServiceStatus& service) { return service.what == ServiceStatus::What::change; });
    report.findings.push_back({at_work ? Severity::warning : Severity::error, ErrorCode::io, "catalog",
                               "a run ended before its catalog was published: what it brought, blocked or revoked is "
                               "not in force; run it again, or start `airlock serve`"});
  }
  if (const auto kept = files_of_evidence(options.home); kept > 0) {
    report.findings.push_back(
        {Severity::warning, ErrorCode::equivocation, "evidence",
         fmt::format("{} of statements that contradict what was accepted {} in {}: call security; whoever has taken "
                     "care of it moves that folder away",
                     base::counted(kept, "file"), kept == 1 ? "lies" : "lie", options.home.evidence().string())});
  }
  for (const auto& channel : report.channels) {
    judge(channel, *state, options, report.findings);
  }
  return report;
}

}  // namespace airlock::workflow
