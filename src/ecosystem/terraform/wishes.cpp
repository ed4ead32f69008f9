#include "ecosystem/terraform/wishes.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/task_group.hpp"
#include "ecosystem/terraform/project.hpp"

namespace airlock::ecosystem::terraform {

using base::Error;
using base::ErrorCode;
using base::SourcePosition;
using Hosts = std::vector<std::string>;

namespace {

constexpr std::size_t k_versions_shown = 5;
constexpr std::size_t k_questions = 8;  // answers of registries that are waited for at the same time

bool is_default_host(std::string_view host) {
  return host == k_opentofu_registry || host == k_terraform_registry;
}

// What a name without a host stands for; empty: the entry does not say.
Hosts hosts_of(const model::Entry& entry) {
  const std::string tool = entry.text("tool");
  if (tool == "opentofu") {
    return {std::string(k_opentofu_registry)};
  }
  if (tool == "terraform") {
    return {std::string(k_terraform_registry)};
  }
  if (tool == "both") {
    return {std::string(k_opentofu_registry), std::string(k_terraform_registry)};
  }
  if (!tool.empty()) {
    throw Error(ErrorCode::manifest, fmt::format("'{}' is no tool", base::printable(tool, 80)))
        .at(entry.position_of("tool"))
        .with_hint("opentofu, terraform or both");
  }
  return {};
}

void add_for_hosts(const Wish& wish, const Hosts& hosts, std::vector<Wish>& wishes) {
  if (!wish.provider.host.empty()) {
    wishes.push_back(wish);
    return;
  }
  for (const std::string& host : hosts) {
    wishes.push_back(wish);
    wishes.back().provider.host = host;
  }
}

// Without a word of the manifest, the registry that the project's lock file is of.
Hosts hosts_of(const Configuration& configuration, const Hosts& given) {
  if (!given.empty()) {
    return given;
  }
  Hosts hosts;
  for (const LockedProvider& locked : configuration.locked) {
    if (is_default_host(locked.provider.host) &&
        std::find(hosts.begin(), hosts.end(), locked.provider.host) == hosts.end()) {
      hosts.push_back(locked.provider.host);
    }
  }
  return hosts.empty() ? Hosts{std::string(k_opentofu_registry)} : hosts;
}

Wish locked_wish(const LockedProvider& locked) {
  return {.provider = locked.provider,
          .constraints = {},
          .locked = locked.version,
          .zip_hashes = locked.zip_hashes,
          .has_directory_hashes = !locked.directory_hashes.empty(),
          .position = locked.position};
}

void add_project(const Configuration& configuration, const Hosts& given, std::vector<Wish>& wishes) {
  const Hosts hosts = hosts_of(configuration, given);
  std::map<Provider, Wish> locked;
  for (const LockedProvider& one : configuration.locked) {
    const bool of_other_tool =
        is_default_host(one.provider.host) && std::find(hosts.begin(), hosts.end(), one.provider.host) == hosts.end();
    if (!of_other_tool) {
      locked.insert_or_assign(one.provider, locked_wish(one));
      continue;
    }
    // The other tool keeps the version, and has its own archives.
    for (const std::string& host : hosts) {
      Wish wish = locked_wish(one);
      wish.provider.host = host;
      wish.zip_hashes.clear();
      wish.has_directory_hashes = false;
      locked.try_emplace(wish.provider, std::move(wish));
    }
  }
  for (const auto& [provider, required] : configuration.providers) {
    std::vector<Wish> asked;
    add_for_hosts({.provider = provider,
                   .constraints = required.constraints,
                   .locked = {},
                   .zip_hashes = {},
                   .position = required.position},
                  hosts, asked);
    for (Wish& wish : asked) {
      const auto lock = locked.find(wish.provider);
      if (lock == locked.end()) {
        wishes.push_back(std::move(wish));
        continue;
      }
      const auto version = model::Version::parse(lock->second.locked);
      const bool fits = version && std::all_of(wish.constraints.begin(), wish.constraints.end(),
                                               [&](const Constraint& one) { return one.allows(*version); });
      if (!fits) {
        throw Error(ErrorCode::manifest, fmt::format("'{}' is locked to {}, which the configuration does not allow",
                                                     wish.provider.to_string(), lock->second.locked))
            .at(wish.position)
            .with_hint("bring the lock file up to date with `init -upgrade` first");
      }
    }
  }
  for (auto& [provider, wish] : locked) {
    wishes.push_back(std::move(wish));
  }
}

std::string newest_ones(const std::vector<ListedVersion>& versions) {
  std::vector<model::Version> all;
  for (const ListedVersion& one : versions) {
    all.push_back(one.version);
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return b < a; });
  std::vector<std::string> shown;
  for (std::size_t i = 0; i < std::min(k_versions_shown, all.size()); ++i) {
    shown.push_back(all[i].text());
  }
  return shown.empty() ? "it has none" : "its newest are " + base::join(shown, ", ");
}

std::string text_of(const std::vector<Constraint>& constraints) {
  std::vector<std::string> texts;
  for (const Constraint& one : constraints) {
    if (!one.text().empty()) {
      texts.push_back(one.text());
    }
  }
  return base::join(texts, ", ");
}

std::vector<ListedVersion> listed_versions(const Wish& wish, RegistryClient& registry) {
  try {
    return registry.versions(wish.provider);
  } catch (Error& error) {
    if (!error.position()) {
      error.at(wish.position);
    }
    error.with_context(fmt::format("while looking for '{}'", wish.provider.to_string()));
    throw;
  }
}

std::string version_for(const Wish& wish, RegistryClient& registry) {
  const auto versions = listed_versions(wish, registry);
  std::vector<model::Version> candidates;
  for (const ListedVersion& one : versions) {
    candidates.push_back(one.version);
  }
  const auto newest = newest_allowed(candidates, wish.constraints);
  if (!newest) {
    throw Error(ErrorCode::not_found,
                fmt::format("no version of '{}' satisfies '{}'", wish.provider.to_string(), text_of(wish.constraints)))
        .at(wish.position)
        .with_hint(newest_ones(versions));
  }
  return newest->text();
}

}  // namespace

Wish parse_wish(std::string_view text, const SourcePosition& position) {
  const std::size_t sign = std::min(text.find('@'), text.size());
  const auto provider = parse_provider(base::trim(text.substr(0, sign)));
  if (!provider) {
    throw Error(ErrorCode::manifest, fmt::format("'{}' is no provider", base::printable(text, 200)))
        .at(position)
        .with_hint("[HOST/]NAMESPACE/TYPE[@CONSTRAINT], for example hashicorp/null@~> 3.2");
  }
  const auto constraint = Constraint::parse(sign == text.size() ? std::string_view() : text.substr(sign + 1));
  if (!constraint || (sign < text.size() && constraint->text().empty())) {
    throw Error(ErrorCode::manifest,
                fmt::format("'{}' of '{}' is no version constraint",
                            base::printable(text.substr(std::min(sign + 1, text.size())), 100), provider->to_string()))
        .at(position)
        .with_hint("for example 3.2.4, ~> 3.2 or >= 3.0, != 3.1.0");
  }
  return {.provider = *provider, .constraints = {*constraint}, .locked = {}, .zip_hashes = {}, .position = position};
}

std::vector<Wish> wishes_of(const model::Entry& entry, base::Reporter& reporter) {
  const Hosts given = hosts_of(entry);
  std::vector<Wish> wishes;
  for (const std::string& text : entry.texts("providers")) {
    add_for_hosts(parse_wish(text, entry.position_of("providers")),
                  given.empty() ? Hosts{std::string(k_opentofu_registry)} : given, wishes);
  }
  for (const std::filesystem::path& folder : entry.paths("projects")) {
    const Configuration configuration = read_configuration(folder);
    if (configuration.files == 0 && !configuration.has_lock) {
      throw Error(ErrorCode::manifest, fmt::format("there is no configuration in '{}'", folder.string()))
          .at(entry.position_of("projects"))
          .with_hint(
              "a folder with *.tf files or a .terraform.lock.hcl; relative paths begin at the manifest's folder");
    }
    for (const std::string& note : configuration.notes) {
      reporter.warning(note);
    }
    add_project(configuration, given, wishes);
  }
  return wishes;
}

std::vector<Choice> choose(const std::vector<Wish>& wishes, RegistryClient& registry, base::Reporter& reporter) {
  std::vector<std::string> versions(wishes.size());
  TaskGroup tasks(k_questions);
  for (std::size_t i = 0; i < wishes.size(); ++i) {
    tasks.add([&registry, &wish = wishes[i], &version = versions[i]] {
      version = wish.locked.empty() ? version_for(wish, registry) : wish.locked;
    });
  }
  tasks.wait();
  std::map<std::pair<Provider, std::string>, Choice> choices;
  for (std::size_t i = 0; i < wishes.size(); ++i) {
    const Wish& wish = wishes[i];
    const auto [known, added] =
        choices.try_emplace(std::pair(wish.provider, versions[i]), Choice{.provider = wish.provider,
                                                                          .version = versions[i],
                                                                          .zip_hashes = {},
                                                                          .has_directory_hashes = false,
                                                                          .position = wish.position});
    Choice& choice = known->second;
    if (!wish.zip_hashes.empty()) {
      choice.zip_hashes.push_back(wish.zip_hashes);
      choice.position = wish.position;
    }
    choice.has_directory_hashes = choice.has_directory_hashes || wish.has_directory_hashes;
    if (added) {
      reporter.note(fmt::format("provider '{}': {}", wish.provider.to_string(), versions[i]));
    }
  }
  std::vector<Choice> all;
  for (auto& [key, choice] : choices) {
    all.push_back(std::move(choice));
  }
  return all;
}

}  // namespace airlock::ecosystem::terraform
