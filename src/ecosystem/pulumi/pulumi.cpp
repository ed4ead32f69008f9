#include "ecosystem/pulumi/pulumi.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "ecosystem/pulumi/belonging.hpp"
#include "ecosystem/pulumi/client_config.hpp"
#include "ecosystem/pulumi/endpoints.hpp"
#include "ecosystem/pulumi/project.hpp"
#include "ecosystem/pulumi/resolver.hpp"

namespace airlock::ecosystem::pulumi {

namespace {

model::SectionSchema section() {
  using model::FieldType;
  return {.key = "pulumi",
          .ecosystem = "pulumi",
          .form = model::SectionSchema::Form::mapping,
          .shorthand = {},
          .fields = {{.name = "plugins",
                      .type = FieldType::text_list,
                      .help = "Plugins, each `[KIND ]NAME[@VERSION][ server=URL]`; KIND is resource (which it is when "
                              "left out), language, converter, tool or analyzer, and no VERSION means the newest.",
                      .unites = true,
                      .wanted = true},
                     {.name = "projects",
                      .type = FieldType::path_list,
                      .help = "Folders with a Pulumi.yaml; the plugins that it names, or that its program in YAML "
                              "uses, are taken.",
                      .unites = true},
                     {.name = "cli",
                      .type = FieldType::text_list,
                      .help = "Exact versions of the CLI, taken as the tool `pulumi`.",
                      .unites = true},
                     {.name = "platforms", .type = FieldType::platforms, .help = "For which systems."}},
          .one_of = {},
          .some_of = {"plugins", "projects", "cli"},
          .help = "Plugins of Pulumi, served below /pulumi/plugins/."};
}

std::vector<ProjectFinding> detect(const std::filesystem::path& folder) {
  const auto project = read_project(folder);
  if (!project) {
    return {};
  }
  std::vector<std::string> names;
  for (const ProjectPlugin& one : project->plugins) {
    names.push_back(one.plugin.name + (one.plugin.version.empty() ? "" : "@" + one.plugin.version));
  }
  const std::string runtime =
      project->runtime.empty() ? "no runtime" : "runtime " + base::printable(project->runtime, 40);
  return {{.file = project->file,
           .what = names.empty() ? runtime + ", names no plugins itself"
                                 : fmt::format("{}, {}", runtime, base::join(names, ", ")),
           .request = {.section = "pulumi", .values = {{"projects", {folder.string()}}}}}};
}

}  // namespace

const Ecosystem& descriptor() {
  static const Ecosystem ecosystem = {
      .id = "pulumi",
      .url_prefix = "/pulumi/",
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

}  // namespace airlock::ecosystem::pulumi
