#include "workflow/status.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "store/catalog.hpp"
#include "trust/metadata.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/policy.hpp"
#include "workflow/reference_time.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;
using base::Severity;
using store::StateDb;

constexpr std::chrono::days k_warn_before{14};
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

std::vector<std::uint64_t> gaps(const std::set<std::uint64_t>& serials) {
  std::vector<std::uint64_t> missing;
  std::optional<std::uint64_t> previous;
  for (const auto serial : serials) {
    for (auto number = previous.value_or(serial) + 1; previous && number < serial && missing.size() < k_gap_limit;
         ++number) {
      missing.push_back(number);
    }
    previous = serial;
  }
  return missing;
}

void judge(const ChannelStatus& channel, const StatusOptions& options, std::vector<base::Finding>& findings) {
  const auto subject = fmt::format("channel '{}'", channel.key.channel);
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
  if (!channel.missing_serials.empty()) {
    std::string list;
    for (const auto serial : channel.missing_serials) {
      list += fmt::format("{}{}", list.empty() ? "" : ", ", serial);
    }
    findings.push_back({Severity::note, ErrorCode::volume_missing, subject,
                        fmt::format("bundles {} never arrived; later states include all that they held", list)});
  }
  if (!channel.active) {
    findings.push_back({Severity::warning, ErrorCode::not_found, subject,
                        "nothing of it is served; `airlock store activate` changes that"});
  }
}

std::vector<ChannelStatus> channels_of(const StateDb& state) {
  std::map<store::ChannelKey, ChannelStatus> channels;
  std::map<store::ChannelKey, std::set<std::uint64_t>> serials;
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
    }
    ++channel.generations;
    serials[generation.channel].insert(generation.serial);
  }
  std::vector<ChannelStatus> list;
  for (auto& [key, channel] : channels) {
    channel.missing_serials = gaps(serials[key]);
    list.push_back(std::move(channel));
  }
  return list;
}

}  // namespace

bool StatusReport::stale() const {
  return std::any_of(findings.begin(), findings.end(),
                     [](const base::Finding& finding) { return finding.severity == Severity::error; });
}

StatusReport examine_status(const StatusOptions& options) {
  StatusReport report;
  const auto policy = load_policy(options.home);
  report.pinned_roots = read_pinned_roots(options.home, policy.trust).size();
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
  report.channels = channels_of(*state);
  state->for_each_blob([&report](const base::Digest&, std::uint64_t length) {
    ++report.blobs;
    report.bytes += length;
  });
  report.catalog = store::current_catalog_number(options.home.root);
  try {
    reference_time(options.wall, {.floor = state->time_floor(), .last_wall = state->last_wall()},
                   policy.clock_tolerance);
  } catch (const Error& error) {
    report.findings.push_back({Severity::error, ErrorCode::clock, "clock", error.message()});
  }
  if (!store::catalog_is_current(*state, options.home.root)) {
    report.findings.push_back({Severity::warning, ErrorCode::io, "catalog",
                               "the last import ended before its catalog was published; run it again"});
  }
  for (const auto& channel : report.channels) {
    judge(channel, options, report.findings);
  }
  return report;
}

}  // namespace airlock::workflow
