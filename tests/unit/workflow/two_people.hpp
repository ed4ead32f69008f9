// A home whose bundles two people approve.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "unit/workflow/near_host.hpp"
#include "workflow/approve.hpp"

namespace airlock::test {

// Two approvers; the second key is carried away right after it was made.
class TwoPeople {
 public:
  TwoPeople() {
    workflow::init_keys(home, {.threshold = 2}, clock);
    fs::rename(home.keys() / "snapshot-2.pem", folder.path() / "second.pem");
    second = trust::load_private_key(folder.path() / "second.pem", std::nullopt);
    server.script("/f", {{.body = content_for(1, 50'000)}});
    base::write_file_atomic(folder.path() / "site.yaml",
                            "name: site-a\nfiles:\n" + url_entry(server, "/f", content_for(1, 50'000)));
    ring = std::make_unique<workflow::KeyRing>(home, std::nullopt);
  }
  workflow::CreateReport create(std::optional<std::uint64_t> volume_size = std::nullopt) {
    workflow::CreateOptions options;
    options.manifests = {folder.path() / "site.yaml"};
    options.output = (folder.path() / "out").string() + "/";
    options.readback = workflow::Readback::never;
    options.volume_size = volume_size;
    return workflow::create_bundle(home, options, ring.get(), clock, reporter);
  }
  workflow::Draft open(const fs::path& bundle, const std::vector<fs::path>& folders = {}) {
    return workflow::open_draft(bundle, {.folders = folders, .files = {}}, ring->roots().back(), clock.now());
  }
  workflow::ApproveReport sign(const fs::path& bundle, const trust::Signer& signer,
                               const workflow::ApprovalOutput& output = {}) {
    workflow::Draft draft = open(bundle);
    return workflow::sign_draft(home, draft, {&signer}, output, clock, reporter);
  }
  workflow::ApproveReport seal(const workflow::SealOptions& options) {
    return workflow::seal_bundle(home, options, *ring, clock, reporter);
  }
  const trust::Signer& first() const { return *ring->signing_set().signers.at("snapshot").front(); }

  base::TempDir folder;
  workflow::Home home{.root = folder.path() / "home", .config = folder.path() / "home"};
  base::FixedClock clock{base::parse_rfc3339("2026-07-01T12:00:00Z")};
  FaultServer server;
  RecordingReporter reporter;
  std::unique_ptr<workflow::KeyRing> ring;
  std::unique_ptr<trust::Signer> second;
};

}  // namespace airlock::test
