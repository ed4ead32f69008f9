#include "bundle/verified_bundle.hpp"

#include "bundle/catalog_text.hpp"
#include "bundle/verified_state.hpp"

namespace airlock::bundle {

const trust::TrustedSet& VerifiedBundle::trusted() const {
  return m_impl->trusted;
}
const Descriptor& VerifiedBundle::descriptor() const {
  return m_impl->descriptor;
}
const Shipment& VerifiedBundle::shipment() const {
  return m_impl->shipment;
}
const std::vector<Attachment>& VerifiedBundle::attachments() const {
  return m_impl->attachments;
}
const Head& VerifiedBundle::head() const {
  return *m_impl->head;
}
std::string VerifiedBundle::producer() const {
  return m_impl->producer;
}
std::string VerifiedBundle::bundle_id() const {
  return m_impl->shipment.bundle_id;
}
std::size_t VerifiedBundle::approvals() const {
  return m_impl->approvals;
}
const std::vector<VerifiedBundle::StateBlob>& VerifiedBundle::blobs() const {
  return m_impl->blobs;
}
const std::vector<Revoked>& VerifiedBundle::revoked() const {
  return m_impl->revoked;
}

void VerifiedBundle::for_each_row(const std::function<void(const model::FileRow&)>& visit) const {
  for (const auto& [ecosystem, role] : m_impl->trusted.delegated) {
    CatalogReader reader(ecosystem);
    for (const auto& [path, file] : role.targets) {
      reader.read(m_impl->head->target(path, file), path, visit);
    }
  }
}

}  // namespace airlock::bundle
