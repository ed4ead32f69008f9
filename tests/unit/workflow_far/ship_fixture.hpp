// A producer who sends one state to many sites, and such a site.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "far_fixture.hpp"
#include "unit/workflow/near_host.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/ship.hpp"

namespace airlock::test {

// A producer's home whose channel has files of its own disk.
class Producer {
 public:
  NearHost host;

  // The next state of the channel: these files and no others.
  workflow::CreateReport create(const std::map<std::string, std::string>& files,
                                const std::vector<fs::path>& bases = {}) {
    std::string manifest = "name: site-a\nfiles:\n";
    for (const auto& [name, content] : files) {
      base::write_file_atomic(host.root() / name, content);
      manifest += "  - { source: " + name + ", path: data/" + name + " }\n";
    }
    auto options = host.options(host.manifest(manifest));
    options.bases = bases;
    return host.create(options);
  }

  workflow::ShipOptions options(const fs::path& bundle, const std::string& folder = "again") const {
    workflow::ShipOptions options;
    options.bundle = bundle;
    options.output = (host.root() / folder).string() + "/";
    options.readback = workflow::Readback::never;
    return options;
  }

  workflow::ShipReport ship(const workflow::ShipOptions& options) { return ship_at(options, 0); }
  workflow::ShipReport ship_at(const workflow::ShipOptions& options, int day) {
    const base::FixedClock clock(bundle_time(day));
    return workflow::ship_bundle(host.home(), options, host.keys(), clock, host.reporter());
  }
};

// A site that pinned the producer's root.
struct FarSite : Site {
  explicit FarSite(const Producer& producer) {
    workflow::pin_root(home, producer.host.keys().roots().front(), {});
    clock.set(bundle_time(1));
  }
  fs::path need(std::uint64_t serial) const {
    return home.root / "receipts" / ("need-site-a-" + std::to_string(serial) + ".json");
  }
};

inline std::set<std::string> digests_in(const fs::path& head) {
  std::set<std::string> digests;
  const auto opened = bundle::Head::read(head);
  bundle::BlobMap::scan(opened, {}).for_each([&](const base::Digest& digest, const bundle::BlobLocation&) {
    digests.insert(digest.hex());
  });
  return digests;
}

inline std::string digest_hex(std::string_view text) {
  return base::sha256(text).hex();
}

}  // namespace airlock::test
