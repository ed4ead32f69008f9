#include "ecosystem/oci/layout_source.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "ecosystem/oci/media_types.hpp"
#include "ecosystem/oci/tags.hpp"

namespace airlock::ecosystem::oci {

using base::Digest;
using base::Error;
using base::ErrorCode;

namespace {

constexpr std::string_view k_scheme = "oci-layout:";
constexpr std::size_t k_index_limit = 64 * 1024 * 1024;  // bytes

// Where tools write an entry's name: the tag or full reference (image-spec 1.1, Annotations); docker and
// containerd the full reference beside it.
constexpr const char* k_name_annotations[] = {"org.opencontainers.image.ref.name", "io.containerd.image.name"};

std::vector<std::string> names_of(const Descriptor& entry) {
  std::vector<std::string> result;
  for (const char* annotation : k_name_annotations) {
    if (const auto found = entry.annotations.find(annotation); found != entry.annotations.end()) {
      result.push_back(found->second);
    }
  }
  return result;
}

std::string tag_of(const std::string& name) {
  if (is_tag(name)) {
    return name;
  }
  try {
    return parse_reference(name).tag;
  } catch (const Error&) {
    return "";  // a name is whatever its writer liked
  }
}

bool is_called(const Descriptor& entry, std::string_view name) {
  const std::vector<std::string> names = names_of(entry);
  return entry.digest.to_string() == name || std::find(names.begin(), names.end(), name) != names.end();
}

bool has_tag(const Descriptor& entry, std::string_view tag) {
  const std::vector<std::string> names = names_of(entry);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) { return tag_of(name) == tag; });
}

bool is_same_image(const Descriptor& entry, const Reference& reference) {
  const std::vector<std::string> names = names_of(entry);
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    try {
      const Reference named = parse_reference(name);
      return named.name() == reference.name() && named.tag == reference.tag;
    } catch (const Error&) {
      return false;
    }
  });
}

// Those that `matches` accepts, if all of them are the same content; a name given twice to different content
// is no answer.
template <typename Matches>
std::optional<Descriptor> only(const std::vector<Descriptor>& entries, Matches&& matches) {
  std::optional<Descriptor> result;
  for (const Descriptor& entry : entries) {
    if (matches(entry)) {
      if (result && result->digest != entry.digest) {
        return std::nullopt;
      }
      result = entry;
    }
  }
  return result;
}

std::string list_entries(const std::vector<Descriptor>& entries) {
  std::vector<std::string> shown;
  for (const Descriptor& entry : entries) {
    const std::vector<std::string> names = names_of(entry);
    shown.push_back(base::printable(names.empty() ? entry.digest.to_string() : names.front(), 200));
  }
  return shown.empty() ? "nothing" : base::printable(base::join(shown, ", "), 1000);
}

}  // namespace

std::string layout_name(const std::filesystem::path& path) {
  const std::filesystem::path plain = path.lexically_normal();
  return base::percent_encode((plain.has_filename() ? plain : plain.parent_path()).filename().string());
}

std::optional<LayoutOrigin> parse_layout_origin(std::string_view origin) {
  const std::size_t at = origin.rfind('@');
  if (!origin.starts_with(k_scheme) || at == std::string_view::npos) {
    return std::nullopt;
  }
  const std::optional<Digest> digest = parse_content_digest(origin.substr(at + 1));
  if (!digest) {
    return std::nullopt;
  }
  return LayoutOrigin{std::string(origin.substr(k_scheme.size(), at - k_scheme.size())), *digest};
}

LayoutSource::LayoutSource(std::shared_ptr<const LayoutFiles> files) : m_files(std::move(files)) {
  const std::string name = (m_files->path() / "index.json").string();
  m_entries = parse_descriptor_list(m_files->read("index.json", k_index_limit).value(), name);
}

Descriptor LayoutSource::find_entry(std::string_view from, const Reference& reference) const {
  std::optional<Descriptor> found;
  if (!from.empty()) {
    found = only(m_entries, [&](const Descriptor& entry) { return is_called(entry, from); });
    if (!found) {
      found = only(m_entries, [&](const Descriptor& entry) { return has_tag(entry, from); });
    }
  } else {
    found = only(m_entries, [&](const Descriptor& entry) { return is_same_image(entry, reference); });
    if (!found) {
      // Signatures and the like lie beside the image that they belong to, and are not what is meant.
      found = only(m_entries, [&](const Descriptor& entry) {
        const std::vector<std::string> names = names_of(entry);
        return !std::any_of(names.begin(), names.end(),
                            [](const std::string& entry_name) { return is_referrers_tag(tag_of(entry_name)); });
      });
    }
    if (!found && !reference.tag.empty()) {
      found = only(m_entries, [&](const Descriptor& entry) { return has_tag(entry, reference.tag); });
    }
  }
  if (!found) {
    throw Error(ErrorCode::not_found,
                fmt::format("'{}' has no single entry {}; there is {}", m_files->path().string(),
                            from.empty() ? "for " + reference.to_string() : fmt::format("'{}'", from),
                            list_entries(m_entries)))
        .with_hint("name one of them with 'from', by its name or its digest");
  }
  return *found;
}

std::optional<FetchedManifest> LayoutSource::by_digest(const Digest& digest) {
  const std::optional<base::FileSlice> slice = m_files->open_blob(digest);
  if (!slice) {
    return std::nullopt;
  }
  const std::string name = fmt::format("{} in '{}'", digest.to_string(), m_files->path().string());
  if (slice->length > k_manifest_limit) {
    throw Error(ErrorCode::limit, fmt::format("{} has {} bytes, more than a manifest may have ({})", name,
                                              slice->length, k_manifest_limit));
  }
  base::FileSource source(slice->fd->get(), slice->offset, slice->length, name);
  FetchedManifest result;
  result.bytes = base::read_all(source, k_manifest_limit);
  base::Hasher hasher(digest.algorithm());
  hasher.update(result.bytes);
  result.digest = hasher.finish();
  if (result.digest != digest) {
    throw Error(ErrorCode::tampered, fmt::format("{} has other content: {}", name, result.digest.to_string()))
        .with_hint("the layout is damaged or was changed; make it again");
  }
  result.sha256 = base::sha256(result.bytes);
  result.verified = model::Verified::upstream_digest;
  const auto entry = std::find_if(m_entries.begin(), m_entries.end(),
                                  [&](const Descriptor& candidate) { return candidate.digest == digest; });
  if (entry != m_entries.end()) {
    result.media_type = plain_media_type(entry->media_type);
  }
  return result;
}

std::optional<FetchedManifest> LayoutSource::by_tag(std::string_view tag) {
  const std::optional<Descriptor> entry =
      only(m_entries, [&](const Descriptor& candidate) { return has_tag(candidate, tag); });
  return entry ? by_digest(entry->digest) : std::nullopt;
}

void LayoutSource::find_subjects() {
  for (const Descriptor& entry : m_entries) {
    if (!is_manifest_type(plain_media_type(entry.media_type))) {
      continue;
    }
    const std::optional<FetchedManifest> content = by_digest(entry.digest);
    if (!content) {
      continue;  // image-spec 1.1, Image Layout: what an index lists may be absent
    }
    const Manifest manifest = parse_manifest(content->bytes, content->media_type, entry.digest.to_string());
    if (manifest.subject) {
      m_by_subject.emplace(manifest.subject->digest, entry);
    }
  }
}

std::vector<Descriptor> LayoutSource::referrers(const Digest& subject) {
  std::call_once(m_subjects_found, [&] { find_subjects(); });
  std::vector<Descriptor> result;
  const auto [first, last] = m_by_subject.equal_range(subject);
  for (auto entry = first; entry != last; ++entry) {
    result.push_back(entry->second);
  }
  if (const std::optional<FetchedManifest> fallback = by_tag(referrers_tag(subject))) {
    const Manifest index = parse_manifest(fallback->bytes, fallback->media_type, referrers_tag(subject));
    result.insert(result.end(), index.children.begin(), index.children.end());
  }
  return result;
}

std::vector<std::string> LayoutSource::tags() {
  std::vector<std::string> result;
  for (const Descriptor& entry : m_entries) {
    for (const std::string& name : names_of(entry)) {
      if (std::string tag = tag_of(name); !tag.empty()) {
        result.push_back(std::move(tag));
      }
    }
  }
  return result;
}

std::string LayoutSource::origin(Part, const Digest& digest) const {
  return std::string(k_scheme) + layout_name(m_files->path()) + "@" + digest.to_string();
}

}  // namespace airlock::ecosystem::oci
