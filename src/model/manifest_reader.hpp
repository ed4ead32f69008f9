// From YAML to one merged manifest; inside of manifest.hpp.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/yaml.hpp"
#include "model/manifest.hpp"

namespace airlock::model {

class ManifestReader {
 public:
  ManifestReader(std::span<const SectionSchema> sections, const std::vector<Platform>& default_platforms)
      : m_sections(sections), m_default_platforms(default_platforms) {}

  void read(const base::YamlNode& root, const std::string& file);  // one more file; merged into those before it
  Manifest finish();

 private:
  void read_name(const base::YamlNode& node);
  void read_section(const SectionSchema& schema, const base::YamlNode& node, const std::vector<Platform>& platforms);
  Entry read_entry(const SectionSchema& schema, const base::YamlNode& node, const std::vector<Platform>& platforms);
  void read_field(const SectionSchema& schema, const Field& field, const base::YamlNode& node, Entry& entry);
  void read_paths(const base::YamlNode& node, const std::string& what, Entry& entry, const std::string& field);
  void read_upstreams(const base::YamlNode& node);

  void add_entry(const SectionSchema& schema, Entry entry);
  void unite(const SectionSchema& schema, Entry& here, Entry&& added);
  void unite_paths(const std::string& field, Entry& here, const Entry& added);
  void add_upstream(Upstream upstream);

  std::span<const SectionSchema> m_sections;
  const std::vector<Platform>& m_default_platforms;
  Manifest m_manifest;
  bool m_any_file = false;
  base::SourcePosition m_first_file;
  std::map<std::string, std::vector<Entry>> m_entries;                // by section key, in order of appearance
  std::map<std::string, std::map<std::string, std::size_t>> m_known;  // by section key and identity
};

// Throws manifest where a list of wants says more than what is wanted.
void check_wants(const base::YamlNode& root, std::span<const SectionSchema> sections);

// Reads one upstream's mapping.
Upstream read_upstream(const std::string& name, const base::YamlNode& node);

// The names of what an upstream can say, for the reader and the JSON Schema.
const std::vector<Field>& upstream_fields();

// "did you mean 'x'?", or what there is to choose from.
std::string suggestion(std::string_view word, const std::vector<std::string>& known);

std::vector<Platform> read_platforms(const base::YamlNode& node, std::string_view what);

}  // namespace airlock::model
