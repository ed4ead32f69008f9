#include "ecosystem/terraform/terraform.hpp"

#include <fmt/format.h>

#include "base/files.hpp"
#include "base/text.hpp"
#include "ecosystem/terraform/belonging.hpp"
#include "ecosystem/terraform/client_config.hpp"
#include "ecosystem/terraform/endpoints.hpp"
#include "ecosystem/terraform/project.hpp"
#include "ecosystem/terraform/resolver.hpp"

namespace airlock::ecosystem::terraform {

namespace {

model::SectionSchema section() {
  using model::FieldType;
  return {
      .key = "terraform",
      .ecosystem = "terraform",
      .form = model::SectionSchema::Form::mapping,
      .shorthand = {},
      .fields = {{.name = "providers",
                  .type = FieldType::text_list,
                  .help = "Providers, each `[HOST/]NAMESPACE/TYPE[@CONSTRAINT]`; the newest version that the "
                          "constraint allows is taken.",
                  .unites = true,
                  .wanted = true},
                 {.name = "projects",
                  .type = FieldType::path_list,
                  .help = "Folders with *.tf files, a .terraform.lock.hcl or both; what is locked is taken in just "
                          "that version, and its hashes must match.",
                  .unites = true},
                 {.name = "tool",
                  .help = "What an address without a host means: opentofu, terraform or both. Without it the "
                          "registry of a project's lock file, else opentofu."},
                 {.name = "signers",
                  .type = FieldType::text_list,
                  .help = "Who must have signed, each `[HOST/]NAMESPACE[/TYPE] FINGERPRINT`; without it whoever the "
                          "registry names.",
                  .unites = true},
                 {.name = "platforms", .type = FieldType::platforms, .help = "For which systems."}},
      .one_of = {},
      .some_of = {"providers", "projects"},
      .help = "Providers of OpenTofu and Terraform, served below /tf/providers/."};
}

std::vector<ProjectFinding> detect(const std::filesystem::path& folder) {
  bool any = false;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    const std::string name = file.path().filename().string();
    any = any || name == k_lock_file || name.ends_with(".tf") || name.ends_with(".tofu");
  }
  if (!any) {
    return {};
  }
  const Configuration configuration = read_configuration(folder);
  if (configuration.providers.empty() && configuration.locked.empty()) {
    return {};
  }
  std::vector<std::string> names;
  if (configuration.has_lock) {
    for (const LockedProvider& locked : configuration.locked) {
      names.push_back(fmt::format("{} {}", locked.provider.to_string(), locked.version));
    }
  } else {
    for (const auto& [provider, required] : configuration.providers) {
      names.push_back(provider.to_string());
    }
  }
  return {{.file = configuration.has_lock ? std::string(k_lock_file) : "*.tf",
           .what = fmt::format("{} providers{}: {}", names.size(), configuration.has_lock ? ", locked" : "",
                               base::join(names, ", ")),
           .request = {.section = "terraform", .values = {{"projects", {folder.string()}}}}}};
}

}  // namespace

const Ecosystem& descriptor() {
  static const Ecosystem ecosystem = {
      .id = "terraform",
      .url_prefix = "/tf/",
      .sections = {section()},
      .make_resolver = make_resolver,
      .pin_check = {},
      .detect = detect,
      .mount = mount,
      .push = {},
      .client_config = client_config,
      .wanted = wanted,
      .belongs = belongs,
  };
  return ecosystem;
}

}  // namespace airlock::ecosystem::terraform
