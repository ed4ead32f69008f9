#include "bundle/oci_index.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/authoring.hpp"
#include "bundle/json_text.hpp"
#include "model/purl.hpp"

namespace airlock::bundle {

using base::Digest;
using base::Error;
using base::ErrorCode;
using base::Json;
using model::FileRow;
using model::Kind;

namespace {

constexpr std::string_view k_layout_suffix = "+layout";

// "HOST/REPO" of "HOST/REPO:TAG" and "HOST/REPO@sha256:HEX".
std::string repository_of(std::string_view path) {
  const std::size_t at = path.find('@');
  const std::size_t end = at != std::string_view::npos ? at : path.rfind(':');
  return std::string(path.substr(0, end));
}

// The reference as users write it: a port follows a colon again (docs/ecosystems/oci.md).
std::string full_reference(std::string_view path) {
  const std::size_t slash = path.find('/');
  std::string host(path.substr(0, slash));
  const std::size_t underscore = host.rfind('_');
  const bool has_port = underscore != std::string::npos && underscore + 1 < host.size() &&
                        host.find_first_not_of("0123456789", underscore + 1) == std::string::npos;
  if (has_port) {
    host[underscore] = ':';
  }
  return slash == std::string_view::npos ? host : host + std::string(path.substr(slash));
}

OrderedJson to_json(const OciDescriptor& descriptor) {
  OrderedJson value = {
      {"mediaType", descriptor.media_type}, {"digest", descriptor.digest.to_string()}, {"size", descriptor.size}};
  const std::vector<std::string> parts = base::split(descriptor.platform, '/');
  if (!descriptor.platform.empty() && parts.size() >= 2) {
    value["platform"] = {{"architecture", parts[1]}, {"os", parts[0]}};
    if (parts.size() > 2) {
      value["platform"]["variant"] = parts[2];
    }
  }
  return value;
}

OrderedJson empty_index() {
  return {{"schemaVersion", 2}, {"mediaType", k_oci_index_type}, {"manifests", OrderedJson::array()}};
}

std::string platform_text(const Json& entry, std::string_view name) {
  if (!entry.contains("platform")) {
    return "";
  }
  const Json& platform = entry["platform"];
  std::string text =
      base::string_member(platform, "os", name) + "/" + base::string_member(platform, "architecture", name);
  const std::string variant = base::string_member_or(platform, "variant", "", name);
  return variant.empty() ? text : text + "/" + variant;
}

bool is_docker(std::string_view media_type) {
  return media_type == k_docker_manifest_type || media_type == k_docker_list_type;
}

// The manifest that a package URL of type oci names by its version is an image in its own right.
bool is_named_by_its_artifact(const FileRow& row) {
  if (row.path.find('@') == std::string::npos || row.artifact.empty()) {
    return false;
  }
  try {
    return model::Purl::parse(row.artifact).version == row.sha256->to_string();
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

std::string layout_only_index(const std::vector<OciDescriptor>& children) {
  OrderedJson index = empty_index();
  for (const OciDescriptor& child : children) {
    index["manifests"].push_back(to_json(child));
  }
  return index.dump();
}

std::optional<std::string> layout_only_index_of(std::string_view media_type, std::string_view manifest) {
  if (media_type == k_docker_manifest_type) {
    return layout_only_index({{.media_type = std::string(media_type),
                               .digest = base::sha256(manifest),
                               .size = manifest.size(),
                               .platform = ""}});
  }
  if (media_type != k_docker_list_type) {
    return std::nullopt;
  }
  constexpr std::string_view name = "a Docker manifest list";
  const Json list = base::parse_json(manifest, name);
  const Json& entries = base::member(list, "manifests", name);
  if (!entries.is_array()) {
    throw Error(ErrorCode::malformed, fmt::format("'manifests' of {} is not an array", name));
  }
  std::vector<OciDescriptor> children;
  for (const Json& entry : entries) {
    children.push_back({.media_type = base::string_member(entry, "mediaType", name),
                        .digest = Digest::parse(base::string_member(entry, "digest", name)),
                        .size = base::uint_member(entry, "size", name),
                        .platform = platform_text(entry, name)});
  }
  return layout_only_index(children);
}

std::string layout_row_path(std::string_view reference) {
  return std::string(reference) + std::string(k_layout_suffix);
}

void OciIndexBuilder::add(const FileRow& row) {
  if (!row.sha256) {
    return;
  }
  const bool here = m_present(*row.sha256);
  if (row.kind == Kind::layout) {
    if (here) {
      m_layouts[row.path] = {.media_type = std::string(k_oci_index_type), .digest = *row.sha256, .size = *row.length};
    }
    return;
  }
  m_complete.try_emplace(repository_of(row.path), true).first->second &= here;
  if (row.kind == Kind::tag ||
      (row.media_type.find("manifest") != std::string::npos && is_named_by_its_artifact(row)) ||
      (row.media_type == k_oci_index_type && is_named_by_its_artifact(row))) {
    auto& images = row.kind == Kind::tag ? m_tags : m_by_digest;
    images[row.path] = {.media_type = row.media_type, .digest = *row.sha256, .size = *row.length};
  }
}

std::string OciIndexBuilder::text() const {
  std::map<std::string, Image> images = m_tags;
  std::set<std::pair<std::string, Digest>> tagged;
  for (const auto& [path, image] : m_tags) {
    tagged.insert({repository_of(path), image.digest});
  }
  for (const auto& [path, image] : m_by_digest) {
    if (!tagged.contains({repository_of(path), image.digest})) {
      images.emplace(path, image);
    }
  }
  OrderedJson index = empty_index();
  for (const auto& [path, image] : images) {
    if (!m_complete.at(repository_of(path))) {
      continue;
    }
    Image top = image;
    if (is_docker(image.media_type)) {
      const auto layout = m_layouts.find(layout_row_path(path));
      if (layout == m_layouts.end()) {
        continue;  // tools would refuse the whole layout because of it
      }
      top = layout->second;
    }
    OrderedJson entry = to_json({.media_type = top.media_type, .digest = top.digest, .size = top.size, .platform = ""});
    entry["annotations"] = {{"org.opencontainers.image.ref.name", full_reference(path)}};
    index["manifests"].push_back(std::move(entry));
  }
  return document_text(index);
}

std::string build_oci_index(const std::vector<FileRow>& oci_rows, const std::function<bool(const Digest&)>& present) {
  OciIndexBuilder builder(present);
  for (const FileRow& row : oci_rows) {
    builder.add(row);
  }
  return builder.text();
}

}  // namespace airlock::bundle
