// What happens when two manifests, or two entries, speak of the same thing.
#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "model/manifest_reader.hpp"

namespace airlock::model {

using base::Error;
using base::ErrorCode;

namespace {

// A value as it is compared: paths of manifests in different folders may be spelt alike and differ.
std::vector<std::string> comparable(const Entry& entry, const Field& field) {
  if (field.type == FieldType::path && entry.has(field.name)) {
    return {entry.path(field.name).string()};
  }
  return entry.texts(field.name);
}

std::string identity(const SectionSchema& schema, const Entry& entry) {
  if (schema.form == SectionSchema::Form::mapping) {
    return "";  // there is one
  }
  const bool any = std::any_of(schema.fields.begin(), schema.fields.end(), [](const Field& f) { return f.identity; });
  std::string key;
  for (const Field& field : schema.fields) {
    if (field.identity || !any) {
      for (const std::string& value : comparable(entry, field)) {
        key += value + '\x1f';
      }
      key += '\x1e';
    }
  }
  return key;
}

std::string display(const std::vector<std::string>& values) {
  return base::printable(base::join(values, ", "), 80);
}

Error contradiction(std::string_view what, std::string_view here, std::string_view there,
                    const base::SourcePosition& here_at, const base::SourcePosition& there_at) {
  return Error(ErrorCode::conflict,
               fmt::format("{} is '{}' here, but '{}' at {}", what, there, here, here_at.to_string()))
      .at(there_at)
      .with_hint("make the two places agree, or leave the option out in one of them");
}

}  // namespace

void ManifestReader::add_entry(const SectionSchema& schema, Entry entry) {
  std::vector<Entry>& entries = m_entries[schema.key];
  const auto [found, added] = m_known[schema.key].emplace(identity(schema, entry), entries.size());
  if (added) {
    entries.push_back(std::move(entry));
  } else {
    unite(schema, entries[found->second], std::move(entry));
  }
}

void ManifestReader::unite(const SectionSchema& schema, Entry& here, Entry&& added) {
  for (const Field& field : schema.fields) {
    if (!added.has(field.name) || field.type == FieldType::platforms) {
      continue;
    }
    if (field.type == FieldType::path_list) {
      unite_paths(field.name, here, added);
      continue;
    }
    std::vector<std::string>& theirs = added.m_values[field.name];
    if (!here.has(field.name)) {
      here.m_values[field.name] = std::move(theirs);
      here.m_positions[field.name] = added.m_positions[field.name];
      continue;
    }
    std::vector<std::string>& ours = here.m_values[field.name];
    if (field.unites) {
      std::copy_if(theirs.begin(), theirs.end(), std::back_inserter(ours),
                   [&](const std::string& value) { return std::find(ours.begin(), ours.end(), value) == ours.end(); });
    } else if (comparable(here, field) != comparable(added, field)) {
      throw contradiction(fmt::format("'{}' of an entry of '{}'", field.name, schema.key), display(ours),
                          display(theirs), here.position_of(field.name), added.position_of(field.name));
    }
  }
  const auto takes_platforms = [](const Field& field) { return field.type == FieldType::platforms; };
  if (std::none_of(schema.fields.begin(), schema.fields.end(), takes_platforms) ||
      (here.m_platforms.empty() && added.m_platforms.empty())) {
    return;
  }
  // Where only one of them says something, the other means this host's.
  for (Entry* entry : {&here, &added}) {
    if (entry->m_platforms.empty()) {
      entry->m_platforms.push_back(Platform::host());
    }
  }
  std::vector<Platform>& platforms = here.m_platforms;
  platforms.insert(platforms.end(), added.m_platforms.begin(), added.m_platforms.end());
  std::sort(platforms.begin(), platforms.end());
  platforms.erase(std::unique(platforms.begin(), platforms.end()), platforms.end());
}

void ManifestReader::unite_paths(const std::string& field, Entry& here, const Entry& added) {
  here.m_positions.try_emplace(field, added.position_of(field));
  const std::vector<std::filesystem::path> theirs = added.paths(field);
  std::vector<std::filesystem::path>& ours = here.m_paths[field];
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    if (std::find(ours.begin(), ours.end(), theirs[i]) == ours.end()) {
      ours.push_back(theirs[i]);
      here.m_values[field].push_back(added.m_values.at(field)[i]);
    }
  }
}

void ManifestReader::add_upstream(Upstream upstream) {
  const auto [found, added] = m_manifest.upstreams.try_emplace(upstream.name, upstream);
  if (added) {
    return;
  }
  Upstream& here = found->second;
  const auto unite_text = [&](std::string_view field, auto& ours, const auto& theirs) {
    if (ours.empty()) {
      ours = theirs;
    } else if (!theirs.empty() && ours != theirs) {
      throw contradiction(fmt::format("'{}' of upstream '{}'", field, upstream.name), std::string(ours),
                          std::string(theirs), here.position, upstream.position);
    }
  };
  unite_text("url", here.url, upstream.url);
  unite_text("ca_file", here.ca_file, upstream.ca_file);
  unite_text("token_env", here.token_env, upstream.token_env);
  unite_text("username_env", here.username_env, upstream.username_env);
  unite_text("password_env", here.password_env, upstream.password_env);
  unite_text("proxy", here.proxy, upstream.proxy);
  here.plain_http = here.plain_http || upstream.plain_http;
  here.insecure_tls = here.insecure_tls || upstream.insecure_tls;
  here.allow_unverified_referrers = here.allow_unverified_referrers || upstream.allow_unverified_referrers;
}

}  // namespace airlock::model
