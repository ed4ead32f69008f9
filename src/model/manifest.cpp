#include "model/manifest.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "model/manifest_reader.hpp"

namespace airlock::model {

using base::Error;
using base::ErrorCode;

std::vector<const Entry*> Manifest::section(std::string_view key) const {
  std::vector<const Entry*> found;
  for (const Entry& entry : entries) {
    if (entry.section() == key) {
      found.push_back(&entry);
    }
  }
  return found;
}

Manifest read_manifests(const std::vector<std::filesystem::path>& files, std::span<const SectionSchema> sections,
                        const std::vector<Platform>& default_platforms) {
  return read_manifests(files, {}, sections, default_platforms);
}

Manifest read_manifests(const std::vector<std::filesystem::path>& files,
                        const std::vector<std::filesystem::path>& wants, std::span<const SectionSchema> sections,
                        const std::vector<Platform>& default_platforms) {
  ManifestReader reader(sections, default_platforms);
  for (const std::filesystem::path& file : files) {
    reader.read(base::read_yaml_file(file), file.string());
  }
  for (const std::filesystem::path& file : wants) {
    const base::YamlNode root = base::read_yaml_file(file);
    check_wants(root, sections);
    reader.read(root, file.string());
  }
  return reader.finish();
}

Manifest parse_manifest(std::string_view text, const std::string& file, std::span<const SectionSchema> sections,
                        const std::vector<Platform>& default_platforms) {
  ManifestReader reader(sections, default_platforms);
  reader.read(base::parse_yaml(text, file), file);
  return reader.finish();
}

void check_channel_name(std::string_view name, const base::SourcePosition& position) {
  const auto plain = [](char c) { return base::is_lower(c) || base::is_digit(c); };
  const bool good = !name.empty() && name.size() <= 63 && plain(name.front()) &&
                    std::all_of(name.begin(), name.end(), [&](char c) { return plain(c) || c == '-'; });
  if (!good) {
    throw Error(ErrorCode::manifest, fmt::format("'{}' cannot be the name of a channel", base::printable(name, 80)))
        .at(position)
        .with_hint("1 to 63 of a-z, 0-9 and '-', not beginning with '-'");
  }
}

}  // namespace airlock::model
