#include "cli/trust_floors.hpp"

#include <algorithm>
#include <iterator>
#include <memory>

#include <fmt/format.h>

#include "base/error.hpp"
#include "store/channel_name.hpp"
#include "workflow/receipt.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;

std::string step_text(std::string_view what, std::uint64_t before, std::uint64_t after) {
  return before == after ? "" : fmt::format("  {:<16} {} -> {}\n", what, before, after);
}

void raise_floors(Session& session, const FloorFlags& flags, const workflow::Remark& remark) {
  if (flags.empty()) {
    throw Error(ErrorCode::usage, "nothing says how high").with_hint("give --receipt FILE or --floor CHANNEL:SERIAL");
  }
  const auto wishes = flags.wishes();
  { const store::StateDb exists(session.home.root, store::StateDb::Access::read); }
  store::StateDb state(session.home.root, store::StateDb::Access::change);
  const auto now = session.clock->now();
  auto change = state.change();
  base::Json detail = base::Json::object();
  const auto raised = take_floors(session, state, wishes, flags, detail);
  remark.add_to(detail);
  state.audit(now, "floor", workflow::audit_text(detail));
  change.commit();
  session.answer({{"floors", floor_changes_json(raised)}}, floor_changes_text(raised, state.channels()));
}

void lower_floor(Session& session, const FloorFlags& flags, const std::string& text, const workflow::Remark& remark) {
  if (!flags.empty()) {
    throw Error(ErrorCode::usage, "--lower stands alone: --floor and --receipt raise");
  }
  const auto wish = workflow::parse_floor(text);
  { const store::StateDb exists(session.home.root, store::StateDb::Access::read); }
  store::StateDb state(session.home.root, store::StateDb::Access::change);
  const auto now = session.clock->now();
  auto change = state.change();
  const FloorChanges changes = {workflow::lower_floor(state, session.home, wish, remark, now)};
  base::Json detail = {{"floors", floor_changes_json(changes)}};
  remark.add_to(detail);
  state.audit(now, "lower-floor", workflow::audit_text(detail));
  change.commit();
  std::string answer = floor_changes_text(changes, state.channels());
  answer += changes.front().newest ? "what is served stays so: `airlock store rollback` serves an earlier state\n"
                                   : "what was imported here still keeps older bundles out\n";
  if (const auto held = state.root_floor(changes.front().key.producer); held > changes.front().after.root_version) {
    answer += fmt::format("another channel of this producer still asks for root version {}\n", held);
  }
  session.answer({{"floors", floor_changes_json(changes)}}, answer);
}

}  // namespace

std::uint64_t FloorFlags::audit_number() const {
  std::uint64_t newest = 0;
  for (const auto& file : receipts) {
    newest = std::max(newest, workflow::read_receipt(file).audit_number);
  }
  return newest;
}

std::vector<workflow::FloorWish> FloorFlags::wishes() const {
  std::vector<workflow::FloorWish> all;
  for (const auto& file : receipts) {
    const auto more = workflow::floors_of(workflow::read_receipt(file));
    all.insert(all.end(), more.begin(), more.end());
  }
  std::transform(floors.begin(), floors.end(), std::back_inserter(all), workflow::parse_floor);
  return all;
}

void add_floor_flags(CLI::App& command, FloorFlags& flags) {
  command
      .add_option("--receipt", flags.receipts,
                  "The last receipt that is known: nothing older comes in again; may be repeated")
      ->type_name("FILE");
  command.add_option("--floor", flags.floors, "The same from paper, as the last import printed it; may be repeated")
      ->type_name("CHANNEL:SERIAL");
}

std::string floor_changes_text(const FloorChanges& changes, const std::vector<store::ChannelKey>& all) {
  std::string text;
  for (const auto& [key, before, after, time, newest] : changes) {
    text += fmt::format("channel '{}'{}: nothing older than serial {} comes in{}\n", key.channel,
                        store::producer_mark(key, all), std::max(after.serial, newest ? newest->after : 0),
                        after.root_version == 0 ? "" : fmt::format(", nor under a root before {}", after.root_version));
    const auto steps = step_text("serial", before.serial, after.serial) +
                       (newest ? step_text("newest serial", newest->before, newest->after) : "") +
                       step_text("root version", before.root_version, after.root_version) +
                       step_text("snapshot version", before.snapshot_version, after.snapshot_version) +
                       (time ? fmt::format("  no clock behind  {}\n", base::to_rfc3339(*time)) : "");
    text += steps.empty() ? "  as it was before\n" : steps;
  }
  return text;
}

base::Json floor_json(const store::Floor& floor) {
  return {{"serial", floor.serial}, {"root_version", floor.root_version}, {"snapshot_version", floor.snapshot_version}};
}

base::Json floor_changes_json(const FloorChanges& changes) {
  base::Json list = base::Json::array();
  for (const auto& change : changes) {
    base::Json one = floor_json(change.after);
    one["channel"] = change.key.channel;
    one["producer"] = change.key.producer;
    one["before"] = floor_json(change.before);
    if (change.newest) {
      one["newest_serial"] = {{"before", change.newest->before}, {"after", change.newest->after}};
    }
    list.push_back(std::move(one));
  }
  return list;
}

FloorChanges take_floors(const Session& session, store::StateDb& state, const std::vector<workflow::FloorWish>& wishes,
                         const FloorFlags& flags, base::Json& detail) {
  auto changes = workflow::raise_floors(state, session.home, wishes, session.clock->now());
  if (changes.empty()) {
    return changes;
  }
  detail["floors"] = floor_changes_json(changes);
  if (auto restored = state.restored()) {
    restored->floors_given = true;
    state.set_restored(restored);
  }
  const auto last = state.last_audit_entry();
  if (const auto known = flags.audit_number(); known > (last ? last->number : 0)) {
    detail["lost"] = known;  // `audit verify` takes this for the reason why the receipt knows more than the log
  }
  return changes;
}

void add_floor_command(CLI::App& trust, Session& session) {
  auto* floor = trust.add_subcommand("floor", "Take in nothing older than what a receipt, or paper, knows");
  struct Wanted {
    FloorFlags floors;
    std::string lower;
    RemarkFlags remark;
  };
  auto wanted = std::make_shared<Wanted>();
  add_floor_flags(*floor, wanted->floors);
  floor
      ->add_option("--lower", wanted->lower,
                   "A floor, or a newest serial, that was a mistake, as it is from now on; needs --reason")
      ->type_name("CHANNEL:SERIAL");
  add_remark_flags(*floor, wanted->remark);
  floor->footer(
      "Examples:\n  airlock trust floor --receipt site-a-17.json\n"
      "  airlock trust floor --floor site-a:17,root=2,created=2026-07-01T12:00:00Z\n"
      "  airlock trust floor --lower site-a:17,root=2,snapshot=17 --reason 'a digit too many' --ticket OPS-7\n"
      "  airlock trust floor --lower site-a:17 --reason 'serial 900017 was signed with a stolen key'\n\n"
      "Floors rise, and fall only with --lower, which the audit log and `trust show`\n"
      "remember. What --lower leaves out stays as it is.");
  floor->callback([&session, wanted] {
    if (wanted->lower.empty()) {
      raise_floors(session, wanted->floors, wanted->remark.remark());
    } else {
      lower_floor(session, wanted->floors, wanted->lower, wanted->remark.remark());
    }
  });
}

}  // namespace airlock::cli
