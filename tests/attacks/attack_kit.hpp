// Tools of an attacker: taking a bundle's tar apart and putting it together differently, and, for a dishonest producer,
// signing what airlock would not sign.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "bundle/blob_map.hpp"
#include "bundle/head.hpp"
#include "bundle/verified_bundle.hpp"
#include "support/bundle_maker.hpp"
#include "support/errors.hpp"

namespace airlock::test {

struct RawMember {
  std::string name;
  std::string content;
  char type = '0';
  std::uint64_t announced = UINT64_MAX;  // size in the header; UINT64_MAX: that of the content
};

// A member with a right checksum, whatever it says.
std::string raw_header(const RawMember& member);
std::vector<RawMember> take_apart(const std::filesystem::path& tar);
std::string put_together(const std::vector<RawMember>& members);
void write_bytes(const std::filesystem::path& path, const std::string& bytes);
std::string read_bytes(const std::filesystem::path& path);
std::size_t index_of(const std::vector<RawMember>& members, std::string_view name_part);

// What becomes of a bundle at a site that pinned the first root of `keys`: the whole head, then each blob that should
// be there. "ok", "missing" (blobs that no file has), or the name of the error's code.
std::string fate(const std::filesystem::path& path, const bundle::VerifyOptions& options,
                 const std::vector<std::filesystem::path>& folders = {});

// A producer who signs anything. Edits are made on the JSON of the `signed` part; describing parents follow.
class DishonestProducer {
 public:
  using Edit = std::function<void(base::Json& signed_part)>;

  DishonestProducer(const ProducerKeys& keys, bundle::HeadContents head);

  // Puts `text` in the place of a target, and signs every role above it again.
  void set_target(const std::string& path, const std::string& text);
  void remove_target(const std::string& path);
  // Changes a role ("oci", "targets", "snapshot", "timestamp"), signs it and every role above it. Without signers the
  // keys of the root are used.
  void edit_role(const std::string& role, const Edit& edit, const std::vector<const trust::Signer*>& signers = {});
  // The file of a role as it is, and those above it signed again.
  void set_role_bytes(const std::string& role, const std::string& bytes);
  // A shipment with whatever it says, signed by `signers` as `type`.
  void set_shipment(const bundle::Shipment& shipment, const std::vector<const trust::Signer*>& signers,
                    std::string_view type = bundle::k_shipment_type);
  bundle::Shipment shipment() const;
  // Makes the shipment name the present snapshot again.
  void renew_shipment();

  bundle::HeadContents head;
  std::string role_bytes(const std::string& role) const;
  std::string role_name(const std::string& role) const;  // of its file

 private:
  std::string signing_role(const std::string& role) const;
  void replace(const std::string& role, const std::string& bytes);

  const ProducerKeys& m_keys;
};

// A small bundle in one file, its head as `change` leaves it.
class Scene {
 public:
  explicit Scene(const ProducerKeys& keys, const BundlePlan& plan = {});
  // Writes the bundle with another head in front of the same blobs, and says what becomes of it.
  std::string fate_with(const bundle::HeadContents& head, base::Time now = bundle_time(1));
  std::string fate_of_bytes(const std::string& bytes);

  MadeBundle made;
  std::vector<RawMember> members;

 private:
  const ProducerKeys& m_keys;
  base::TempDir m_folder, m_changed;
};

}  // namespace airlock::test
