// Targets and what they delegate (TUF 1.0.34, section 5.6).
#include <deque>
#include <set>

#include "base/error.hpp"
#include "base/refusal.hpp"
#include "base/text.hpp"
#include "trust/client_impl.hpp"
#include "trust/root_chain.hpp"

namespace airlock::trust {

namespace {

using base::Error;
using base::ErrorCode;
using base::refusing_malformed;

constexpr std::size_t k_search_limit = 32;  // delegated roles visited in one search

// A role on the way down, and every delegation that led to it.
struct Branch {
  const Targets* targets = nullptr;
  std::vector<const DelegatedRole*> chain;
};

void check_paths(const Branch& branch) {
  for (const auto& [path, target] : branch.targets->targets) {
    for (const DelegatedRole* const delegated : branch.chain) {
      if (!delegates(*delegated, path)) {
        throw Error(ErrorCode::untrusted, role_in_quotes(branch.chain.back()->name) + " lists '" +
                                              base::printable(path, 100) + "', which was not delegated to it");
      }
    }
  }
}

}  // namespace

// 5.6.1 to 5.6.6, for the top level and for delegated roles alike.
std::pair<SignedFile, Targets> Client::Impl::load_targets(const std::string& name, const RoleKeys& role,
                                                          const std::map<std::string, PublicKey>& keys) {
  const auto meta = set.snapshot.meta.find(name + ".json");
  if (meta == set.snapshot.meta.end()) {
    throw Error(ErrorCode::tampered, role_in_quotes(name) + " is not listed in snapshot");
  }
  auto stored = read_stored_targets(name, role, keys);
  if (stored && stored->second.version == meta->second.version && fits(meta->second, stored->first.bytes)) {
    check_times(name, stored->second);
    return std::move(*stored);
  }
  SignedFile file = fetch_described(name, meta->second, k_targets_limit);
  require_threshold(file, name, role, keys);
  Targets targets = refusing_malformed([&] { return parse_targets(file, m_options.keyid_check); });
  check_channel(name, targets);
  if (targets.version != meta->second.version) {
    throw Error(ErrorCode::tampered, role_in_quotes(name) + " has version " + std::to_string(targets.version) +
                                         " where snapshot promises version " + std::to_string(meta->second.version));
  }
  if (stored && stored->second.version == targets.version) {
    check_equivocation(name, stored->first, file, targets.version);
  }
  check_times(name, targets);
  if (incremental()) {
    m_store->save(name, file.bytes);
  }
  return {std::move(file), std::move(targets)};
}

// nullopt for whatever would not be accepted today: it is then fetched like any other.
std::optional<std::pair<SignedFile, Targets>>
Client::Impl::read_stored_targets(const std::string& name, const RoleKeys& role,
                                  const std::map<std::string, PublicKey>& keys) {
  auto bytes = m_store->load(name);
  if (!bytes) {
    return std::nullopt;
  }
  try {
    SignedFile file = parse_signed(std::move(*bytes), name, k_metadata_ceiling);
    require_threshold(file, name, role, keys);
    Targets targets = parse_targets(file, m_options.keyid_check);
    check_channel(name, targets);
    return std::pair(std::move(file), std::move(targets));
  } catch (const Error&) {
    return std::nullopt;
  }
}

// Version floors are those of the earlier snapshot: after a recovery that reset them (5.3.11) an honest
// repository may use a version again.
void Client::Impl::check_equivocation(const std::string& name, const SignedFile& stored, const SignedFile& fetched,
                                      std::uint64_t version) const {
  const bool floor_holds = m_earlier_snapshot && m_earlier_snapshot->role.meta.contains(name + ".json");
  if (!incremental() && floor_holds && stored.canonical != fetched.canonical) {
    throw Error(ErrorCode::equivocation, "two different contents of " + role_in_quotes(name) +
                                             " are signed as version " + std::to_string(version));
  }
}

const Targets& Client::Impl::load_delegated(const DelegatedRole& role, const std::map<std::string, PublicKey>& keys) {
  check_policy(role, keys, m_options.policy);
  const auto cached = set.delegated_files.find(role.name);
  if (cached != set.delegated_files.end()) {
    // Another delegator vouched for it; this one must do so itself.
    require_threshold(cached->second, role.name, role.keys, keys);
    return set.delegated.at(role.name);
  }
  auto [file, targets] = load_targets(role.name, role.keys, keys);
  set.delegated_files.insert_or_assign(role.name, std::move(file));
  return set.delegated.insert_or_assign(role.name, std::move(targets)).first->second;
}

// 5.6.7: pre-order, in the order of appearance, each role once. Only roles whose delegation covers the path
// are entered, so it is covered all along the chain.
std::optional<TargetFile> Client::Impl::find_target(std::string_view path) {
  struct Step {
    const Targets* parent = nullptr;  // null: the top level
    const DelegatedRole* role = nullptr;
  };
  std::vector<Step> stack = {{}};
  std::set<std::string> visited;  // "targets" too
  while (!stack.empty() && visited.size() <= k_search_limit) {
    const Step step = stack.back();
    stack.pop_back();
    if (!visited.insert(step.role == nullptr ? "targets" : step.role->name).second) {
      continue;
    }
    const Targets& targets =
        step.role == nullptr ? set.targets : load_delegated(*step.role, step.parent->delegation_keys);
    const auto found = targets.targets.find(std::string(path));
    if (found != targets.targets.end()) {
      return found->second;
    }
    std::vector<Step> children;
    for (const auto& role : targets.roles) {
      if (!delegates(role, path)) {
        continue;
      }
      children.push_back({&targets, &role});
      if (role.terminating) {
        stack.clear();  // its answer is final, also for those who were to be asked later
        break;
      }
    }
    stack.insert(stack.end(), children.rbegin(), children.rend());
  }
  return std::nullopt;
}

const TrustedSet& Client::Impl::load_all_delegated() {
  std::set<std::string> seen;
  std::deque<Branch> queue = {{&set.targets, {}}};
  while (!queue.empty()) {
    const Branch branch = std::move(queue.front());
    queue.pop_front();
    for (const auto& role : branch.targets->roles) {
      if (!seen.insert(role.name).second) {
        throw Error(ErrorCode::untrusted, role_in_quotes(role.name) + " is delegated to by more than one role");
      }
      if (seen.size() > k_role_limit) {
        throw Error(ErrorCode::tampered, "more than " + std::to_string(k_role_limit) + " delegated roles");
      }
      Branch child{&load_delegated(role, branch.targets->delegation_keys), branch.chain};
      child.chain.push_back(&role);
      check_paths(child);
      queue.push_back(std::move(child));
    }
  }
  return set;
}

}  // namespace airlock::trust
