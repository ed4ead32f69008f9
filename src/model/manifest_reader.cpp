#include "model/manifest_reader.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::model {

using base::Error;
using base::ErrorCode;
using base::YamlNode;

namespace {

// Keys that the format gives to ecosystems which this build may not have.
constexpr std::array<std::string_view, 6> k_later_sections{"maven", "nuget", "helm", "git", "deb", "rpm"};

Error mistake(const YamlNode& node, std::string message) {
  return Error(ErrorCode::manifest, std::move(message)).at(node.position());
}

std::string key_of(const YamlNode& node, std::string_view where) {
  if (!node.is_scalar()) {
    throw mistake(node, fmt::format("a key of {} must be a plain word", where));
  }
  return node.scalar();
}

// The text of a scalar that says something.
std::string some_text(const YamlNode& node, std::string_view what) {
  if (node.is_null() || (node.is_scalar() && node.scalar().empty())) {
    throw mistake(node, fmt::format("{} has no value", what));
  }
  return node.as_string(what);
}

std::string digest_text(const YamlNode& node, std::string_view what) {
  std::string hex = base::to_lower(some_text(node, what));
  constexpr std::string_view prefix = "sha256:";
  if (hex.starts_with(prefix)) {
    hex.erase(0, prefix.size());
  }
  if (!base::Digest::is_sha256_hex(hex)) {
    throw mistake(node, fmt::format("{} is '{}', which is not a SHA-256", what, base::printable(node.scalar(), 80)))
        .with_hint("64 hexadecimal characters, as `sha256sum` prints them");
  }
  return hex;
}

}  // namespace

std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
  if (const auto near = base::nearest(word, known)) {
    return fmt::format("did you mean '{}'?", *near);
  }
  return fmt::format("known are {}", base::join(known, ", "));
}

std::vector<Platform> read_platforms(const YamlNode& node, std::string_view what) {
  std::vector<Platform> platforms;
  const auto read_one = [&](const YamlNode& item) {
    try {
      platforms.push_back(Platform::parse(some_text(item, what)));
    } catch (Error& error) {
      if (!error.position()) {
        error.at(item.position());
      }
      throw;
    }
  };
  if (node.is_sequence()) {
    if (node.items().empty()) {
      throw mistake(node, fmt::format("{} is an empty list", what));
    }
    std::for_each(node.items().begin(), node.items().end(), read_one);
  } else {
    read_one(node);
  }
  std::sort(platforms.begin(), platforms.end());
  platforms.erase(std::unique(platforms.begin(), platforms.end()), platforms.end());
  return platforms;
}

void ManifestReader::read(const YamlNode& root, const std::string& file) {
  if (!m_any_file) {
    m_first_file = {.file = file, .line = 0, .column = 0};
  }
  if (root.is_null()) {  // an empty document has no place of its own
    throw Error(ErrorCode::manifest, "the manifest is empty").at({.file = file, .line = 1, .column = 1});
  }
  if (!root.is_mapping()) {
    throw mistake(root, "a manifest is a mapping of keys such as 'name' and 'images'");
  }
  std::vector<Platform> platforms = m_default_platforms;
  if (const YamlNode* own = root.find("platforms")) {
    const std::vector<Platform> written = read_platforms(*own, "'platforms'");  // checked even where it is replaced
    if (platforms.empty()) {
      platforms = written;
    }
  }
  if (!m_any_file) {
    m_manifest.platforms = platforms;
    m_any_file = true;
  }

  std::vector<std::string> known = {"name", "platforms", "upstreams"};
  for (const SectionSchema& schema : m_sections) {
    known.push_back(schema.key);
  }
  for (const auto& [key_node, value] : root.members()) {
    const std::string key = key_of(key_node, "a manifest");
    const auto schema = std::find_if(m_sections.begin(), m_sections.end(),
                                     [&](const SectionSchema& candidate) { return candidate.key == key; });
    if (schema != m_sections.end()) {
      read_section(*schema, value, platforms);
    } else if (key == "name") {
      read_name(value);
    } else if (key == "upstreams") {
      read_upstreams(value);
    } else if (key != "platforms") {
      if (std::find(k_later_sections.begin(), k_later_sections.end(), key) != k_later_sections.end()) {
        throw mistake(key_node, fmt::format("this build of airlock has no ecosystem '{}'", key))
            .with_hint("`airlock ecosystem list` shows what it has; take the section out, or use a newer airlock");
      }
      throw mistake(key_node, fmt::format("'{}' is not a key of a manifest", base::printable(key, 80)))
          .with_hint(suggestion(key, known));
    }
  }
}

void ManifestReader::read_name(const YamlNode& node) {
  const std::string name = some_text(node, "'name'");
  check_channel_name(name, node.position());
  if (m_manifest.name.empty()) {
    m_manifest.name = name;
    m_manifest.name_position = node.position();
  }
}

void ManifestReader::read_section(const SectionSchema& schema, const YamlNode& node,
                                  const std::vector<Platform>& platforms) {
  if (node.is_null()) {
    return;
  }
  if (schema.form == SectionSchema::Form::mapping) {
    if (!node.is_mapping()) {
      throw mistake(node, fmt::format("'{}' must be a mapping", schema.key))
          .with_hint(fmt::format("write its options below it, such as `{}:`", schema.fields.front().name));
    }
    add_entry(schema, read_entry(schema, node, platforms));
    return;
  }
  if (!node.is_sequence()) {
    throw mistake(node, fmt::format("'{}' must be a list of entries", schema.key))
        .with_hint("begin each entry with '- ' on a line of its own");
  }
  for (const YamlNode& item : node.items()) {
    add_entry(schema, read_entry(schema, item, platforms));
  }
}

Entry ManifestReader::read_entry(const SectionSchema& schema, const YamlNode& node,
                                 const std::vector<Platform>& platforms) {
  Entry entry;
  entry.m_section = schema.key;
  entry.m_position = node.position();
  const auto has_platforms = [](const Field& field) { return field.type == FieldType::platforms; };
  if (std::any_of(schema.fields.begin(), schema.fields.end(), has_platforms)) {
    entry.m_platforms = platforms;
  }
  const std::string what = schema.form == SectionSchema::Form::mapping ? fmt::format("'{}'", schema.key)
                                                                       : fmt::format("an entry of '{}'", schema.key);
  std::vector<std::string> names;
  for (const Field& field : schema.fields) {
    names.push_back(field.name);
  }
  const auto field_named = [&](std::string_view name) {
    return std::find_if(schema.fields.begin(), schema.fields.end(),
                        [&](const Field& field) { return field.name == name; });
  };

  if (node.is_scalar()) {
    if (schema.shorthand.empty()) {
      throw mistake(node, fmt::format("{} cannot be plain text", what))
          .with_hint(fmt::format("write it as a mapping with some of {}", base::join(names, ", ")));
    }
    read_field(schema, *field_named(schema.shorthand), node, entry);
  } else if (node.is_mapping()) {
    for (const auto& [key_node, value] : node.members()) {
      const std::string key = key_of(key_node, what);
      const auto field = field_named(key);
      if (field == schema.fields.end()) {
        throw mistake(key_node, fmt::format("'{}' is not an option of {}", base::printable(key, 80), what))
            .with_hint(suggestion(key, names));
      }
      read_field(schema, *field, value, entry);
    }
  } else {
    throw mistake(node, fmt::format("{} must be {}a mapping", what, schema.shorthand.empty() ? "" : "text or "));
  }

  for (const std::vector<std::string>& choice : schema.one_of) {
    std::vector<std::string> given;
    std::copy_if(choice.begin(), choice.end(), std::back_inserter(given),
                 [&](const std::string& name) { return entry.has(name); });
    if (given.empty()) {
      throw mistake(node, choice.size() == 1 ? fmt::format("{} needs '{}'", what, choice.front())
                                             : fmt::format("{} needs one of '{}'", what, base::join(choice, "', '")));
    }
    if (given.size() > 1) {
      throw Error(ErrorCode::manifest, fmt::format("{} has both '{}' and '{}'", what, given[0], given[1]))
          .at(entry.position_of(given[1]))
          .with_hint(fmt::format("give exactly one of '{}'", base::join(choice, "', '")));
    }
  }
  const auto is_given = [&](const std::string& name) { return entry.has(name); };
  if (!schema.some_of.empty() && std::none_of(schema.some_of.begin(), schema.some_of.end(), is_given)) {
    throw mistake(node, fmt::format("{} needs some of '{}'", what, base::join(schema.some_of, "', '")));
  }
  return entry;
}

void ManifestReader::read_field(const SectionSchema& schema, const Field& field, const YamlNode& node, Entry& entry) {
  const std::string what = fmt::format("'{}' of '{}'", field.name, schema.key);
  std::vector<std::string>& values = entry.m_values[field.name];
  entry.m_positions[field.name] = node.position();
  switch (field.type) {
  case FieldType::text:
  case FieldType::path:
    values = {some_text(node, what)};
    break;
  case FieldType::text_list:
    if (node.is_sequence()) {
      for (const YamlNode& item : node.items()) {
        values.push_back(some_text(item, what));
      }
      if (values.empty()) {
        throw mistake(node, fmt::format("{} is an empty list", what));
      }
    } else {
      values = {some_text(node, what)};
    }
    break;
  case FieldType::path_list:
    read_paths(node, what, entry, field.name);
    break;
  case FieldType::number:
    values = {std::to_string(node.as_uint(what))};
    break;
  case FieldType::flag:
    values = {node.as_bool(what) ? "true" : "false"};
    break;
  case FieldType::digest:
    values = {digest_text(node, what)};
    break;
  case FieldType::platforms:
    entry.m_platforms = read_platforms(node, what);
    for (const Platform& platform : entry.m_platforms) {
      values.push_back(platform.to_string());
    }
    break;
  }
}

void ManifestReader::read_paths(const YamlNode& node, const std::string& what, Entry& entry, const std::string& field) {
  const std::filesystem::path folder = std::filesystem::path(node.position().file).parent_path();
  const auto read_one = [&](const YamlNode& item) {
    entry.m_values[field].push_back(some_text(item, what));
    entry.m_paths[field].push_back(std::filesystem::absolute(folder / entry.m_values[field].back()).lexically_normal());
  };
  if (!node.is_sequence()) {
    read_one(node);
    return;
  }
  if (node.items().empty()) {
    throw mistake(node, fmt::format("{} is an empty list", what));
  }
  std::for_each(node.items().begin(), node.items().end(), read_one);
}

Manifest ManifestReader::finish() {
  if (m_manifest.name.empty()) {
    throw Error(ErrorCode::manifest, "the manifest has no name")
        .at(m_first_file)
        .with_hint("add a line such as `name: site-a`; it names the channel that the far side keeps apart from others");
  }
  for (const SectionSchema& schema : m_sections) {
    for (Entry& entry : m_entries[schema.key]) {
      m_manifest.entries.push_back(std::move(entry));
    }
  }
  return std::move(m_manifest);
}

}  // namespace airlock::model
