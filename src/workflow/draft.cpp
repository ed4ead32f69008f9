#include "workflow/draft.hpp"

#include <fcntl.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "workflow/channel_state.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::uint64_t k_draft_spare_room = 64 * 1024;  // bytes, in a head of its own

Error broken(std::string what) {
  return Error(ErrorCode::tampered, std::move(what))
      .with_hint("do not approve this bundle; have it made again, and find out who changed it");
}

class DraftCheck {
 public:
  explicit DraftCheck(const Draft& draft) : m_draft(draft) {}

  void run() {
    const trust::Snapshot snapshot = trust::parse_snapshot(m_draft.snapshot);
    check_channel("snapshot", snapshot.channel);
    const trust::SignedFile targets_file = role_file("targets", snapshot);
    trust::require_threshold(targets_file, "targets", m_draft.root.roles.at("targets"), m_draft.root.keys);
    const trust::Targets targets = trust::parse_targets(targets_file);
    check_targets("targets", targets);
    for (const trust::DelegatedRole& delegated : targets.roles) {
      const trust::SignedFile file = role_file(delegated.name, snapshot);
      trust::require_threshold(file, delegated.name, delegated.keys, targets.delegation_keys);
      check_targets(delegated.name, trust::parse_targets(file));
    }
    if (snapshot.meta.size() != targets.roles.size() + 1) {
      throw broken("the snapshot lists roles that nobody delegated");
    }
  }

 private:
  void check_channel(std::string_view role, const std::string& channel) const {
    if (channel != m_draft.contents.hint.channel) {
      throw broken(fmt::format("role '{}' is of the channel '{}', the bundle of '{}'", role, channel,
                               m_draft.contents.hint.channel));
    }
  }

  trust::SignedFile role_file(const std::string& role, const trust::Snapshot& snapshot) const {
    const auto meta = snapshot.meta.find(role + ".json");
    if (meta == snapshot.meta.end()) {
      throw broken(fmt::format("the snapshot does not list role '{}'", role));
    }
    const std::string name = fmt::format("{}.{}.json", meta->second.version, role);
    const auto bytes = m_draft.contents.metadata.find(name);
    if (bytes == m_draft.contents.metadata.end() || !trust::matches(meta->second, bytes->second)) {
      throw broken(fmt::format("{} is absent, or not what the snapshot says", name));
    }
    return trust::parse_signed(bytes->second, name, trust::k_metadata_ceiling);
  }

  void check_targets(const std::string& role, const trust::Targets& targets) const {
    check_channel(role, targets.channel);
    for (const auto& [path, file] : targets.targets) {
      static_cast<void>(m_draft.head.target(path, file));
    }
  }

  const Draft& m_draft;
};

}  // namespace

Draft open_draft(const std::filesystem::path& path, const std::vector<std::string>& roots) {
  const bundle::Head head = bundle::Head::read(path);
  if (!head.shipment().empty()) {
    throw Error(ErrorCode::conflict, fmt::format("{} is sealed already", head.file().string()))
        .with_hint("a sealed bundle takes no further approvals; it can be carried over as it is");
  }
  Draft draft{.head = head, .contents = head.contents(), .root = {}, .snapshot_name = {}, .snapshot = {}};
  draft.root = trust::parse_root(trust::parse_signed(roots.back(), "this home's root", trust::k_root_limit));
  const NewestSnapshot newest = newest_snapshot(draft.contents);
  draft.snapshot_name = newest.name;
  draft.snapshot = newest.file;
  base::with_context([&] { return "checking " + head.file().string(); }, [&] { DraftCheck(draft).run(); });
  return draft;
}

void store_head(const Draft& draft) {
  const std::filesystem::path& path = draft.head.file();
  if (!draft.head.blobs_follow()) {
    const auto bytes = bundle::build_head(draft.contents, std::nullopt, bundle::HeadEnd::alone, k_draft_spare_room);
    base::write_file_atomic(path, bytes.value());
    return;
  }
  const auto bytes = bundle::build_head(draft.contents, draft.head.size(), bundle::HeadEnd::blobs_follow);
  if (!bytes) {
    throw Error(ErrorCode::limit, fmt::format("the head of {} has no room left for more signatures", path.string()));
  }
  const base::Fd fd(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) {
    throw base::system_error(errno, fmt::format("cannot write to {}", path.string()));
  }
  base::pwrite_all(fd.get(), base::as_bytes(*bytes), 0, path.string());
  base::sync_file(fd.get(), path.string());
}

}  // namespace airlock::workflow
