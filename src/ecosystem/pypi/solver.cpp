#include "ecosystem/pypi/solver.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <tuple>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/text.hpp"
#include "ecosystem/pypi/solver_impl.hpp"

namespace airlock::ecosystem::pypi {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_most_tries = 20'000;  // candidates looked at

}  // namespace

void Solver::add_need(const Requirement& requirement, std::set<std::string> hashes, int source, std::string because) {
  const auto add = [&](const std::string& extra) {
    const Key key{requirement.name, extra};
    if (m_known.insert(key).second) {
      m_order.push_back(key);
    }
    m_needs.push_back({.key = key,
                       .specifiers = requirement.specifiers,
                       .hashes = hashes,
                       .source = source,
                       .text = requirement.text,
                       .because = because});
  };
  add("");
  for (const std::string& extra : requirement.extras) {
    add(extra);
  }
  m_scout->look_for(requirement);
}

void Solver::forget_needs(std::size_t count) {
  m_needs.resize(count);
}

std::vector<const Solver::Need*> Solver::needs_of(const Key& key) const {
  std::vector<const Need*> found;
  for (const Need& need : m_needs) {
    if (need.key == key) {
      found.push_back(&need);
    }
  }
  return found;
}

// What pip decides first: an extra of what is decided, what caused trouble, what is pinned, then what was asked for
// earlier.
std::optional<Key> Solver::pick() {
  std::set<Key> open;
  std::set<Key> pinned;
  for (const Need& need : m_needs) {
    if (!m_decided.contains(need.key)) {
      open.insert(need.key);
      if (need.specifiers.is_pin()) {
        pinned.insert(need.key);
      }
    }
  }
  std::optional<Key> best;
  std::tuple<bool, std::size_t, bool> best_rank;
  for (const Key& key : m_order) {
    if (!open.contains(key) || (!key.extra.empty() && !m_decided.contains({key.name, ""}))) {
      continue;
    }
    const auto trouble = m_trouble.find(key);
    const std::tuple rank(!key.extra.empty(), trouble == m_trouble.end() ? 0 : trouble->second, pinned.contains(key));
    if (!best || rank > best_rank) {
      best = key;
      best_rank = rank;
    }
  }
  return best;
}

// PEP 440 as pip applies it: pre-releases count where a requirement names one, or where nothing else would be left.
bool Solver::takes_prereleases(const std::vector<const Need*>& needs, const std::string& name) const {
  if (m_question.prereleases ||
      std::any_of(needs.begin(), needs.end(), [](const Need* need) { return need->specifiers.names_prerelease(); })) {
    return true;
  }
  return std::any_of(m_question.constraints.begin(), m_question.constraints.end(), [&](const RootRequirement& one) {
    return one.requirement.name == name && one.requirement.specifiers.names_prerelease();
  });
}

std::vector<Solver::Option> Solver::options_of(const Key& key, Decision& decision) {
  const Project& project = m_projects.get(key.name);
  const std::vector<const Need*> needs = needs_of({key.name, ""});
  bool pinned = false, hashed = false;
  std::set<std::string> hashes;
  for (const Need* need : needs) {
    decision.conflict.insert(need->source);
    pinned = pinned || need->specifiers.is_pin();
    if (!need->hashes.empty()) {
      std::set<std::string> both;
      std::set_intersection(hashes.begin(), hashes.end(), need->hashes.begin(), need->hashes.end(),
                            std::inserter(both, both.end()));
      hashes = hashed ? both : need->hashes;
      hashed = true;
    }
  }
  std::vector<Option> fitting, prereleases, yanked;
  const bool wants_prereleases = takes_prereleases(needs, key.name);
  const auto reject = [&](const Candidate& candidate, std::string_view why) {
    decision.rejections.push_back(fmt::format("{}: {}", candidate.text, why));
  };
  for (const Candidate& candidate : project.candidates) {
    const auto refusing = std::find_if(needs.begin(), needs.end(), [&](const Need* need) {
      return !need->specifiers.contains(candidate.version, candidate.text);
    });
    if (refusing != needs.end()) {
      continue;
    }
    const bool constrained =
        std::any_of(m_question.constraints.begin(), m_question.constraints.end(), [&](const RootRequirement& one) {
          return one.requirement.name == key.name &&
                 (!one.requirement.marker || one.requirement.marker->holds(m_projects.target().markers(), "")) &&
                 !one.requirement.specifiers.contains(candidate.version, candidate.text);
        });
    if (constrained) {
      reject(candidate, "a constraint excludes it");
      continue;
    }
    if (candidate.files.empty()) {
      reject(candidate, candidate.why_not);
      continue;
    }
    Option option{.candidate = &candidate, .files = candidate.files};
    if (m_question.require_hashes || hashed) {
      std::erase_if(option.files, [&](const IndexFile* file) {
        return std::none_of(file->hashes.begin(), file->hashes.end(),
                            [&](const auto& hash) { return hashes.contains(hash.first + ":" + hash.second); });
      });
      if (option.files.empty()) {
        reject(candidate, !hashed ? "no hash is given for it, and hashes are required"
                                  : "none of its files for this platform has a hash that is given");
        continue;
      }
    }
    if (candidate.yanked) {
      yanked.push_back(std::move(option));
    } else if (candidate.version.is_prerelease() && !wants_prereleases) {
      prereleases.push_back(std::move(option));
    } else {
      fitting.push_back(std::move(option));
    }
  }
  if (fitting.empty()) {
    fitting = std::move(prereleases);
  }
  if (fitting.empty() && pinned) {
    fitting = std::move(yanked);
  }
  for (const Option& option : fitting.empty() ? yanked : std::vector<Option>()) {
    const std::string& reason = option.files.front()->yanked.value_or("");
    reject(*option.candidate,
           reason.empty() ? "was yanked" : fmt::format("was yanked: {}", base::printable(reason, 120)));
  }
  return fitting;
}

Solver::Decision Solver::decide(const Key& key) {
  Decision decision;
  decision.key = key;
  decision.needs = m_needs.size();
  if (key.extra.empty()) {
    decision.options = options_of(key, decision);
  } else {
    const int base = m_decided.at({key.name, ""});
    decision.options = {*m_decisions[static_cast<std::size_t>(base)].chosen};
    decision.conflict.insert(base);
    for (const Need* need : needs_of(key)) {
      decision.conflict.insert(need->source);
    }
  }
  return decision;
}

// Why what is decided already excludes it; "" where nothing does.
std::string Solver::refused_by(const Requirement& requirement, std::set<int>& conflict) const {
  const auto decided = m_decided.find({requirement.name, ""});
  if (decided == m_decided.end()) {
    return "";
  }
  const Decision& other = m_decisions[static_cast<std::size_t>(decided->second)];
  const Candidate& chosen = *other.chosen->candidate;
  if (requirement.specifiers.contains(chosen.version, chosen.text)) {
    return "";
  }
  conflict.insert(decided->second);
  // What limited that one is to be blamed too, through its own conflict set, once it is gone back to.
  return fmt::format("needs '{}', but {} {} is taken for {}", base::printable(requirement.text, 120), requirement.name,
                     chosen.text, chain(*needs_of(other.key).front()));
}

bool Solver::accept(Decision& decision, const Option& option) {
  if (++m_tries > k_most_tries) {
    throw Error(ErrorCode::limit, fmt::format("no set of versions was found for {} after {} tries",
                                              m_projects.target().to_string(), k_most_tries))
        .with_hint("narrow the requirements, for example with a constraints file");
  }
  base::throw_if_interrupted();
  const auto reject = [&](std::string_view why) {
    decision.rejections.push_back(fmt::format("{}: {}", option.candidate->text, why));
    return false;
  };
  const IndexFile& file = *option.files.front();
  try {
    decision.metadata = m_projects.index().metadata(file);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::malformed) {
      throw;
    }
    return reject(error.message());
  }
  const Metadata& metadata = decision.metadata->parsed;
  if (!m_projects.target().accepts_python(metadata.requires_python)) {
    return reject(fmt::format("needs Python {}", base::printable(metadata.requires_python, 80)));
  }
  if (file.name.kind == FileName::Kind::sdist && !metadata.requirements_are_known) {
    return reject("is a source archive that must be built before it tells what it needs");
  }
  std::vector<const Requirement*> active;
  const auto consider = [&](const Requirement& requirement) -> bool {
    if (requirement.marker && !requirement.marker->holds(m_projects.target().markers(), decision.key.extra)) {
      return true;
    }
    if (!requirement.url.empty()) {
      return reject(
          fmt::format("needs '{}' from an address, not from an index", base::printable(requirement.name, 80)));
    }
    if (const std::string why = refused_by(requirement, decision.conflict); !why.empty()) {
      return reject(why);
    }
    active.push_back(&requirement);
    return true;
  };
  for (const Requirement& requirement : metadata.requirements) {
    if (!consider(requirement)) {
      return false;
    }
  }
  const int index = static_cast<int>(m_decisions.size()) - 1;
  decision.chosen = &option;
  for (const Requirement* requirement : active) {
    add_need(*requirement, {}, index, "");
  }
  return true;
}

// Tries the last decision's options; goes back where none is left. False: there is no way.
bool Solver::advance() {
  while (true) {
    Decision& decision = m_decisions.back();
    const int index = static_cast<int>(m_decisions.size()) - 1;
    while (decision.next < decision.options.size()) {
      if (accept(decision, decision.options[decision.next++])) {
        m_decided[decision.key] = index;
        return true;
      }
    }
    note_failure(decision);
    ++m_trouble[decision.key];
    const std::string failed = decision.key.to_string();
    std::set<int> conflict = decision.conflict;
    conflict.erase(k_root);
    conflict.erase(index);
    if (conflict.empty()) {
      return false;
    }
    const int back = *conflict.rbegin();
    while (static_cast<int>(m_decisions.size()) - 1 > back) {
      m_decided.erase(m_decisions.back().key);
      forget_needs(m_decisions.back().needs);
      m_decisions.pop_back();
    }
    Decision& culprit = m_decisions.back();
    m_decided.erase(culprit.key);
    forget_needs(culprit.needs);
    culprit.chosen = nullptr;
    conflict.erase(back);
    culprit.conflict.insert(conflict.begin(), conflict.end());
    culprit.rejections.push_back(fmt::format("{}: leaves no version of {} that fits",
                                             culprit.options[culprit.next - 1].candidate->text, failed));
  }
}

std::vector<Chosen> Solver::solve() {
  for (const RootRequirement& root : m_question.requirements) {
    const auto& marker = root.requirement.marker;
    if (!marker || marker->holds(m_projects.target().markers(), "")) {
      add_need(root.requirement, root.hashes, k_root, root.because);
    }
  }
  while (const auto key = pick()) {
    m_decisions.push_back(decide(*key));
    if (!advance()) {
      throw *m_first_failure;
    }
  }
  std::vector<Chosen> solution;
  for (const auto& [key, index] : m_decided) {
    if (!key.extra.empty()) {
      continue;
    }
    const Decision& decision = m_decisions[static_cast<std::size_t>(index)];
    Chosen chosen{.name = key.name,
                  .version = decision.chosen->candidate->version,
                  .files = decision.chosen->files,
                  .metadata = decision.metadata,
                  .page = m_projects.get(key.name).page};
    if (!m_question.require_hashes) {
      chosen.files.resize(1);
    }
    solution.push_back(std::move(chosen));
  }
  return solution;
}

std::vector<Chosen> solve(Projects& projects, const Question& question, TaskGroup& ahead) {
  return Solver(projects, question, ahead).solve();
}

}  // namespace airlock::ecosystem::pypi
