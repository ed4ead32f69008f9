// From an entry of the manifest to providers with exact versions.
#pragma once

#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/reporter.hpp"
#include "ecosystem/terraform/constraint.hpp"
#include "ecosystem/terraform/provider.hpp"
#include "ecosystem/terraform/registry_client.hpp"
#include "model/manifest.hpp"

namespace airlock::ecosystem::terraform {

struct Wish {
  Provider provider;  // with its host
  std::vector<Constraint> constraints;
  std::string locked;                    // exact version; empty: the newest that the constraints allow
  std::vector<base::Digest> zip_hashes;  // of the lock file; empty: any
  bool has_directory_hashes = false;
  base::SourcePosition position;
};

struct Choice {
  Provider provider;
  std::string version;
  std::vector<std::vector<base::Digest>> zip_hashes;  // of each lock file that has some: the archive is in every list
  bool has_directory_hashes = false;
  base::SourcePosition position;
};

// `[HOST/][NAMESPACE/]TYPE[@CONSTRAINT]`. Throws manifest at `position`.
Wish parse_wish(std::string_view text, const base::SourcePosition& position);

// The entry's providers and those of its projects, hosts filled in as `tool` says. Throws manifest.
std::vector<Wish> wishes_of(const model::Entry& entry, base::Reporter& reporter);

// Asks the registries for versions where none is locked; each provider and version once. Throws not_found where nothing
// satisfies, naming who asked.
std::vector<Choice> choose(const std::vector<Wish>& wishes, RegistryClient& registry, base::Reporter& reporter);

}  // namespace airlock::ecosystem::terraform
