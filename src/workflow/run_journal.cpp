#include "workflow/run_journal.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "base/error.hpp"
#include "base/json.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using base::Json;

constexpr std::size_t k_plan_limit = 1u << 20;     // bytes
constexpr std::size_t k_learned_limit = 1u << 30;  // bytes
constexpr std::string_view k_plan = "run.json";
constexpr std::string_view k_lock = "run.lock";
constexpr std::string_view k_learned = "learned.jsonl";

Json to_json(const RunPlan& plan) {
  Json json = {{"format", 1},
               {"wish", plan.wish.hex()},
               {"serial", plan.serial},
               {"shipment", plan.shipment},
               {"created", base::to_rfc3339(plan.created)},
               {"head", plan.head.string()},
               {"stem", plan.stem},
               {"head_room", plan.head_room},
               {"volumes", plan.volumes},
               {"learns", plan.learns},
               {"bundle_id", plan.bundle_id}};
  if (plan.volume_size) {
    json["volume_size"] = *plan.volume_size;
  }
  return json;
}

RunPlan plan_from(const Json& json, const std::string& name) {
  RunPlan plan;
  plan.wish = base::Digest::parse_sha256_hex(base::string_member(json, "wish", name));
  plan.serial = base::uint_member(json, "serial", name);
  plan.shipment = json.contains("shipment") ? base::uint_member(json, "shipment", name) : 1;
  plan.created = base::parse_rfc3339(base::string_member(json, "created", name));
  plan.head = base::string_member(json, "head", name);
  plan.stem = base::string_member(json, "stem", name);
  plan.head_room = base::uint_member(json, "head_room", name);
  plan.volumes = base::uint_member(json, "volumes", name);
  const Json& learns = base::member(json, "learns", name);
  plan.learns = learns.is_boolean() && learns.get<bool>();
  plan.bundle_id = base::string_member_or(json, "bundle_id", "", name);
  if (json.contains("volume_size")) {
    plan.volume_size = base::uint_member(json, "volume_size", name);
  }
  return plan;
}

// Fills in what was learned; a last line that was cut short is left out.
void apply_learned(model::Lock& lock, const std::string& text, const std::string& name) {
  std::map<std::pair<std::string, std::string>, model::FileRow*> rows;
  for (auto& row : lock.rows) {
    rows.emplace(std::pair(row.ecosystem, row.path), &row);
  }
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    const Json json = base::parse_json(std::string_view(text).substr(begin, end - begin), name);
    const auto found =
        rows.find({base::string_member(json, "ecosystem", name), base::string_member(json, "path", name)});
    if (found != rows.end()) {
      found->second->sha256 = base::Digest::parse_sha256_hex(base::string_member(json, "sha256", name));
      found->second->length = base::uint_member(json, "length", name);
    }
    begin = end + 1;
  }
}

std::optional<RunPlan> read_run_plan(const fs::path& folder) {
  const std::string name = (folder / k_plan).string();
  const auto text = base::read_file_if_exists(name, k_plan_limit);
  return text ? std::optional(plan_from(base::parse_json(*text, name), name)) : std::nullopt;
}

// A journal only saves work, so one that cannot be read costs no more than that; but memory and disk must answer.
template <typename Read>
auto if_readable(const Read& read) -> decltype(read()) {
  try {
    return read();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::io || error.code() == ErrorCode::interrupted) {
      throw;
    }
    return std::nullopt;
  }
}

}  // namespace

std::optional<RunPlan> RunJournal::plan() const {
  return if_readable([this] { return read_run_plan(m_folder); });
}

std::optional<RunJournal::Interrupted> RunJournal::read() const {
  return if_readable([this]() -> std::optional<Interrupted> {
    auto plan = read_run_plan(m_folder);
    if (!plan) {
      return std::nullopt;
    }
    Interrupted run{.plan = std::move(*plan), .lock = model::Lock::read(m_folder / k_lock)};
    const std::string learned_name = (m_folder / k_learned).string();
    if (const auto learned = base::read_file_if_exists(learned_name, k_learned_limit)) {
      apply_learned(run.lock, *learned, learned_name);
    }
    return run;
  });
}

void RunJournal::begin(const RunPlan& plan, const model::Lock& lock) {
  end();
  base::make_directories(m_folder, 0700);
  lock.save(m_folder / k_lock);
  change(plan);  // last, because a run exists from here on
}

void RunJournal::change(const RunPlan& plan) {
  base::write_file_atomic(m_folder / k_plan, to_json(plan).dump(2) + "\n", 0600);
}

void RunJournal::go_on(const Interrupted& run) {
  // What was learned moves into the lock, since the list may end within a line.
  run.lock.save(m_folder / k_lock);
  std::error_code ignored;
  fs::remove(m_folder / k_learned, ignored);
}

void RunJournal::learned(const model::FileRow& row) {
  if (!m_learned) {
    const fs::path path = m_folder / k_learned;
    m_learned = base::Fd(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!m_learned) {
      throw base::system_error(errno, "cannot write " + path.string());
    }
  }
  const Json json = {{"ecosystem", row.ecosystem},
                     {"path", row.path},
                     {"sha256", row.sha256.value().hex()},
                     {"length", row.length.value()}};
  // One write a line, so that a process that is killed leaves whole lines, or a last one without its end.
  base::write_all(m_learned.get(), base::as_bytes(json.dump() + "\n"), "the journal of this run");
}

void RunJournal::end() {
  m_learned = base::Fd();
  std::error_code ignored;
  // The plan goes first: without it there is no run.
  fs::remove(m_folder / k_plan, ignored);
  fs::remove_all(m_folder, ignored);
}

}  // namespace airlock::workflow
