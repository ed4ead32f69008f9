// Tools of an attacker: taking a bundle's tar apart and putting it together differently, and, for a dishonest producer,
// signing what airlock would not sign.
#pragma once

#include <filesystem>
#include <functional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
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

// The package URL of a row of ecosystem "file", so that a refusal is of its path and of nothing else. Any text will do.
std::string artifact_of(const std::string& path);

// What becomes of a bundle. Compares and prints as its code.
struct Fate {
  std::string code;              // "ok", or the name of the error's code
  int exit_code = 0;             // of the command
  std::string message;           // of the error
  std::set<std::string> stored;  // after an import: hex of every blob that got a file, wherever it ended
  bool says(std::string_view words) const { return message.find(words) != std::string::npos; }
  operator std::string() const { return code; }  // NOLINT: a test asks for little else
};
inline bool operator==(const Fate& fate, std::string_view code) {
  return fate.code == code;
}
inline std::ostream& operator<<(std::ostream& out, const Fate& fate) {
  return out << fate.code << " (" << fate.exit_code << "): " << fate.message;
}

// At a site that pinned this root and has taken nothing in yet: verified and imported by the real workflow, which must
// agree on the exit code.
Fate fate(const std::filesystem::path& path, const bundle::VerifyOptions& options,
          const std::vector<std::filesystem::path>& folders = {});
// Verified only, where an import would write gigabytes.
Fate fate_of_verify(const std::filesystem::path& path, const bundle::VerifyOptions& options);
// The head alone, in memory: for loops over every bit of it, in which no file is worth its time.
Fate fate_of_head(const std::filesystem::path& path, const bundle::VerifyOptions& options);

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
  Fate fate_with(const bundle::HeadContents& head, base::Time now = bundle_time(1));
  std::filesystem::path write_with(const bundle::HeadContents& head);
  Fate fate_of_bytes(const std::string& bytes);
  Fate fate_of_head_bytes(const std::string& bytes);  // of the head alone

  MadeBundle made;
  std::vector<RawMember> members;

 private:
  const ProducerKeys& m_keys;
  base::TempDir m_folder, m_changed;
};

}  // namespace airlock::test
