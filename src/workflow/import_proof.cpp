// Import, steps 1 to 4: is it signed by those whom this site accepts, and is it newer than what is here?
#include <algorithm>

#include <fmt/format.h>

#include "base/files.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "bundle/state_store.hpp"
#include "ecosystem/ecosystem.hpp"
#include "workflow/import_one.hpp"
#include "workflow/medium.hpp"
#include "workflow/receipt.hpp"
#include "workflow/reference_time.hpp"
#include "workflow/remark.hpp"
#include "workflow/replaced_keys.hpp"
#include "workflow/root_review.hpp"
#include "workflow/serial_check.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::size_t k_head_digits = 12;     // hex, of a head's digest in a file name
constexpr std::size_t k_evidence_limit = 64;  // files that are kept in all

// Only what cannot mean anything to a file system; the hint is not proven when this is used.
std::string safe_name(std::string_view channel) {
  const auto is_plain = [](char c) { return base::is_lower(c) || base::is_digit(c) || c == '-'; };
  const bool plain = !channel.empty() && channel.size() <= 63 && std::all_of(channel.begin(), channel.end(), is_plain);
  return plain ? std::string(channel) : "unknown";
}

std::filesystem::path keep(const std::filesystem::path& folder, const bundle::Hint& hint, std::string_view bytes) {
  const auto path = folder / fmt::format("{}-{}-{}.airlock", safe_name(hint.channel), hint.serial,
                                         base::sha256(bytes).hex().substr(0, k_head_digits));
  base::write_file_atomic(path, bytes, 0444);
  return path;
}

// The head as it was found; where its hint, which nobody signed, holds no time, with the first one that there is.
std::string evidence_of(const bundle::Head& head) {
  bundle::HeadContents contents = head.contents();
  try {
    return bundle::build_head(contents, std::nullopt, bundle::HeadEnd::alone).value();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::interrupted) {
      throw;
    }
    contents.hint.created = base::to_rfc3339(base::Time{});
    return bundle::build_head(contents, std::nullopt, bundle::HeadEnd::alone).value();
  }
}

bool is_full(const std::filesystem::path& folder) {
  std::error_code error;
  const std::filesystem::directory_iterator files(folder, error);
  return !error && std::distance(begin(files), end(files)) >= static_cast<std::ptrdiff_t>(k_evidence_limit);
}

// Both statements stay: the one that was accepted, and the one that contradicts it. Whatever hinders that, the alarm
// is what is thrown.
Error with_evidence(Error error, const bundle::Head& head, const store::ChannelKey& key, const ImportRun& run) {
  const auto folder = run.options.home.evidence();
  std::vector<std::string> kept;
  std::string trouble;
  const auto attempt = [&trouble](const auto& step) {
    try {
      step();
    } catch (const Error& failure) {
      if (failure.code() == ErrorCode::interrupted) {
        throw;
      }
      trouble += fmt::format("; {}", failure.message());
    }
  };
  attempt([&] {
    base::make_directories(folder, 0700);
    if (is_full(folder)) {
      throw Error(ErrorCode::limit, fmt::format("{} holds enough evidence already", folder.string()));
    }
    kept.push_back(keep(folder, head.hint(), evidence_of(head)).string());
  });
  attempt([&] {
    for (const auto& generation : run.state.generations()) {
      if (generation.channel != key) {
        continue;
      }
      if (const auto accepted = run.blobs.open(base::Digest::parse_sha256_hex(generation.head_digest))) {
        base::FileSource source(accepted->fd->get(), accepted->offset, accepted->length, "the accepted head");
        kept.push_back(keep(folder, head.hint(), base::read_all(source, bundle::k_head_limit)).string());
      }
      break;
    }
  });
  attempt([&] {
    auto change = run.state.change();
    base::Json detail = {{"channel", key.channel},
                         {"producer", key.producer},
                         {"serial", head.hint().serial},
                         {"evidence", kept},
                         {"message", error.message()},
                         {"file", head.file().filename().string()},
                         {"medium", to_json(medium_of(head.file()))}};
    Remark{run.options.reason, run.options.ticket}.add_to(detail);
    run.state.audit(run.clock.now(), "equivocation", audit_text(detail));
    change.commit();
  });
  error.with_hint(fmt::format("call security before anything else; kept as evidence: {}{}",
                              kept.empty() ? "nothing" : base::join(kept, ", "), trouble));
  return error;
}

// Keeps each new root together with its entry in the audit log: who may sign from now on is asked months later.
class AuditedRoots : public bundle::ChannelStateStore {
 public:
  AuditedRoots(const PinnedRoot& pinned, const store::ChannelKey& key, const bundle::Head& head, const ImportRun& run)
      : ChannelStateStore(run.state, key), m_producer(key.producer), m_head(head), m_run(run) {
    const auto stored = run.state.roots(key.producer);
    m_newest = stored.empty() ? pinned.bytes : stored.back();
  }

  void save_root(std::uint64_t version, std::string_view bytes) override {
    const auto differences = changes(bytes);
    base::Json detail = {{"producer", m_producer},
                         {"version", version},
                         {"sha256", base::sha256(bytes).hex()},
                         {"changes", differences ? base::Json(*differences) : base::Json()},
                         {"file", m_head.file().filename().string()},
                         {"medium", to_json(medium_of(m_head.file()))}};
    Remark{m_run.options.reason, m_run.options.ticket}.add_to(detail);
    auto change = m_run.state.change();
    ChannelStateStore::save_root(version, bytes);
    m_run.state.audit(m_run.clock.now(), "root-accepted", audit_text(detail));
    change.commit();
    m_newest = bytes;
    // Also where the rest of the bundle is refused: who may sign from now on has changed.
    m_run.reporter.say(fmt::format("root version {} of this producer is trusted from now on{}", version,
                                   differences && !differences->empty() ? ": " + base::join(*differences, "; ") : ""));
  }

 private:
  // What differs from the root before it; nullopt where that is not at hand.
  std::optional<std::vector<std::string>> changes(std::string_view bytes) const {
    try {
      const auto parse = [](std::string text) {
        return trust::parse_root(trust::parse_signed(std::move(text), "root", trust::k_root_limit));
      };
      const auto now = parse(std::string(bytes));
      const auto before = parse(m_newest);
      return now.version == before.version + 1 ? std::optional(changes_of_root(now, before)) : std::nullopt;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::interrupted) {
        throw;
      }
      return std::nullopt;
    }
  }

  std::string m_producer;
  const bundle::Head& m_head;
  const ImportRun& m_run;
  std::string m_newest;  // root
};

// What ends is told by the trust layer; what can be done about it differs by role.
std::string hint_for_expired(std::string_view message) {
  if (message.starts_with("role 'root'")) {
    return "call the key holders: only a new root helps, which `airlock keys renew` makes on the connected side; "
           "--accept-expired does not";
  }
  if (message.starts_with("role 'timestamp'")) {
    return "have the connected side send a fresh timestamp, `airlock bundle ship BUNDLE --metadata -o DIR/`; or take "
           "this one as it is, once: --accept-expired --reason TEXT";
  }
  if (message.starts_with("role 'snapshot'")) {
    return "ask for the channel's next state, since no `ship --metadata` prolongs an approval; or take this one as it "
           "is, once: --accept-expired --reason TEXT";
  }
  return "ask for the channel's next state; neither `ship --metadata` nor --accept-expired helps";
}

// What the person who runs the import can do.
void explain(Error& error, const bundle::Head& head, const store::ChannelKey& key, const ImportRun& run) {
  if (error.code() == ErrorCode::expired && error.hint().empty()) {
    error.with_hint(hint_for_expired(error.message()));
  }
  const auto here = error.code() == ErrorCode::rollback ? taken_in_as(head, run.state, key) : std::nullopt;
  const auto serial = here ? here->serial : head.hint().serial;  // the hint is nobody's word
  explain_older_versions(error, serial, run.state, key);
  const auto last = run.state.last_serial(key);
  if (error.code() != ErrorCode::rollback || !last || serial > *last) {
    return;
  }
  const bool is_newest = serial == *last;
  const bool can_be_brought = is_newest || !run.state.out_of_service(key);  // as a salvage asks
  if (here && can_be_brought && !missing_blobs(run.state, here->id).empty()) {
    const std::string_view way =
        is_newest ? "import this bundle together with the newest sending of its state, `airlock import OLDER NEWER`"
                  : "it is not the newest, so take them from this bundle with `airlock bundle import --salvage PATH`";
    error.with_hint(fmt::format("files of generation {} are missing here: {}", here->id, way));
  } else if (error.hint().empty()) {
    error.with_hint(serial < *last ? fmt::format("it is older than the serial {} that is here: {}", *last,
                                                 hint_for_older(serial, *last, key.channel))
                                   : fmt::format("a newer statement of serial {} is here: nothing to do", *last));
  }
}

}  // namespace

ProvenHead prove_head(const bundle::Head& head, const ImportRun& run) {
  const auto& root = require_root_for(head, run.roots, run.options.home);
  // The channel is the head's own word until verify_head has compared it with every signed role.
  const store::ChannelKey key{root.producer(), head.hint().channel};

  bundle::VerifyOptions options;
  options.pinned_root = root.bytes;
  options.producer = key.producer;
  options.channel = key.channel;
  options.policy = run.policy;
  options.belongs = ecosystem::belongs;
  options.wall = run.clock.now();
  options.now = reference_time(
      *options.wall, {.floor = run.state.time_floor(), .last_wall = run.state.last_wall(), .built = run.options.built},
      run.policy.clock_tolerance);
  if (run.options.expiry == trust::Expiry::accept) {
    options.expiry = {{"timestamp", trust::Expiry::accept}, {"snapshot", trust::Expiry::accept}};
  }
  AuditedRoots known(root, key, head, run);
  try {
    auto verified = bundle::verify_head(head, known, options);
    check_serial(verified, run.state, key, run.policy.trust);
    return {std::move(verified), key, options.now};
  } catch (Error& error) {
    if (error.code() == ErrorCode::equivocation) {
      throw with_evidence(error, head, key, run);
    }
    if (error.code() == ErrorCode::untrusted) {
      if (const auto older = older_than_keys(head, root, run.state, key, error)) {
        error = *older;
      }
    }
    explain(error, head, key, run);
    throw;
  }
}

std::optional<store::Generation> here_already(const bundle::Head& head, const Error& refusal, const ImportRun& run) {
  const PinnedRoot* const root = refusal.code() == ErrorCode::rollback ? find_root_for(head, run.roots) : nullptr;
  if (root == nullptr || !run.options.withhold.empty() || !run.options.release.empty()) {
    return std::nullopt;
  }
  const store::ChannelKey key{root->producer(), head.hint().channel};
  auto here = taken_in_as(head, run.state, key);
  const bool is_newest = here && here->serial >= run.state.last_serial(key).value_or(0);
  return is_newest && !here->unproven && missing_blobs(run.state, here->id).empty() ? std::move(here) : std::nullopt;
}

}  // namespace airlock::workflow
