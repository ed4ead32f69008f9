// An OCI layout of another tool, whose parts are the input's (sections.hpp): "index.json" and whatever else has a '.',
// a '-' or a '/' in its name lies under that name, every other part is a blob. What an image of it leads to becomes
// rows.
#include <string>

#include "base/error.hpp"
#include "base/tar.hpp"
#include "ecosystem/oci/image_walk.hpp"
#include "ecosystem/oci/layout_source.hpp"
#include "ecosystem/oci/rows.hpp"
#include "fuzz_target.hpp"
#include "memory_file.hpp"
#include "sections.hpp"

using namespace airlock;
namespace oci = ecosystem::oci;

namespace {

template <typename Read>
void read_or_refuse(Read&& read) {
  try {
    read();
  } catch (const base::Error& error) {
    fuzz::require(error.code() != base::ErrorCode::internal && error.code() != base::ErrorCode::io,
                  "every refusal is about the layout");
  }
}

std::string layout_tar(const std::vector<fuzz::Section>& sections) {
  std::string tar;
  const auto add = [&tar](const std::string& name, std::string_view text) {
    tar += base::tar_header(name, text.size(), 0);
    tar += text;
    tar.append(static_cast<std::size_t>(base::tar_padding(text.size())), '\0');
  };
  add("oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  for (const fuzz::Section& section : sections) {
    const bool is_named = section.name.find_first_of(".-/") != std::string::npos;
    add(is_named ? section.name : "blobs/sha256/" + base::sha256(section.text).hex(), section.text);
  }
  return tar.append(base::k_tar_end_size, '\0');
}

void walk(oci::LayoutSource& source, const oci::Reference& reference, const oci::FetchedManifest& root) {
  base::SilentReporter reporter;
  for (const oci::Referrers referrers : {oci::Referrers::carry, oci::Referrers::leave}) {
    const oci::ImageWish wish{.reference = reference,
                              .platforms = {model::Platform::parse("linux/amd64")},
                              .referrers = referrers,
                              .foreign_layers = oci::ForeignLayers::leave};
    const oci::WalkHooks hooks{
        .emit =
            [](const ecosystem::ResolvedFile& file) {
              fuzz::require(oci::parse_row_path(file.row.path).has_value(), "a row's path is one of ours");
              fuzz::require(!file.content || !file.row.sha256 || base::sha256(*file.content) == *file.row.sha256,
                            "content has the digest of its row");
            },
        .not_asked = [](const base::Error&) {},
        .reporter = reporter};
    read_or_refuse([&] { oci::walk_image(source, wish, root, hooks, 1); });
  }
}

void examine(oci::LayoutSource& source) {
  const oci::Reference reference = oci::parse_reference("registry.example/team/app:1");
  for (const std::string& tag : source.tags()) {
    fuzz::require(oci::is_tag(tag), "a tag can be asked for");
    read_or_refuse([&] { static_cast<void>(source.by_tag(tag)); });
  }
  for (const char* const from : {"", "1", "registry.example/team/app:1"}) {
    read_or_refuse([&] {
      const oci::Descriptor entry = source.find_entry(from, reference);
      if (const auto root = source.by_digest(entry.digest)) {
        fuzz::require(root->sha256 == base::sha256(root->bytes), "a manifest is what its digest says");
        walk(source, reference, *root);
      }
    });
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string tar;
  try {
    tar = layout_tar(fuzz::linked_sections(fuzz::as_text(data, size)));
  } catch (const base::Error&) {
    return 0;  // a name that this tar cannot hold
  }
  const fuzz::MemoryFile file(tar);
  read_or_refuse([&] {
    oci::LayoutSource source(std::make_shared<const oci::LayoutFiles>(file.path()));
    examine(source);
  });
  return 0;
}
