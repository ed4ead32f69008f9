// What a sending says beside its blobs: the statements of the approved state as they are to be sealed once more. For
// ship.cpp only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/reporter.hpp"
#include "bundle/authoring.hpp"
#include "bundle/head.hpp"
#include "bundle/verified_bundle.hpp"
#include "trust/metadata.hpp"
#include "workflow/channel_state.hpp"

namespace airlock::workflow {

class ShipStatements {
 public:
  // Those of `head` at first. What is given must live longer.
  ShipStatements(const bundle::Head& head, const bundle::VerifiedBundle& verified, const bundle::SigningSet& signers,
                 const ChannelState& channel, base::Reporter& reporter);

  // Throws revoked when a later state that was sealed here revokes what is to be sent; warns when there is a later one,
  // and of a draft that revokes it.
  void compare_with_newest() const;
  // Takes every root, and the newest timestamp that was made for this state as the channel and the heads in `folders`
  // tell. Throws limit when the state has no number left for another sending.
  void bring_up_to_date(const std::vector<std::filesystem::path>& folders);
  // What is signed already must be as good to the far side as it was when it was made; throws expired,
  // approval_missing or untrusted, with what to do. `scratch` is a folder for one file.
  void require_still_good(base::Time now, const std::filesystem::path& scratch) const;

  const bundle::HeadContents& contents() const { return m_contents; }
  std::uint64_t shipments() const { return m_shipments; }  // the highest number that may be taken
  // How many timestamps may have been made that this home does not know: it came out of a backup.
  std::uint64_t unknown() const { return m_unknown; }

 private:
  // The error for what `newer` revokes of this state and this state does not; nullopt: nothing.
  std::optional<base::Error> revoked_by(const bundle::Head& newer) const;
  void consider_neighbours(const std::filesystem::path& folder);
  // Throws untrusted for what the keys of this home's newest root have not signed.
  void consider_shipment(const std::string& envelope);
  void consider_timestamp(const std::string& bytes);

  const bundle::Head& m_head;
  const bundle::VerifiedBundle& m_verified;
  const bundle::SigningSet& m_signers;
  const ChannelState& m_channel;
  base::Reporter& m_reporter;

  bundle::HeadContents m_contents;
  trust::Root m_root;  // the newest of this home
  bool m_new_roots = false;
  std::uint64_t m_shipments = 1;
  std::uint64_t m_unknown = 0;
};

}  // namespace airlock::workflow
