// The table of ecosystems. Explicit, because a static library drops what registers itself.
#include <algorithm>
#include <array>

#include "ecosystem/ecosystem.hpp"
#include "ecosystem/file/file.hpp"
#include "ecosystem/go/go.hpp"
#include "ecosystem/npm/npm.hpp"
#include "ecosystem/oci/oci.hpp"
#include "ecosystem/oci/rows.hpp"
#include "ecosystem/pulumi/pulumi.hpp"
#include "ecosystem/pypi/pypi.hpp"
#include "ecosystem/terraform/terraform.hpp"
#include "ecosystem/tool/tool.hpp"

namespace airlock::ecosystem {

std::span<const Ecosystem* const> all_ecosystems() {
  static const std::array table{
      &file::descriptor(),   &go::descriptor(),   &npm::descriptor(),       &oci::descriptor(),
      &pulumi::descriptor(), &pypi::descriptor(), &terraform::descriptor(), &tool::descriptor(),
  };
  return table;
}

const Ecosystem* find_ecosystem(std::string_view id) {
  const auto all = all_ecosystems();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Ecosystem* one) { return one->id == id; });
  return found == all.end() ? nullptr : *found;
}

std::vector<model::SectionSchema> all_sections() {
  std::vector<model::SectionSchema> sections;
  for (const Ecosystem* ecosystem : all_ecosystems()) {
    sections.insert(sections.end(), ecosystem->sections.begin(), ecosystem->sections.end());
  }
  return sections;
}

model::Belonging belongs(const model::FileRow& row) {
  const Ecosystem* const ecosystem = find_ecosystem(row.ecosystem);
  if (row.kind == model::Kind::layout && row.ecosystem != oci::k_ecosystem) {
    return model::Belonging::no;  // only images have such, and nobody is shown them
  }
  return ecosystem == nullptr ? model::Belonging::beside : ecosystem->belongs(row);
}

}  // namespace airlock::ecosystem
