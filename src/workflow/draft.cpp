#include "workflow/draft.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include <fmt/format.h>

#include "base/files.hpp"
#include "base/text.hpp"
#include "bundle/layout.hpp"
#include "bundle/verified_bundle.hpp"
#include "ecosystem/ecosystem.hpp"
#include "workflow/keys.hpp"
#include "workflow/patient_lock.hpp"
#include "workflow/pinned_roots.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;

// NAME.airlock.new-head: the head that is being written into NAME.airlock, whole, until it is there.
constexpr std::string_view k_journal_suffix = ".new-head";

std::filesystem::path head_journal(const std::filesystem::path& bundle) {
  return std::filesystem::path(bundle).concat(k_journal_suffix);
}

void write_into_room(const std::filesystem::path& bundle, std::string_view bytes) {
  const base::Fd fd(open(bundle.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) {
    throw base::system_error(errno, fmt::format("cannot write to {}", bundle.string()));
  }
  base::pwrite_all(fd.get(), base::as_bytes(bytes), 0, bundle.string());
  base::sync_file(fd.get(), bundle.string());
}

std::optional<bundle::Hint> hint_of(const std::filesystem::path& file) {
  const base::Fd fd = base::open_for_reading(file);
  return bundle::peek_hint(fd.get(), base::file_size(fd.get(), file.string()));
}

// False also where it cannot be read as a head, as one may be that is half written.
bool is_sealed(const std::filesystem::path& file) {
  try {
    return !bundle::Head::read(file).shipment().empty();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::interrupted) {
      throw;
    }
    return false;
  }
}

// Ends what a run that was killed, or a power cut, left half done. A file of that name that is none of this sending's,
// or lies on a medium that is closed, stays as it is; so does a sealed copy that somebody put in the draft's place.
void finish_head(const std::filesystem::path& bundle) {
  const auto journal = head_journal(bundle);
  std::error_code ignored;
  const auto is_plain = [&ignored](const std::filesystem::path& file) {
    return std::filesystem::symlink_status(file, ignored).type() == std::filesystem::file_type::regular;
  };
  if (!is_plain(journal) || !is_plain(bundle) || ::access(bundle.c_str(), W_OK) != 0) {
    return;
  }
  const auto here = hint_of(bundle);
  const auto there = hint_of(journal);
  if (here && there && here->set == there->set &&
      std::filesystem::file_size(journal) <= std::filesystem::file_size(bundle) &&
      (is_sealed(journal) || !is_sealed(bundle))) {
    write_into_room(bundle, base::read_file(journal, bundle::Head::k_head_memory * 8));
    std::filesystem::remove(journal, ignored);
  }
}

// The same for all bundles of a folder.
void finish_heads(const std::filesystem::path& path) {
  std::error_code error;
  for (std::filesystem::directory_iterator entries(path, error), end; !error && entries != end;
       entries.increment(error)) {
    const std::string name = entries->path().string();
    if (name.ends_with(k_journal_suffix)) {
      const std::string head = name.substr(0, name.size() - k_journal_suffix.size());
      const HeadLock lock(head);
      finish_head(head);
    }
  }
}

// The root in the head whose fingerprint a person has on paper.
ApproversRoot root_with_fingerprint(const bundle::Head& head, const std::string& fingerprint) {
  std::string newest;
  for (std::uint64_t version = 1; const auto bytes = head.metadata(trust::metadata_file_name("root", version));
       ++version) {
    newest = trust::identity(trust::parse_signed(*bytes, "root", trust::k_root_limit)).hex();
    if (newest == fingerprint) {
      return {.bytes = *bytes, .origin = "the root whose fingerprint was compared"};
    }
  }
  throw Error(ErrorCode::untrusted, "no root in this bundle has that fingerprint")
      .with_hint(fmt::format("its newest one has {}; find out which of the two is right before you approve anything",
                             base::group_digits(newest)));
}

// What people signed is the snapshot; roots that came into force since stand beside it.
bundle::Head with_roots(const bundle::Head& head, const std::vector<std::string>& chain) {
  std::map<std::string, std::string> lacking;
  for (const std::string& bytes : chain) {
    const auto version = trust::parse_root(trust::parse_signed(bytes, "root", trust::k_root_limit)).version;
    std::string name = trust::metadata_file_name("root", version);
    if (!head.metadata(name)) {
      lacking.emplace(std::move(name), bytes);
    }
  }
  return lacking.empty() ? head : head.with(std::move(lacking), "");
}

Error sealed_already(const std::filesystem::path& bundle) {
  return Error(ErrorCode::conflict, fmt::format("{} is sealed already", bundle.string()))
      .with_hint("a sealed bundle takes no further approvals; it can be carried over as it is");
}

}  // namespace

std::optional<ApproversRoot> find_approvers_root(const bundle::Head& head, const Home& home, const RootWish& wish) {
  if (wish.file) {
    return ApproversRoot{.bytes = read_root(*wish.file).bytes, .origin = wish.file->string()};
  }
  if (!wish.fingerprint.empty()) {
    return root_with_fingerprint(head, wish.fingerprint);
  }
  auto roots = read_pinned_roots(home);
  if (const auto own = read_own_root(home)) {
    if (find_root_for(head, {*own}) != nullptr) {
      auto chain = read_own_roots(home);
      std::string newest = chain.back();
      return ApproversRoot{.bytes = std::move(newest), .origin = "this home's own root", .chain = std::move(chain)};
    }
    roots.push_back(*own);
  }
  if (roots.empty()) {
    return std::nullopt;
  }
  const PinnedRoot& root = require_root_for(head, roots, home);
  return ApproversRoot{.bytes = root.bytes, .origin = fmt::format("the root pinned in {}", root.file.string())};
}

std::filesystem::path default_approval_file(std::string_view channel, std::uint64_t serial, std::uint64_t shipment) {
  return bundle::bundle_stem(channel, serial, std::max<std::uint64_t>(shipment, 1)) +
         std::string(bundle::k_approval_suffix);
}

bundle::Head read_whole_head(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    finish_heads(path);
    return bundle::Head::read(path);
  }
  const HeadLock lock(path);
  finish_head(path);
  return bundle::Head::read(path);
}

Draft open_draft(const std::filesystem::path& path, bundle::ApprovalPlaces places, std::string_view root,
                 base::Time now, std::vector<std::string> chain) {
  Draft draft{.head = read_whole_head(path),
              .contents = {},
              .proof = {},
              .snapshot = {},
              .places = {},
              .notes = {},
              .chain = std::move(chain)};
  const bundle::Hint& hint = draft.head.hint();
  if (bundle::is_channel_name(hint.channel)) {
    places.files.push_back(default_approval_file(hint.channel, hint.serial, hint.shipment));
  }
  draft.head = bundle::with_approvals(with_roots(draft.head, draft.chain), places, draft.notes);
  if (!draft.head.shipment().empty()) {
    throw sealed_already(draft.head.file());
  }
  draft.places = std::move(places);
  draft.proof = bundle::prove_draft(draft.head, root, now, ecosystem::belongs);
  draft.contents = draft.head.contents();
  draft.snapshot = bundle::snapshot_of(draft.head);
  return draft;
}

std::optional<std::string> future_warning(const Draft& draft, base::Time now) {
  const base::Time created = draft.proof.descriptor.created;
  if (created <= now + bundle::Policy().clock_tolerance) {
    return std::nullopt;
  }
  return fmt::format(
      "this bundle was made on {}, and here it is {}: where the builder's clock was ahead, no site takes "
      "it before that day; have it made again then",
      base::to_rfc3339(created), base::to_rfc3339(now));
}

void take_up_changes(Draft& draft) {
  finish_head(draft.head.file());
  std::vector<base::Finding> known;  // told when it was opened
  const bundle::Head file = bundle::Head::read(draft.head.file());
  const bundle::Head now = bundle::with_approvals(with_roots(file, draft.chain), draft.places, known);
  if (!now.shipment().empty()) {
    throw sealed_already(now.file());
  }
  const auto approvals = bundle::approvals_in(bundle::snapshot_of(now), draft.root(), now.hint().serial);
  bundle::merge_approval(draft.snapshot, approvals, draft.root());
  draft.update_contents();
}

bool can_write(const std::filesystem::path& path) {
  // A head of its own is replaced; one before blobs lies beside them until it is in its place.
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  return ::access(path.c_str(), W_OK) == 0 && ::access(folder.c_str(), W_OK) == 0;
}

bool can_store_head(const Draft& draft) {
  return can_write(draft.head.file());
}

void store_head(const Draft& draft) {
  const std::filesystem::path& path = draft.head.file();
  if (!draft.head.blobs_follow()) {
    const auto bytes = bundle::build_head(draft.contents, std::nullopt, bundle::HeadEnd::alone, bundle::k_spare_room);
    base::write_file_atomic(path, bytes.value());
    return;
  }
  const auto bytes = bundle::build_head(draft.contents, draft.head.size(), bundle::HeadEnd::blobs_follow);
  if (!bytes) {
    throw Error(ErrorCode::limit, fmt::format("the head of {} has no room left for more signatures", path.string()))
        .with_hint("write them beside it with -o FILE");
  }
  const auto journal = head_journal(path);
  base::write_file_atomic(journal, *bytes);
  write_into_room(path, *bytes);
  std::error_code ignored;
  std::filesystem::remove(journal, ignored);
}

}  // namespace airlock::workflow
