#include "model/item.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "model/purl.hpp"

namespace airlock::model {

using base::Digest;
using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_item_limit = 1024;  // bytes
constexpr std::string_view k_images = "oci";

Error no_item(std::string_view text, std::string_view why) {
  return Error(ErrorCode::usage,
               fmt::format("'{}' names nothing that can be served: {}", base::printable(text, 120), why))
      .with_hint("a digest (sha256:…), a package URL (pkg:npm/left-pad@1.3.0), or ECOSYSTEM:NAME[@VERSION] "
                 "(npm:left-pad@1.3.0, oci:docker.io/library/debian:12)");
}

bool is_ecosystem_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), base::is_lower);
}

// Of an image, what makes it one to a client; else what is downloaded. What an index is made from stays, so that
// clients still find the version and are told why they do not get it.
bool is_meant(const FileRow& row) {
  if (row.ecosystem != k_images) {
    return row.kind == Kind::file || row.kind == Kind::withheld;
  }
  return row.kind == Kind::tag || row.media_type.find("manifest") != std::string::npos ||
         row.media_type.find("image.index") != std::string::npos;
}

// "registry.example:5000/team/app" as a row's path has it: "registry.example_5000/team/app".
std::string image_path(std::string name) {
  const std::size_t slash = name.find('/');
  const std::size_t colon = name.find(':');
  if (colon != std::string::npos && slash != std::string::npos && colon < slash) {
    name[colon] = '_';
  }
  return name;
}

// "pkg:npm/%40scope/name@1.0.0?x=y" is of the artifact "pkg:npm/%40scope/name".
bool is_of(std::string_view row_artifact, std::string_view wanted) {
  if (!row_artifact.starts_with(wanted)) {
    return false;
  }
  if (row_artifact.size() == wanted.size()) {
    return true;
  }
  const char next = row_artifact[wanted.size()];
  // More may follow what was left out: a version behind a name, qualifiers behind a version.
  const bool has_version = wanted.find('@') != std::string_view::npos;
  const bool has_qualifiers = wanted.find('?') != std::string_view::npos;
  return !has_qualifiers && (next == '?' || (next == '@' && !has_version));
}

}  // namespace

Item Item::parse(std::string_view text) {
  Item item;
  if (text.size() > k_item_limit || !base::is_valid_utf8(text) ||
      std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; })) {
    throw no_item(text, "it is too long, or not plain text");
  }
  if (Digest::is_sha256_hex(text)) {
    item.m_digest = Digest::parse_sha256_hex(text);
    item.m_text = item.m_digest->to_string();
    return item;
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    throw no_item(text, "it is neither a digest nor a name");
  }
  const std::string_view scheme = text.substr(0, colon);
  try {
    if (scheme == "sha256" || scheme == "sha384" || scheme == "sha512" || scheme == "sha1") {
      item.m_digest = Digest::parse(text);
      item.m_text = item.m_digest->to_string();
      return item;
    }
    if (scheme == "pkg") {
      item.m_artifact = Purl::parse(text).to_string();
      item.m_text = item.m_artifact;
      return item;
    }
  } catch (const Error& error) {
    throw no_item(text, error.message());
  }
  item.m_ecosystem = scheme;
  item.m_name = text.substr(colon + 1);
  if (!is_ecosystem_word(scheme) || item.m_name.empty()) {
    throw no_item(text, "it is neither a digest nor a name");
  }
  item.m_text = text;
  if (item.m_ecosystem == k_images) {
    item.m_name = image_path(std::move(item.m_name));
  }
  item.m_path = item.m_name;
  if (item.m_ecosystem == k_images) {
    return item;
  }
  if (const std::size_t at = item.m_name.find('@', 1); at != std::string::npos) {
    item.m_version = item.m_name.substr(at + 1);
    item.m_name.resize(at);
  }
  return item;
}

bool Item::is_unversioned() const {
  if (m_digest) {
    return false;
  }
  if (!m_artifact.empty()) {
    return m_artifact.find('@') == std::string::npos;
  }
  return m_ecosystem == k_images ? m_name.find_first_of(":@") == std::string::npos : m_version.empty();
}

bool Item::matches(const FileRow& row) const {
  if (m_digest) {
    return row.sha256 == m_digest || (!row.pin.empty() && row.pin == m_text);
  }
  if (!m_artifact.empty()) {
    return is_of(row.artifact, m_artifact) && is_meant(row);
  }
  return row.ecosystem == m_ecosystem && matches_name(row);
}

// What cannot be read as a package URL has no name but its path. A home may hold such a row from before bundles with
// them were refused, and it must not hinder anybody from blocking something else.
bool Item::matches_name(const FileRow& row) const {
  if (row.path == m_path) {
    return true;
  }
  if (m_ecosystem == k_images) {
    // A repository, or what a tag of it stands for.
    const std::size_t tag = m_name.rfind(':');
    const std::string_view repository = std::string_view(m_name).substr(0, tag);
    if (!row.path.starts_with(repository) || row.path.size() == repository.size() || !is_meant(row)) {
      return false;
    }
    const char next = row.path[repository.size()];
    if (next != '@' && next != ':') {
      return false;
    }
    if (tag == std::string::npos) {
      return true;
    }
    auto purl = next == '@' ? Purl::parse_if_valid(row.artifact) : std::nullopt;
    return purl && purl->qualifiers["tag"] == m_name.substr(tag + 1);
  }
  const auto purl = Purl::parse_if_valid(row.artifact);
  if (!purl) {
    return false;
  }
  const std::string name = purl->namespace_.empty() ? purl->name : purl->namespace_ + "/" + purl->name;
  return name == m_name && (m_version.empty() || purl->version == m_version);
}

}  // namespace airlock::model
