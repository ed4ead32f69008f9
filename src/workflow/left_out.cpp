#include "workflow/left_out.hpp"

#include <set>

#include "base/files.hpp"
#include "store/blob_store.hpp"
#include "workflow/generation_proof.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/revocation.hpp"

namespace airlock::workflow {

namespace {

using model::Kind;

void give_back_one(const store::Generation& generation, const bundle::VerifiedBundle& verified, store::StateDb& state) {
  auto left = state.withheld(generation.channel);
  const Revocations revoked(without_overridden(verified.revoked(), state, generation.channel));
  verified.for_each_row([&](const model::FileRow& row) {
    if (row.sha256 && revoked.find(row) != nullptr) {
      left.insert(*row.sha256);
    }
  });
  verified.for_each_row([&](const model::FileRow& row) {
    if (row.sha256 && !left.contains(*row.sha256) && state.has_blob(*row.sha256)) {
      state.set_row_kind(generation.id, row.ecosystem, row.path, row.kind);
    }
  });
}

}  // namespace

void give_back_rows(store::StateDb& state, const Home& home, const store::ChannelKey& channel) {
  const auto roots = read_pinned_roots(home);
  const store::BlobStore blobs(home.blobs());
  const base::TempDir scratch = state.proof_folder();
  for (const auto& generation : state.generations()) {
    if (generation.channel != channel || state.count_rows(generation.id, Kind::withheld) == 0) {
      continue;
    }
    if (const auto verified = prove_generation(generation, state, blobs, roots, scratch.path())) {
      give_back_one(generation, *verified, state);
    }
  }
}

}  // namespace airlock::workflow
