#include "bundle/state_rows.hpp"

#include <cstring>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "model/name_folding.hpp"

namespace airlock::bundle {

using base::Digest;
using base::Error;
using base::ErrorCode;
using model::FileRow;

namespace {

std::uint64_t fnv(std::string_view text, std::uint64_t hash) {  // FNV-1a, 64 bits
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  }
  return hash;
}

std::uint64_t mix(std::uint64_t value) {  // the finaliser of splitmix64
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31);
}

}  // namespace

std::size_t BlobTable::slot(const Digest& sha256) const {
  const std::size_t mask = m_slots.size() - 1;
  std::size_t at = std::hash<Digest>{}(sha256)&mask;
  while (m_slots[at] != 0 && m_blobs[m_slots[at] - 1].sha256 != sha256) {
    at = (at + 1) & mask;
  }
  return at;
}

void BlobTable::grow() {
  m_slots.assign(std::max<std::size_t>(1024, m_slots.size() * 2), 0);
  for (std::size_t i = 0; i < m_blobs.size(); ++i) {
    m_slots[slot(m_blobs[i].sha256)] = static_cast<std::uint32_t>(i + 1);
  }
}

bool BlobTable::add(const Digest& sha256, std::uint64_t length) {
  if (m_slots.size() < 2 * (m_blobs.size() + 1)) {
    grow();
  }
  const std::size_t at = slot(sha256);
  if (m_slots[at] != 0) {
    if (m_blobs[m_slots[at] - 1].length != length) {
      throw Error(ErrorCode::tampered, fmt::format("{} is listed with two lengths", sha256.hex()));
    }
    return false;
  }
  m_blobs.push_back({.sha256 = sha256, .length = length});
  m_slots[at] = static_cast<std::uint32_t>(m_blobs.size());
  return true;
}

bool BlobTable::contains(const Digest& sha256) const {
  return !m_slots.empty() && m_slots[slot(sha256)] != 0;
}

StateRows::Fingerprint StateRows::fingerprint(std::string_view text) {
  return {.high = mix(fnv(text, 0xCBF29CE484222325ULL)), .low = mix(fnv(text, 0x9E3779B97F4A7C15ULL) + text.size())};
}

void StateRows::add_ecosystem(std::string_view ecosystem, std::size_t catalogs,
                              const std::function<std::string(std::size_t)>& catalog_text, const Visit& visit) {
  CatalogReader reader{std::string(ecosystem)};
  const bool folds = model::folds_case(ecosystem);
  Fingerprints folded;  // only where case folds: elsewhere what is composed has no twin
  std::uint64_t rows = 0;
  for (std::size_t i = 0; i < catalogs; ++i) {
    const std::string name = catalog_target(ecosystem, i);
    const std::string text = catalog_text(i);
    reader.read(text, name, [&](const FileRow& row) {
      ++rows;
      if (folds && !folded.insert(fingerprint(model::fold_name(row.path))).second) {
        throw Error(ErrorCode::tampered,
                    fmt::format("{}: '{}' differs from another path only in case, or in how letters are composed", name,
                                base::printable(row.path)));
      }
      if (!folds && !model::is_composed(row.path)) {
        throw Error(ErrorCode::tampered,
                    fmt::format("{}: '{}' is not composed as Unicode has it (NFC)", name, base::printable(row.path)));
      }
      if (!row.artifact.empty()) {
        m_artifacts.insert(fingerprint(row.artifact));
      }
      if (row.sha256 && m_blobs.add(*row.sha256, *row.length)) {
        m_bytes += *row.length;
      }
      visit(row);
    });
  }
  m_row_count += rows;
  if (m_row_count > k_row_limit) {
    throw Error(ErrorCode::limit, fmt::format("the bundle has more than {} rows", k_row_limit));
  }
  m_rows[std::string(ecosystem)] = rows;
}

void StateRows::add_attachments(const std::vector<Attachment>& attachments) {
  for (const Attachment& attachment : attachments) {
    if (m_blobs.add(attachment.sha256, attachment.length)) {
      m_bytes += attachment.length;
    }
  }
}

void StateRows::count_into(Descriptor& descriptor) const {
  descriptor.rows = m_rows;
  descriptor.artifacts = m_artifacts.size();
  descriptor.blobs = m_blobs.blobs().size();
  descriptor.bytes = m_bytes;
}

std::string sums_text(const std::vector<BlobTable::Blob>& blobs) {
  std::string text;
  text.reserve(blobs.size() * k_sums_line_size);
  for (const auto& blob : blobs) {
    const std::string hex = blob.sha256.hex();
    text += hex;
    text += "  ";
    text += k_blob_prefix;
    text += hex;
    text += '\n';
  }
  return text;
}

}  // namespace airlock::bundle
