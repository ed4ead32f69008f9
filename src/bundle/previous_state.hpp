// What a channel's last head says, as far as the next state builds on it. For the files of this folder only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bundle/authoring.hpp"

namespace airlock::bundle {

// The newest file of a role among metadata files by name ("7.oci.json"); nullopt when there is none.
std::optional<std::string> newest_metadata(const std::map<std::string, std::string>& metadata, std::string_view role);

struct PreviousState {
  struct Role {
    trust::SignedFile file;
    trust::Targets value;
  };
  std::string bundle_id;  // hex
  std::uint64_t snapshot_version = 0;
  std::uint64_t targets_version = 0;
  std::map<std::string, Role> delegated;  // by name
  std::vector<Revoked> revoked;
};

// Throws conflict when the head is of another channel, malformed or tampered when it cannot be read.
PreviousState read_previous(const HeadContents& head, std::string_view channel);

}  // namespace airlock::bundle
