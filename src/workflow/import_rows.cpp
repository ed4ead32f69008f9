// Import, the part of step 9 that needs to know the other channels.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "store/catalog.hpp"
#include "workflow/import_one.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;
using model::Kind;

bool is_fixed(Kind kind) {
  return kind == Kind::file || kind == Kind::meta || kind == Kind::layout;
}

bool serves_other_channels(const store::ChannelKey& key, const store::StateDb& state) {
  const auto generations = state.generations();
  return std::any_of(generations.begin(), generations.end(), [&key](const store::Generation& generation) {
    return generation.active && generation.channel != key;
  });
}

}  // namespace

void check_rows(const bundle::VerifiedBundle& verified, const store::ChannelKey& key, const ImportRun& run) {
  const auto catalog =
      serves_other_channels(key, run.state) ? store::Catalog::open_current(run.options.home.root) : nullptr;
  if (!catalog) {
    return;
  }
  verified.for_each_row([&](const model::FileRow& row) {
    if (!is_fixed(row.kind)) {
      return;
    }
    const auto here = catalog->find(row.ecosystem, row.path);
    if (here && here->channel != key.channel && is_fixed(here->kind) && here->sha256 != row.sha256) {
      throw Error(ErrorCode::conflict,
                  fmt::format("{} '{}' is one thing in channel '{}' ({}) and another in channel '{}' ({})",
                              row.ecosystem, base::printable(row.path), here->channel, here->sha256->to_string(),
                              key.channel, row.sha256->to_string()))
          .with_hint("a path that is fixed by a version or digest means one thing; ask both producers which is right. "
                     "Nothing was changed");
    }
  });
}

}  // namespace airlock::workflow
