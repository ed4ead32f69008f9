#include "ecosystem/npm/closure.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/text.hpp"
#include "ecosystem/npm/integrity.hpp"

namespace airlock::ecosystem::npm {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_threads = 16;
constexpr std::size_t k_dependency_total_limit = 200'000;
constexpr std::size_t k_links_shown = 12;
constexpr std::size_t k_peer_range_limit = 1000;  // of one package

}  // namespace

bool ClosureOptions::fits(const PlatformLimits& limits) const {
  return std::any_of(platforms.begin(), platforms.end(), [&](const model::Platform& platform) {
    return std::any_of(libcs.begin(), libcs.end(), [&](Libc libc) { return limits.allow(platform, libc); });
  });
}

Member make_member(std::shared_ptr<const Packument> packument, const std::string& version) {
  Member member{.packument = std::move(packument), .version = version, .object = {}, .facts = {}};
  member.object = member.packument->version_object(version);
  member.facts = read_facts(member.object, fmt::format("{} {}", member.packument->name(), version));
  return member;
}

Closure::Closure(RegistryClient& client, base::Reporter& reporter, ClosureOptions options, Found found)
    : m_client(client), m_reporter(reporter), m_options(std::move(options)), m_found(std::move(found)),
      m_tasks(k_threads) {}

void Closure::add(const Requirement& requirement, const std::string& asker) {
  Wish wish;
  wish.key = requirement.name;
  wish.requirement = requirement;
  wish.chain = std::make_shared<const Link>(Link{.what = asker, .before = nullptr});
  want(std::move(wish));
}

void Closure::add(const Project& project) {
  if (project.lock) {
    for (const LockedPackage& locked : project.lock->packages) {
      add_locked(locked, project.lock_name);
    }
    return;
  }
  if (project.overrides) {
    m_overrides.push_back(project.overrides);
  }
  for (const Project::Part& part : project.parts) {
    Wish root;
    root.overrides = project.overrides.get();
    root.chain = std::make_shared<const Link>(Link{.what = part.name, .before = nullptr});
    Dependencies dependencies = part.dependencies;
    for (auto* map : {&dependencies.required, &dependencies.optional, &dependencies.peer}) {
      std::erase_if(*map, [&](const auto& one) {
        const bool local = parse_dependency(one.first, one.second).kind == Requirement::Kind::local;
        if (local) {
          m_reporter.note(fmt::format("{}: '{}' is '{}', which is part of the project and not of a registry", part.name,
                                      base::printable(one.first), base::printable(one.second)));
        }
        return local;
      });
    }
    want_dependencies(dependencies, root);
  }
}

void Closure::add_locked(const LockedPackage& locked, const std::string& asker) {
  m_tasks.add([this, locked, asker] {
    base::throw_if_interrupted();
    const auto packument = m_client.packument(locked.name);
    if (!packument || !packument->has(locked.version)) {
      throw Error(ErrorCode::not_found,
                  fmt::format("{} locks {} {}, which the registry does not have: {}", asker, locked.name,
                              locked.version, packument ? packument->some_versions() : "it has no such package"))
          .with_hint("run `npm install` in the project against this registry, or name the registry that has it");
    }
    const Member member = make_member(packument, locked.version);
    if (!agree(locked.integrity, member.facts.integrity)) {
      throw Error(ErrorCode::tampered, fmt::format("{} locks {} {} with another integrity than the registry states",
                                                   asker, locked.name, locked.version))
          .with_hint("one of the two was changed; find out which before going on");
    }
    const Grade grade = locked.optional && !m_options.fits(member.facts.limits) ? Grade::known : Grade::whole;
    {
      const std::lock_guard lock(m_mutex);
      const auto [place, added] = m_grades.emplace(PackageVersion{locked.name, locked.version}, grade);
      if (!added && place->second >= grade) {
        return;
      }
      place->second = grade;
    }
    m_found(member, grade);
  });
}

void Closure::finish() {
  do {
    m_tasks.wait();
  } while (want_absent_peers());
}

bool Closure::want(Wish wish) {
  {
    const std::lock_guard lock(m_mutex);
    if (!m_asked
             .emplace(wish.requirement.name, wish.requirement.wanted, wish.grade, wish.edge_optional, wish.lenient,
                      wish.overrides)
             .second) {
      return false;
    }
    if (m_asked.size() > k_dependency_total_limit) {
      throw Error(ErrorCode::limit, fmt::format("more than {} dependencies", k_dependency_total_limit));
    }
  }
  m_tasks.add([this, wish = std::move(wish)] {
    base::throw_if_interrupted();
    process(wish);
  });
  return true;
}

void Closure::process(const Wish& wish) {
  if (wish.requirement.kind == Requirement::Kind::foreign || wish.requirement.kind == Requirement::Kind::local) {
    fail(wish, ErrorCode::unsupported, "it comes from no registry",
         "override it in the root package.json with a version that a registry has");
    return;
  }
  const auto packument = base::with_context([&] { return "while following " + chain_text(wish); },
                                            [&] { return m_client.packument(wish.requirement.name); });
  if (!packument) {
    fail(wish, ErrorCode::not_found, "the registry has no such package",
         "look for a misspelling, or name the registry that has it");
    return;
  }
  const auto version = packument->choose(wish.requirement);
  if (!version) {
    fail(wish, ErrorCode::not_found, packument->some_versions(),
         "ask for a range that one of these satisfies, or override it in the root package.json");
    return;
  }
  settle(wish, packument, *version);
}

void Closure::settle(const Wish& wish, const std::shared_ptr<const Packument>& packument, const std::string& version) {
  Wish chosen = wish;
  if (wish.overrides != nullptr) {
    chosen.overrides = wish.overrides->of_package(wish.key, version);
  }
  const Member member = make_member(packument, version);
  if (wish.edge_optional && !m_options.fits(member.facts.limits)) {
    chosen.grade = Grade::known;
  }
  chosen.lenient = chosen.lenient || chosen.grade == Grade::known;
  const Walk walk = chosen.grade == Grade::known ? Walk::known : chosen.lenient ? Walk::lenient : Walk::strict;
  bool is_new = false;
  {
    const std::lock_guard lock(m_mutex);
    const auto [walked, first] = m_walked.emplace(std::tuple(packument->name(), version, chosen.overrides), walk);
    if (!first && walked->second >= walk) {
      return;
    }
    walked->second = walk;
    const auto [place, added] = m_grades.emplace(PackageVersion{packument->name(), version}, chosen.grade);
    is_new = added || place->second < chosen.grade;
    place->second = std::max(place->second, chosen.grade);
  }
  if (is_new) {
    m_found(member, chosen.grade);
  }
  chosen.chain = std::make_shared<const Link>(
      Link{.what = fmt::format("{}@{}", packument->name(), version), .before = wish.chain});
  want_dependencies(member.facts.dependencies, chosen);
}

void Closure::want_dependencies(const Dependencies& dependencies, const Wish& from) {
  for (const auto& [key, value] : dependencies.required) {
    if (auto wish = wish_for(key, value, from, false)) {
      want(std::move(*wish));
    }
  }
  for (const auto& [key, value] : dependencies.optional) {
    if (auto wish = wish_for(key, value, from, true)) {
      want(std::move(*wish));
    }
  }
  for (const auto& [key, value] : dependencies.peer) {
    if (auto wish = wish_for(key, value, from, false)) {
      note_peer(*wish, false);
      want(std::move(*wish));
    }
  }
  for (const auto& [key, value] :
       from.grade == Grade::whole ? dependencies.optional_peer : decltype(dependencies.peer)()) {
    Wish lenient = from;
    lenient.lenient = true;
    if (const auto wish = wish_for(key, value, lenient, false)) {
      note_peer(*wish, true);
    }
  }
}

std::optional<Closure::Wish> Closure::wish_for(const std::string& key, const std::string& value, const Wish& from,
                                               bool optional) {
  Wish wish;
  wish.key = key;
  wish.grade = from.grade;
  wish.edge_optional = optional;
  wish.lenient = from.lenient || optional;
  wish.overrides = from.overrides;
  wish.chain = from.chain;
  wish.requirement = {.kind = Requirement::Kind::foreign, .name = key, .wanted = value};
  try {
    wish.requirement = parse_dependency(key, value);
    if (from.overrides != nullptr) {
      if (const OverrideSet* rule = from.overrides->of_dependency(key, wish.requirement)) {
        wish.overrides = rule;
        if (!rule->value().empty()) {
          wish.requirement = parse_dependency(key, rule->value());
        }
      }
    }
  } catch (const Error& error) {
    fail(wish, error.code(), error.message(), "");
    return std::nullopt;
  }
  return wish;
}

void Closure::note_peer(const Wish& wish, bool optional) {
  if (wish.requirement.kind != Requirement::Kind::range || wish.grade != Grade::whole) {
    return;
  }
  const std::lock_guard lock(m_mutex);
  Peers& peers = m_peers[wish.requirement.name];
  if (peers.ranges.size() < k_peer_range_limit && peers.ranges.insert(wish.requirement.wanted).second && optional) {
    peers.optional.push_back(wish);
  }
}

// Called while no task runs. True when something new was asked for.
bool Closure::want_absent_peers() {
  std::map<std::string, std::vector<SemVer>> here;
  for (const auto& [member, grade] : m_grades) {
    if (grade == Grade::whole && m_peers.contains(member.name)) {
      here[member.name].push_back(SemVer::parse(member.version).value());
    }
  }
  std::vector<Wish> wishes;
  for (const auto& [name, versions] : here) {
    const Peers& peers = m_peers.at(name);
    for (const Wish& wish : peers.optional) {
      const auto range = Range::parse(wish.requirement.wanted);
      if (range &&
          std::none_of(versions.begin(), versions.end(), [&](const SemVer& one) { return range->satisfied_by(one); })) {
        wishes.push_back(wish);
      }
    }
    std::vector<Range> ranges;
    for (const std::string& text : peers.ranges) {
      if (auto range = Range::parse(text)) {
        ranges.push_back(std::move(*range));
      }
    }
    const auto suits_all = [&](const SemVer& version) {
      return std::all_of(ranges.begin(), ranges.end(), [&](const Range& range) { return range.satisfied_by(version); });
    };
    if (ranges.size() < 2 || std::any_of(versions.begin(), versions.end(), suits_all)) {
      continue;
    }
    const auto packument = m_client.packument(name);
    if (const auto version = packument ? packument->highest(suits_all) : std::nullopt) {
      Wish joint;
      joint.key = name;
      joint.requirement = {.kind = Requirement::Kind::range, .name = name, .wanted = *version};
      joint.lenient = true;
      joint.chain = std::make_shared<const Link>(Link{.what = "peers of the same package", .before = nullptr});
      wishes.push_back(std::move(joint));
    }
  }
  bool is_new = false;
  for (Wish& wish : wishes) {
    is_new = want(std::move(wish)) || is_new;
  }
  return is_new;
}

void Closure::fail(const Wish& wish, ErrorCode code, const std::string& reason, const std::string& hint) {
  const std::string message = fmt::format("nothing satisfies {}: {} (asked for by {})",
                                          base::printable(wish.requirement.to_string()), reason, chain_text(wish));
  if (wish.lenient) {
    m_reporter.note(message + "; it is optional and stays away");
    return;
  }
  throw Error(code, message).with_hint(hint);
}

std::string Closure::chain_text(const Wish& wish) {
  std::vector<std::string> links = {base::printable(wish.requirement.to_string())};
  for (const Link* link = wish.chain.get(); link != nullptr; link = link->before.get()) {
    links.push_back(link->what);
  }
  std::reverse(links.begin(), links.end());
  if (links.size() > k_links_shown) {
    links.erase(links.begin() + 2, links.end() - static_cast<std::ptrdiff_t>(k_links_shown - 3));
    links.insert(links.begin() + 2, "…");
  }
  return base::join(links, " → ");
}

}  // namespace airlock::ecosystem::npm
