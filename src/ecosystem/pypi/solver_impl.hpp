// The solver's own state; for solver*.cpp only.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/error.hpp"
#include "ecosystem/pypi/scout.hpp"
#include "ecosystem/pypi/solver.hpp"

namespace airlock::ecosystem::pypi {

// Where a node is an extra of a project: "requests[socks]".
struct Key {
  std::string name, extra;
  auto operator<=>(const Key&) const = default;
  std::string to_string() const { return extra.empty() ? name : fmt::format("{}[{}]", name, extra); }
};

class Solver {
 public:
  Solver(Projects& projects, const Question& question, TaskGroup& ahead)
      : m_projects(projects), m_question(question), m_scout(std::make_shared<Scout>(projects, ahead)) {}
  ~Solver() { m_scout->stop(); }
  Solver(const Solver&) = delete;
  Solver& operator=(const Solver&) = delete;

  std::vector<Chosen> solve();

 private:
  static constexpr int k_root = -1;  // in place of a decision: the question itself

  // One demand on one node.
  struct Need {
    Key key;
    SpecifierSet specifiers;
    std::set<std::string> hashes;
    int source = k_root;  // the decision whose package asks
    std::string text;     // of the requirement
    std::string because;  // for a root
  };
  struct Option {
    const Candidate* candidate;
    std::vector<const IndexFile*> files;
  };
  struct Decision {
    Key key;
    std::vector<Option> options;
    std::size_t next = 0;
    std::set<int> conflict;  // decisions that limited the options, or refused one
    std::size_t needs = 0;   // how many there were before this one added its own
    std::vector<std::string> rejections;
    const Option* chosen = nullptr;
    std::shared_ptr<const FileMetadata> metadata;
  };

  void add_need(const Requirement& requirement, std::set<std::string> hashes, int source, std::string because);
  std::optional<Key> pick();
  Decision decide(const Key& key);
  std::vector<Option> options_of(const Key& key, Decision& decision);
  bool advance();
  bool accept(Decision& decision, const Option& option);
  std::string refused_by(const Requirement& requirement, std::set<int>& conflict) const;
  void forget_needs(std::size_t count);
  void note_failure(const Decision& decision);
  std::string chain(const Need& need) const;
  bool takes_prereleases(const std::vector<const Need*>& needs, const std::string& name) const;
  std::vector<const Need*> needs_of(const Key& key) const;

  Projects& m_projects;
  const Question& m_question;
  std::shared_ptr<Scout> m_scout;
  std::vector<Need> m_needs;
  std::vector<Key> m_order;  // in which nodes were first asked for
  std::set<Key> m_known;
  std::vector<Decision> m_decisions;
  std::map<Key, int> m_decided;
  std::map<Key, std::size_t> m_trouble;  // conflicts of a node: such are decided early
  std::size_t m_tries = 0;
  std::optional<base::Error> m_first_failure;
};

}  // namespace airlock::ecosystem::pypi
