// What a user asks for: YAML with positions, merged from several files, each entry checked against what its
// ecosystem declares (docs/formats/manifest.md; manifests/manifest.schema.json).
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/yaml.hpp"
#include "model/platform.hpp"

namespace airlock::model {

enum class FieldType {
  text,       // scalar
  text_list,  // scalar or list of scalars
  number,     // unsigned integer
  flag,       // true or false
  path,       // relative to the manifest; made absolute when read
  path_list,  // one or several of those
  platforms,  // list of platforms
  digest,     // 64 hex characters, or "sha256:" and those
};

// One option of an entry. All of an ecosystem's options are data, so that checking, merging, the JSON Schema and the
// documentation come from one table.
struct Field {
  std::string name;
  FieldType type = FieldType::text;
  std::string help;       // one sentence, for the schema and the documentation
  bool identity = false;  // part of what makes two entries the same entry
  bool unites = false;    // lists of the same entry in two manifests unite; others must be equal
  bool wanted = false;    // may stand in a list of wants
};

struct SectionSchema {
  std::string key;        // "images"
  std::string ecosystem;  // "oci"  // list: each item is an entry. mapping: the section itself is one entry, and those
                          // of several manifests unite.
  enum class Form { list, mapping } form = Form::list;
  std::string shorthand;                         // field that a plain string fills ("ref"); empty: a string is an error
  std::vector<Field> fields;                     // `platforms` and `libc` are ordinary fields, listed where they apply
  std::vector<std::vector<std::string>> one_of;  // each inner list: exactly one of these fields must be there
  std::vector<std::string> some_of;              // at least one of these must be there; empty: none needs to
  std::string help;
};

class Entry {  // one checked entry of a section
 public:
  const std::string& section() const { return m_section; }
  const base::SourcePosition& position() const { return m_position; }
  bool has(std::string_view field) const { return m_values.contains(std::string(field)); }
  std::string text(std::string_view field) const;                // "" when absent
  std::vector<std::string> texts(std::string_view field) const;  // empty when absent
  std::optional<std::uint64_t> number(std::string_view field) const;
  std::optional<bool> flag(std::string_view field) const;
  std::filesystem::path path(std::string_view field) const;                // absolute; empty when absent
  std::vector<std::filesystem::path> paths(std::string_view field) const;  // of a path_list: absolute
  // The entry's own, else its manifest's, else none, which means linux on this host's architecture. Empty where the
  // section has no `platforms`.
  const std::vector<Platform>& platforms() const { return m_platforms; }
  const base::SourcePosition& position_of(std::string_view field) const;  // the entry's own when absent
  // As written, but digests: those are 64 lower-case hex characters here whichever form was used.
  const std::map<std::string, std::vector<std::string>>& values() const { return m_values; }

 private:
  friend class ManifestReader;
  std::string m_section;
  base::SourcePosition m_position;
  std::map<std::string, std::vector<std::string>> m_values;
  std::map<std::string, base::SourcePosition> m_positions;
  std::map<std::string, std::vector<std::filesystem::path>> m_paths;  // of path lists, beside their values
  std::vector<Platform> m_platforms;
};

// How one upstream is reached; keyed by host ("registry.example:5000") or ecosystem ("npm").
struct Upstream {
  std::string name;
  base::SourcePosition position;
  std::string url;  // replaces the default address
  bool plain_http = false;
  bool insecure_tls = false;
  std::filesystem::path ca_file;
  std::string token_env, username_env, password_env;  // names of environment variables; never values
  std::string proxy;
  bool allow_unverified_referrers = false;  // waives "could not ask for signatures" for this upstream, by name
};

struct Manifest {
  std::string name;  // the channel
  base::SourcePosition name_position;
  std::vector<Platform> platforms;  // default of the first file; each entry already carries its own
  std::vector<Entry> entries;       // in order of section, then of appearance
  std::map<std::string, Upstream> upstreams;

  std::vector<const Entry*> section(std::string_view key) const;
};

// Reads and merges. Every mistake throws manifest with file, line, column, and a suggestion for a misspelt key or
// field; a contradiction between two files throws conflict and names both places. Entries whose identity fields are
// equal are one entry: platforms and uniting lists unite, an option that only one of them gives holds, options that
// both give must be equal. The first file with a name names the channel; one of them must. `default_platforms` (from
// --platform) replaces every manifest's own default when not empty.
Manifest read_manifests(const std::vector<std::filesystem::path>& files, std::span<const SectionSchema> sections,
                        const std::vector<Platform>& default_platforms = {});
// The same, with lists of wants behind the manifests. Those came back from another network unsigned, so they may name
// packages and platforms and nothing else (Field::wanted): no upstream, address, folder or channel. Throws manifest.
Manifest read_manifests(const std::vector<std::filesystem::path>& files,
                        const std::vector<std::filesystem::path>& wants, std::span<const SectionSchema> sections,
                        const std::vector<Platform>& default_platforms);
Manifest parse_manifest(std::string_view text, const std::string& file, std::span<const SectionSchema> sections,
                        const std::vector<Platform>& default_platforms = {});

// The whole wish as one deterministic text, without positions and upstreams: what the lock's `request` is the SHA-256
// of. The order of files and entries makes no difference to it.
std::string canonical_text(const Manifest& manifest);

void check_channel_name(std::string_view name, const base::SourcePosition& position);  // [a-z0-9][a-z0-9-]{0,62}

// The JSON Schema (draft 2020-12) of the manifest, from the same table; manifests/manifest.schema.json is its text.
std::string manifest_json_schema(std::span<const SectionSchema> sections);

}  // namespace airlock::model
