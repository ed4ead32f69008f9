// From what is wished to exactly what is to be fetched.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>

#include "base/digest.hpp"
#include "base/reporter.hpp"
#include "model/lock.hpp"
#include "model/manifest.hpp"
#include "workflow/upstreams.hpp"

namespace airlock::workflow {

struct ResolveHooks {
  // Each file as soon as it is known, while others are still looked for; called from several threads.
  std::function<void(const model::FileRow&)> on_file;
  unsigned threads = 8;  // entries that are resolved at the same time
};

struct Resolved {
  model::Lock lock;  // normalised
  // What the resolvers hold already, by digest; at most k_content_limit bytes, the rest is fetched like everything.
  std::map<base::Digest, std::string> contents;
};
inline constexpr std::size_t k_content_limit = 8u << 20;

// All entries, several at once. When some cannot be had, everything is tried and what failed is told together: a single
// failure as it is; several as one error with the code of the first, in order of the manifest, the first 20 with their
// positions. Throws interrupted.
Resolved resolve(const model::Manifest& manifest, Upstreams& upstreams, base::Reporter& reporter,
                 const ResolveHooks& hooks = {});

}  // namespace airlock::workflow
