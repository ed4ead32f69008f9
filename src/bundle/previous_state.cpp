#include "bundle/previous_state.hpp"

#include <charconv>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::bundle {

using base::Error;
using base::ErrorCode;

namespace {

trust::SignedFile parse_newest(const HeadContents& head, std::string_view role) {
  auto bytes = newest_metadata(head.metadata, role);
  if (!bytes) {
    throw Error(ErrorCode::malformed, fmt::format("the last head has no role '{}'", base::printable(role, 60)));
  }
  return trust::parse_signed(std::move(*bytes), role, trust::k_metadata_ceiling);
}

}  // namespace

std::optional<std::string> newest_metadata(const std::map<std::string, std::string>& metadata, std::string_view role) {
  std::uint64_t newest = 0;
  const std::string* found = nullptr;
  const std::string suffix = fmt::format(".{}.json", role);
  for (const auto& [name, bytes] : metadata) {
    std::uint64_t version = 0;
    const auto [end, status] = std::from_chars(name.data(), name.data() + name.size(), version);
    const std::string_view rest(end, static_cast<std::size_t>(name.data() + name.size() - end));
    if (status == std::errc() && rest == suffix && version > newest) {
      newest = version;
      found = &bytes;
    }
  }
  return found == nullptr ? std::nullopt : std::optional(*found);
}

PreviousState read_previous(const HeadContents& head, std::string_view channel) {
  return base::with_context(
      [] { return std::string("reading the channel's last head"); },
      [&] {
        PreviousState state;
        const trust::SignedFile snapshot_file = parse_newest(head, "snapshot");
        const trust::Snapshot snapshot = trust::parse_snapshot(snapshot_file);
        if (snapshot.channel != channel) {
          throw Error(ErrorCode::conflict, fmt::format("the last head is of channel '{}', not of '{}'",
                                                       base::printable(snapshot.channel), channel));
        }
        state.bundle_id = trust::identity(snapshot_file).hex();
        state.snapshot_version = snapshot.version;
        const trust::SignedFile targets_file = parse_newest(head, "targets");
        state.targets_version = trust::parse_targets(targets_file).version;
        for (const auto& [name, meta] : snapshot.meta) {
          const std::string role = name.substr(0, name.rfind(".json"));
          if (role != "targets") {
            trust::SignedFile file = parse_newest(head, role);
            trust::Targets value = trust::parse_targets(file);
            state.delegated.emplace(role, PreviousState::Role{std::move(file), std::move(value)});
          }
        }
        if (const auto revoked = head.targets.find(std::string(k_revoked_target)); revoked != head.targets.end()) {
          state.revoked = parse_revoked(revoked->second, k_revoked_target);
        }
        return state;
      });
}

}  // namespace airlock::bundle
