// A manifest is read or refused by place; what it wishes for does not depend on being read twice. The same text as a
// list of wants, which nobody signed: it never says where from.
#include <fstream>

#include "base/error.hpp"
#include "base/files.hpp"
#include "fuzz_target.hpp"
#include "memory_file.hpp"
#include "model/manifest.hpp"
#include "unit/model/sections.hpp"

using namespace airlock;

namespace {

struct Files {
  base::TempDir folder{fuzz::memory_place()};
  std::filesystem::path site = folder.path() / "site.yaml";
  std::filesystem::path wants = folder.path() / "wants.yaml";
  Files() { std::ofstream(site) << "name: site-a\n"; }
};

void read_as_wants(std::string_view text, std::span<const model::SectionSchema> sections) {
  static const Files files;
  std::ofstream(files.wants, std::ios::binary | std::ios::trunc) << text;
  try {
    const model::Manifest manifest =
        model::read_manifests({files.site}, {files.wants}, sections, std::vector<model::Platform>());
    fuzz::require(manifest.name == "site-a" && manifest.upstreams.empty(), "wants name no channel and no upstream");
    for (const model::Entry& entry : manifest.entries) {
      for (const auto& [field, values] : entry.values()) {
        for (const std::string& value : values) {
          fuzz::require(value.find(":/") == std::string::npos, "wants name no address");
        }
      }
    }
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::manifest || error.code() == base::ErrorCode::conflict,
                  "every refusal is a mistake or a contradiction");
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto sections = model::test_sections();
  const std::string_view text = fuzz::as_text(data, size);
  read_as_wants(text, sections);
  try {
    const model::Manifest manifest = model::parse_manifest(text, "input", sections);
    fuzz::require(!manifest.name.empty(), "a manifest that is taken has a name");
    const model::Manifest again = model::parse_manifest(text, "input", sections);
    fuzz::require(model::canonical_text(manifest) == model::canonical_text(again), "reading is deterministic");
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::manifest || error.code() == base::ErrorCode::conflict,
                  "every refusal is a mistake or a contradiction");
    fuzz::require(error.position().has_value(), "every refusal has a position");
  }
  return 0;
}
