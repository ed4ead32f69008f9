#include "bundle/head.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/head_impl.hpp"

namespace airlock::bundle {

using base::Error;
using base::ErrorCode;

const std::filesystem::path& Head::file() const {
  return m_impl->path;
}
const Hint& Head::hint() const {
  return m_impl->hint;
}
const std::string& Head::hint_text() const {
  return m_impl->hint_text;
}
const std::string& Head::shipment() const {
  return m_later && !m_later->shipment.empty() ? m_later->shipment : m_impl->shipment;
}
const std::string& Head::oci_index() const {
  return m_impl->oci_index;
}
std::uint64_t Head::size() const {
  return m_impl->size;
}
std::uint64_t Head::room_offset() const {
  return m_impl->room_offset;
}
std::uint64_t Head::room_size() const {
  return m_impl->room_size;
}
bool Head::blobs_follow() const {
  return m_impl->blobs_follow;
}

Head Head::with(std::map<std::string, std::string> metadata, std::string shipment) const {
  auto later = std::make_shared<Later>(m_later ? *m_later : Later());
  for (auto& [name, bytes] : metadata) {
    later->metadata.insert_or_assign(name, std::move(bytes));
  }
  if (!shipment.empty()) {
    later->shipment = std::move(shipment);
  }
  Head head = *this;
  head.m_later = std::move(later);
  return head;
}

std::optional<std::string> Head::metadata(std::string_view name) const {
  if (m_later) {
    if (const auto later = m_later->metadata.find(name); later != m_later->metadata.end()) {
      return later->second;
    }
  }
  const auto found = m_impl->metadata.find(name);
  return found == m_impl->metadata.end() ? std::nullopt : std::optional(m_impl->store.load(found->second));
}

std::uint64_t Head::metadata_length(std::string_view name) const {
  if (m_later) {
    if (const auto later = m_later->metadata.find(name); later != m_later->metadata.end()) {
      return later->second.size();
    }
  }
  const auto found = m_impl->metadata.find(name);
  return found == m_impl->metadata.end() ? 0 : MemberStore::length(found->second);
}

std::vector<std::string> Head::metadata_names() const {
  std::vector<std::string> names;
  for (const auto& [name, stored] : m_impl->metadata) {
    names.push_back(name);
  }
  if (m_later) {
    for (const auto& [name, bytes] : m_later->metadata) {
      if (!m_impl->metadata.contains(name)) {
        names.push_back(name);
      }
    }
  }
  return names;
}

std::vector<std::string> Head::target_names() const {
  std::vector<std::string> names;
  for (const auto& [name, stored] : m_impl->targets) {
    names.push_back(name);
  }
  return names;
}

void Head::for_each_target(const std::function<void(const std::string& name, const std::string& bytes)>& visit) const {
  for (const auto& [name, stored] : m_impl->targets) {
    visit(name, m_impl->store.load(stored));
  }
}

std::string Head::target(std::string_view path, const trust::TargetFile& expected) const {
  const auto refuse = [&](std::string_view why) {
    throw Error(ErrorCode::tampered, fmt::format("'{}' {}", base::printable(path), why));
  };
  const auto hash = expected.hashes.find("sha256");
  if (hash == expected.hashes.end() || !base::Digest::is_sha256_hex(hash->second)) {
    refuse("is listed without a sha256");
  }
  const base::Digest digest = base::Digest::parse_sha256_hex(hash->second);
  const auto found = m_impl->targets.find(consistent_name(path, digest));
  if (found == m_impl->targets.end()) {
    refuse("is listed, but not in the bundle as it was signed");
  }
  std::string bytes;
  if (MemberStore::length(found->second) != expected.length ||
      base::sha256(bytes = m_impl->store.load(found->second)) != digest) {
    refuse("differs from what was signed");
  }
  return bytes;
}

std::optional<std::string> Head::unverified_target(std::string_view path) const {
  const auto found = m_impl->plain_targets.find(path);
  if (found == m_impl->plain_targets.end()) {
    return std::nullopt;
  }
  const auto& [name, stored] = *m_impl->targets.find(found->second);
  if (MemberStore::length(stored) > trust::k_metadata_ceiling) {
    return std::nullopt;
  }
  std::string bytes = m_impl->store.load(stored);
  return base::sha256(bytes) == parse_consistent_name(name)->sha256 ? std::optional(std::move(bytes)) : std::nullopt;
}

HeadContents Head::contents() const {
  HeadContents contents{.hint = m_impl->hint, .shipment = shipment(), .oci_index = m_impl->oci_index};
  for (const std::string& name : metadata_names()) {
    contents.metadata[name] = metadata(name).value();
  }
  for (const auto& [name, stored] : m_impl->targets) {
    contents.targets[parse_consistent_name(name)->target] = m_impl->store.load(stored);
  }
  return contents;
}

namespace {

class HeadFetcher : public trust::Fetcher {
 public:
  explicit HeadFetcher(Head head) : m_head(std::move(head)) {}

  std::optional<std::string> fetch(std::string_view name, std::size_t limit) override {
    if (m_head.metadata_length(name) > limit) {
      throw Error(ErrorCode::limit, fmt::format("{} has more than {} bytes", base::printable(name), limit));
    }
    return m_head.metadata(name);
  }

 private:
  Head m_head;
};

}  // namespace

std::unique_ptr<trust::Fetcher> Head::fetcher() const {
  return std::make_unique<HeadFetcher>(*this);
}

}  // namespace airlock::bundle
