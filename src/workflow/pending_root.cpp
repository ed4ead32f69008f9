#include "workflow/pending_root.hpp"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "trust/metadata.hpp"
#include "workflow/key_store.hpp"
#include "workflow/root_review.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

constexpr std::size_t k_notes_limit = 64 * 1024;  // bytes

fs::path pending_folder(const Home& home) {
  return home.keys() / "pending";
}

// Folders of a home, which only its owner may read.
void make_private_folder(const fs::path& folder) {
  base::make_directories(folder, 0700);
}

// What stands beside the root and is no part of it.
void read_notes(const Home& home, PendingRoot& pending) {
  const fs::path path = pending_folder(home) / "notes.json";
  const auto text = base::read_file_if_exists(path, k_notes_limit);
  if (!text) {
    return;
  }
  const base::Json json = base::parse_json(*text, path.string());
  for (const auto& note : base::member(json, "notes", path.string())) {
    pending.notes.push_back(note.is_string() ? note.get<std::string>() : "");
  }
  if (json.contains("cadence")) {
    pending.cadence = base::string_member(json, "cadence", path.string());
  }
}

Error nothing_pending() {
  return Error(ErrorCode::not_found, "no new root is waiting for signatures in this home")
      .with_hint("`airlock keys show` tells the newest root; changes begin with `airlock keys add`, `rotate`, `revoke` "
                 "or `renew`");
}

trust::RootApprovals approvals(const trust::SignedFile& file, const std::optional<trust::Root>& before) {
  return before ? trust::approvals_of_root(file, *before) : trust::approvals_of_root(file);
}

RootProgress progress_of(const trust::SignedFile& file, const std::optional<trust::Root>& before) {
  const trust::Root root = trust::parse_root(file);
  RootProgress progress;
  progress.version = root.version;
  progress.first = !before;
  progress.approvals = approvals(file, before);
  progress.fingerprint = trust::identity(file).hex();
  progress.expires = root.expires;
  if (before) {
    progress.changes = changes_of_root(root, *before);
  }
  for (auto& [keyid, signer] : signers_of_root(root, before)) {
    const auto given = std::ranges::find(file.signatures, keyid, &trust::Signature::keyid);
    const trust::PublicKey* key = key_of_root(root, before, keyid);
    signer.signed_already = given != file.signatures.end() && key != nullptr && key->verify(file.canonical, given->sig);
    progress.signers.push_back(signer);
  }
  return progress;
}

void point_to_pending(RootProgress& progress, const Home& home) {
  const fs::path folder = pending_folder(home);
  progress.root = folder / trust::metadata_file_name("root", progress.version);
  progress.to_sign = folder / fmt::format("{}.root.tbs", progress.version);
  progress.review = folder / fmt::format("{}.review.txt", progress.version);
}

std::optional<std::string> newest_bytes(const Home& home) {
  const auto files = own_root_files(home);
  return files.empty() ? std::nullopt : std::optional(base::read_file(files.back(), trust::k_root_limit));
}

std::optional<trust::SignedFile> newest_file(const Home& home) {
  const auto bytes = newest_bytes(home);
  return bytes ? std::optional(parse_own_root_file(*bytes)) : std::nullopt;
}

// The file that makes it a pending root comes last.
void write_pending(const Home& home, const trust::SignedFile& file, const std::optional<trust::Root>& before,
                   const RootProgress& progress) {
  make_private_folder(pending_folder(home));
  base::Json notes = {{"format", 1}, {"notes", progress.notes}};
  if (progress.cadence) {
    notes["cadence"] = *progress.cadence;
  }
  base::write_file_atomic(pending_folder(home) / "notes.json", notes.dump(2) + "\n");
  if (before) {
    base::write_file_atomic(pending_folder(home) / trust::metadata_file_name("root", before->version),
                            *newest_bytes(home));
  }
  base::write_file_atomic(progress.to_sign, file.canonical);
  base::write_file_atomic(progress.review, review_of_root(file, newest_file(home), progress.notes));
  base::write_file_atomic(progress.root, file.bytes);
}

void drop_pending(const Home& home, std::uint64_t version) {
  // First the file that counts, so that what an interruption leaves is no pending root.
  std::error_code error;
  fs::remove(pending_folder(home) / trust::metadata_file_name("root", version), error);
  fs::remove_all(pending_folder(home), error);
  if (error) {
    throw Error(ErrorCode::io, fmt::format("cannot remove {}: {}", pending_folder(home).string(), error.message()));
  }
}

// Moves one private key aside, under a name that no other has.
fs::path retire(const Home& home, const fs::path& file, const std::string& keyid) {
  make_private_folder(home.keys() / "retired");
  const fs::path target =
      home.keys() / "retired" / fmt::format("{}-{}.pem", file.stem().string(), keyid.substr(0, k_keyid_shown));
  if (std::error_code ignored; fs::exists(target, ignored)) {
    throw Error(ErrorCode::conflict, fmt::format("{} is there already", target.string()))
        .with_hint("move one of the two files away");
  }
  fs::rename(file, target);
  base::sync_directory(home.keys() / "retired");
  base::sync_directory(home.keys());
  return target;
}

}  // namespace

std::optional<trust::Root> newest_own_root(const Home& home) {
  const auto bytes = newest_bytes(home);
  return bytes ? std::optional(parse_own_root(*bytes)) : std::nullopt;
}

std::optional<PendingRoot> read_pending_root(const Home& home) {
  const auto before = newest_own_root(home);
  const std::uint64_t version = before ? before->version + 1 : 1;
  const auto bytes =
      base::read_file_if_exists(pending_folder(home) / trust::metadata_file_name("root", version), trust::k_root_limit);
  if (!bytes) {
    return std::nullopt;
  }
  PendingRoot pending;
  pending.file = trust::parse_signed(*bytes, "the pending root", trust::k_root_limit);
  pending.root = trust::parse_root(pending.file);
  read_notes(home, pending);
  return pending;
}

std::optional<RootProgress> pending_root(const Home& home) {
  const auto pending = read_pending_root(home);
  if (!pending) {
    return std::nullopt;
  }
  RootProgress progress = progress_of(pending->file, newest_own_root(home));
  progress.notes = pending->notes;
  progress.cadence = pending->cadence;
  point_to_pending(progress, home);
  return progress;
}

std::vector<fs::path> tidy_keys(const Home& home) {
  const auto newest = newest_own_root(home);
  if (const std::uint64_t overtaken = newest ? newest->version : 0;
      fs::exists(pending_folder(home)) && !read_pending_root(home)) {
    drop_pending(home, overtaken);
  }
  std::vector<fs::path> moved;
  if (!newest) {
    return moved;  // the first root is pending, and every key belongs to it
  }
  const auto pending = read_pending_root(home);
  KeySettings settings = read_key_settings(home);
  for (auto& [keyid, place] : settings.places) {
    const bool needed = newest->keys.contains(keyid) || (pending && pending->root.keys.contains(keyid));
    std::error_code ignored;
    if (needed || place.command || place.file.find('/') != std::string::npos ||
        !fs::exists(home.keys() / place.file, ignored)) {
      continue;
    }
    moved.push_back(retire(home, home.keys() / place.file, keyid));
    place.file = fs::path("retired") / moved.back().filename();
  }
  if (!moved.empty()) {
    write_key_settings(home, settings);
  }
  return moved;
}

RootProgress store_root(const Home& home, const trust::SignedFile& file, const std::vector<std::string>& notes,
                        const std::optional<std::string>& cadence) {
  const auto before = newest_own_root(home);
  RootProgress progress = progress_of(file, before);
  progress.notes = notes;
  progress.cadence = cadence;
  if (!progress.approvals.complete()) {
    point_to_pending(progress, home);
    write_pending(home, file, before, progress);
    return progress;
  }
  // Proven as every site will prove it, before it can be met anywhere.
  if (before) {
    static_cast<void>(trust::verify_next_root(file, *before));
  } else {
    static_cast<void>(trust::check_pinnable(file.bytes, {}));
  }
  base::write_file_atomic(home.keys() / fmt::format("{}.review.txt", progress.version),
                          review_of_root(file, newest_file(home), notes));
  if (cadence) {
    KeySettings settings = read_key_settings(home);
    settings.cadence = *cadence;
    write_key_settings(home, settings);
  }
  progress.root = home.keys() / trust::metadata_file_name("root", progress.version);
  base::write_file_atomic(progress.root, file.bytes);
  progress.complete = true;
  progress.moved_aside = tidy_keys(home);
  return progress;
}

RootProgress accept_signatures(const Home& home, const std::vector<fs::path>& files, const std::string& keyid) {
  if (!fs::exists(home.keys())) {
    throw nothing_pending();
  }
  const base::FileLock lock(home.keys() / "lock");
  tidy_keys(home);
  auto pending = read_pending_root(home);
  if (!pending) {
    throw nothing_pending();
  }
  const auto before = newest_own_root(home);
  std::vector<RootSignature> signatures;
  const RootSignatureReader reader(pending->file, pending->root, before, keyid);
  signatures.reserve(files.size());
  for (const fs::path& file : files) {
    signatures.push_back(reader.read(file));
  }
  const RootProgress so_far = progress_of(pending->file, before);
  trust::SignedFile file = pending->file;
  std::uint64_t added = 0;
  for (const RootSignature& signature : signatures) {
    const auto signer = std::ranges::find(so_far.signers, signature.key->keyid(), &RootSigner::keyid);
    if (signer != so_far.signers.end() && signer->signed_already) {
      continue;
    }
    file = trust::parse_signed(trust::add_signature(file, *signature.key, signature.bytes), "the pending root",
                               trust::k_root_limit);
    ++added;
  }
  RootProgress progress = store_root(home, file, pending->notes, pending->cadence);
  progress.added = added;
  return progress;
}

RootProgress abandon_root(const Home& home) {
  auto progress = pending_root(home);
  if (!progress) {
    throw nothing_pending();
  }
  if (progress->first) {
    throw Error(ErrorCode::conflict, "the first root of this home cannot be abandoned, since there is none before it")
        .with_hint(fmt::format("to begin anew, move {} away", home.keys().string()));
  }
  const base::FileLock lock(home.keys() / "lock");
  drop_pending(home, progress->version);
  progress->moved_aside = tidy_keys(home);
  return *progress;
}

}  // namespace airlock::workflow
