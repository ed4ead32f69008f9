#include "workflow/bundle_rows.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "bundle/state_store.hpp"
#include "ecosystem/ecosystem.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/policy.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::string_view k_catalog_folder = "/catalog/";  // "oci/catalog/0000.jsonl"

// An older bundle may be looked into: serials and versions of roles are no floor.
class RootsOnly : public bundle::ReadOnlyStateStore {
 public:
  using ReadOnlyStateStore::ReadOnlyStateStore;
  std::optional<std::string> load(std::string_view) override { return std::nullopt; }
};

std::optional<bundle::VerifiedBundle> prove(const bundle::Head& head, const Home& home, base::Time now) {
  const auto policy = load_policy(home);
  auto roots = read_pinned_roots(home);
  if (auto own = read_own_root(home)) {
    roots.push_back(std::move(*own));
  }
  const auto* root = find_root_for(head, roots);
  if (root == nullptr) {
    return std::nullopt;
  }
  bundle::VerifyOptions options;
  options.pinned_root = root->bytes;
  options.producer = root->producer();
  options.now = now;
  options.policy = policy;
  options.belongs = ecosystem::belongs;
  for (const auto* role : {"timestamp", "snapshot", "targets"}) {
    options.expiry[role] = trust::Expiry::accept;
  }
  // The roots that this home knows beyond the pinned one count here too: whom they revoked proves nothing.
  std::error_code ignored;
  if (std::filesystem::exists(home.root / "airlock.db", ignored)) {
    const store::StateDb state(home.root, store::StateDb::Access::read);
    RootsOnly known(state, {root->producer(), head.hint().channel});
    return bundle::verify_head(head, known, options);
  }
  bundle::EmptyStateStore nothing;
  return bundle::verify_head(head, nothing, options);
}

// "oci/catalog/<hex>.0000.jsonl" -> "oci/catalog/0000.jsonl"
std::string plain_name(std::string_view consistent) {
  const auto slash = consistent.rfind('/');
  const auto dot = consistent.find('.', slash == std::string_view::npos ? 0 : slash);
  const auto start = slash == std::string_view::npos ? 0 : slash + 1;
  return dot == std::string_view::npos
             ? std::string(consistent)
             : std::string(consistent.substr(0, start)) + std::string(consistent.substr(dot + 1));
}

void for_each_line(std::string_view text, const std::function<void(std::string_view)>& visit) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    visit(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

}  // namespace

BundleRows::BundleRows(const bundle::Head& head, const Home& home, base::Time now)
    : m_head(head), m_verified(prove(head, home, now)) {}

void BundleRows::for_each(const std::function<void(const model::FileRow&)>& visit) const {
  if (m_verified) {
    m_verified->for_each_row(visit);
    return;
  }
  for (const auto& name : m_head.target_names()) {
    const auto path = plain_name(name);
    const auto folder = path.find(k_catalog_folder);
    if (folder == std::string::npos) {
      continue;
    }
    const auto text = m_head.unverified_target(path);
    if (!text) {
      throw Error(ErrorCode::tampered, fmt::format("catalog {} is not what its own name says", path));
    }
    const auto ecosystem = path.substr(0, folder);
    for_each_line(
        *text, [&](std::string_view line) { visit(model::parse_row(line, model::RowForm::catalog, ecosystem, path)); });
  }
}

}  // namespace airlock::workflow
