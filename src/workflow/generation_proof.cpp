#include "workflow/generation_proof.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "workflow/import_one.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

// A head is looked into by its file as well, to see what stands behind it.
class ScratchFile {
 public:
  explicit ScratchFile(fs::path path) : m_path(std::move(path)) {}
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ~ScratchFile() {
    std::error_code ignored;
    fs::remove(m_path, ignored);
  }

 private:
  fs::path m_path;
};

Error not_as_signed(const store::Generation& generation, std::string_view why) {
  return Error(ErrorCode::tampered, fmt::format("generation {} (bundle {} of channel '{}') is not what its producer "
                                                "signed: {}",
                                                generation.id, generation.serial, generation.channel.channel, why))
      .with_hint("somebody changed the database; call security, and use another backup. Nothing was changed");
}

// A private copy, at `path`, whose bytes were hashed on their way.
std::optional<bundle::Head> stored_head(const base::FileSlice& slice, const base::Digest& digest,
                                        const fs::path& path) {
  const fs::path scratch = path.parent_path();
  base::UnnamedFile copy(scratch, 0600);
  base::HashingSink hashing(copy);
  base::FileSource source(slice.fd->get(), slice.offset, slice.length, digest.to_string());
  base::copy(source, hashing);
  if (hashing.finish() != digest) {
    return std::nullopt;
  }
  copy.publish(path);
  return bundle::Head::read(path);
}

// nullopt: what this airlock has a limit for, and an older one had not. Which paths its artifacts may fill was asked
// when it came, by the rules of that day.
std::optional<bundle::VerifiedBundle> verify_as_it_was(const store::Generation& generation, const bundle::Head& head,
                                                       const PinnedRoot& root) {
  bundle::VerifyOptions options;
  options.pinned_root = root.bytes;
  options.producer = generation.channel.producer;
  options.channel = generation.channel.channel;
  options.now = generation.created;  // nothing had expired then; that it says the same itself is compared
  options.policy.trust.largest_version_jump = trust::Policy::k_any_jump;
  bundle::EmptyStateStore none;
  try {
    return bundle::verify_head(head, none, options);
  } catch (const Error& error) {
    switch (error.code()) {
    case ErrorCode::interrupted:
    case ErrorCode::io:
    case ErrorCode::no_space:
      throw;
    case ErrorCode::limit:
      return std::nullopt;
    default:
      break;
    }
    throw not_as_signed(generation, error.message());
  }
}

void compare_generation(const store::Generation& generation, const bundle::VerifiedBundle& verified) {
  const auto& descriptor = verified.descriptor();
  std::uint64_t rows = 0;
  for (const auto& [ecosystem, count] : descriptor.rows) {
    rows += count;
  }
  if (generation.serial != descriptor.serial || generation.bundle_id != verified.bundle_id() ||
      generation.created != descriptor.created || generation.artifacts != descriptor.artifacts ||
      generation.rows != rows || generation.bytes != descriptor.bytes) {
    throw not_as_signed(generation, "its head is of another state");
  }
}

void compare_signed_rows(const store::Generation& generation, const bundle::VerifiedBundle& verified,
                         std::uint64_t head_length, const store::StateDb& state) {
  std::uint64_t signed_rows = 0;
  const auto compare = [&](const model::FileRow& row) {
    ++signed_rows;
    auto stored = state.row(generation.id, row.ecosystem, row.path);
    if (stored && stored->kind == model::Kind::withheld && row.sha256) {
      stored->kind = row.kind;
    }
    if (!stored || *stored != row) {
      throw not_as_signed(generation, fmt::format("{} '{}' is {} here", row.ecosystem, base::printable(row.path, 200),
                                                  stored ? "something else" : "not"));
    }
  };
  verified.for_each_row(compare);
  for_each_bundle_row(verified, generation.channel, base::Digest::parse_sha256_hex(generation.head_digest), head_length,
                      compare);
  // Each of them has one, so that one more is one too many.
  if (state.count_rows(generation.id) != signed_rows) {
    throw not_as_signed(generation, "it has files of which its head knows nothing");
  }
}

}  // namespace

std::optional<bundle::VerifiedBundle> prove_generation(const store::Generation& generation, const store::StateDb& state,
                                                       const store::BlobStore& blobs,
                                                       const std::vector<PinnedRoot>& roots, const fs::path& scratch) {
  const auto root =
      std::ranges::find_if(roots, [&](const PinnedRoot& one) { return one.producer() == generation.channel.producer; });
  if (!base::Digest::is_sha256_hex(generation.head_digest)) {
    throw not_as_signed(generation, "it names no head");
  }
  const auto digest = base::Digest::parse_sha256_hex(generation.head_digest);
  const auto slice = blobs.open(digest);
  if (root == roots.end() || !slice) {
    return std::nullopt;
  }
  const fs::path path = scratch / fmt::format("head-{}.airlock", generation.id);
  const ScratchFile removed_after(path);
  const auto head = stored_head(*slice, digest, path);
  if (!head) {
    return std::nullopt;
  }
  auto verified = verify_as_it_was(generation, *head, *root);
  if (verified) {
    compare_generation(generation, *verified);
    compare_signed_rows(generation, *verified, slice->length, state);
  }
  return verified;
}

}  // namespace airlock::workflow
