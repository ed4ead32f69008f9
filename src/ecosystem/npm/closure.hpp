// Everything that packages need, and what those need, until nothing is missing: each range of each version in the
// result is satisfied by a version in it, so that a client that sees nothing else can install any of them. Of peers,
// which share one place in a tree, there is also a version that suits all who ask, where upstream has one; ranges of
// optional peers count once something else brings the package.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/reporter.hpp"
#include "ecosystem/npm/overrides.hpp"
#include "ecosystem/npm/project.hpp"
#include "ecosystem/npm/registry_client.hpp"
#include "ecosystem/task_group.hpp"

namespace airlock::ecosystem::npm {

struct ClosureOptions {
  std::vector<model::Platform> platforms;  // what optional packages must fit; at least one
  std::vector<Libc> libcs;                 // for those on linux; at least one
  bool fits(const PlatformLimits& limits) const;
};

enum class Grade {
  known,  // an optional package of other platforms, and what only such need: named, not carried
  whole,
};

struct Member {
  std::shared_ptr<const Packument> packument;
  std::string version;
  base::Json object;  // of the version
  VersionFacts facts;
};

Member make_member(std::shared_ptr<const Packument> packument, const std::string& version);

class Closure {
 public:
  // Called for each version once a grade, from several threads; a version that was known may become whole later.
  using Found = std::function<void(const Member&, Grade)>;

  Closure(RegistryClient& client, base::Reporter& reporter, ClosureOptions options, Found found);

  // `asker` begins the chain that messages show.
  void add(const Requirement& requirement, const std::string& asker);
  void add(const Project& project);
  // Throws not_found, naming the chain that asked, for what no version satisfies; unsupported for what comes from no
  // registry; tampered when a lock's integrity is not that of the registry.
  void finish();

 private:
  struct Link {  // of the chain of who asked
    std::string what;
    std::shared_ptr<const Link> before;
  };
  struct Wish {
    std::string key;  // the name under which it was asked for
    Requirement requirement;
    Grade grade = Grade::whole;
    bool edge_optional = false;  // may stay away where it does not fit the platform
    bool lenient = false;        // below something optional: that it cannot be had is no failure
    const OverrideSet* overrides = nullptr;
    std::shared_ptr<const Link> chain;
  };

  // How the dependencies of a version were followed; a later wish may ask for more. strict: what cannot be had fails.
  enum class Walk { known, lenient, strict };

  void add_locked(const LockedPackage& locked, const std::string& asker);
  bool want(Wish wish);  // false: it was asked for before
  void process(const Wish& wish);
  void settle(const Wish& wish, const std::shared_ptr<const Packument>& packument, const std::string& version);
  void want_dependencies(const Dependencies& dependencies, const Wish& from);
  std::optional<Wish> wish_for(const std::string& key, const std::string& value, const Wish& from, bool optional);
  void note_peer(const Wish& wish, bool optional);
  bool want_absent_peers();
  void fail(const Wish& wish, base::ErrorCode code, const std::string& reason, const std::string& hint);
  static std::string chain_text(const Wish& wish);

  RegistryClient& m_client;
  base::Reporter& m_reporter;
  ClosureOptions m_options;
  Found m_found;
  std::vector<std::shared_ptr<const OverrideSet>> m_overrides;
  std::mutex m_mutex;
  std::set<std::tuple<std::string, std::string, Grade, bool, bool, const OverrideSet*>> m_asked;
  std::map<std::tuple<std::string, std::string, const OverrideSet*>, Walk> m_walked;
  std::map<PackageVersion, Grade> m_grades;
  struct Peers {  // what is asked of one package as a peer
    std::set<std::string> ranges;
    std::vector<Wish> optional;  // each range once
  };
  std::map<std::string, Peers> m_peers;
  TaskGroup m_tasks;  // last: its threads use the rest
};

}  // namespace airlock::ecosystem::npm
