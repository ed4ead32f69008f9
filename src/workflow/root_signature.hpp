// Signatures over a new root: who may give one, what came from elsewhere, and what a holder does on another machine.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trust/detached_signature.hpp"
#include "trust/root_authoring.hpp"

namespace airlock::workflow {

inline constexpr std::size_t k_keyid_shown = 12;                   // hex digits, for people and file names
std::string shown_keyids(const std::vector<std::string>& keyids);  // "0123456789ab, …"

struct RootSigner {
  std::string keyid;
  bool of_old = false, of_new = false;  // lists it as a key of root
  bool signed_already = false;
};

// All that may sign `root`, by keyid: the keys of root in it, and in the one before it.
std::map<std::string, RootSigner> signers_of_root(const trust::Root& root, const std::optional<trust::Root>& before);
// nullptr: neither has it.
const trust::PublicKey* key_of_root(const trust::Root& root, const std::optional<trust::Root>& before,
                                    const std::string& keyid);

struct RootSignature {
  const trust::PublicKey* key;  // of one of the two roots
  std::string bytes;            // as they stand in the file of a root; they verify
};

// Reads signatures that were made elsewhere. All that it is given must outlive it.
class RootSignatureReader {
 public:
  // `keyid` as for accept_signatures().
  RootSignatureReader(const trust::SignedFile& file, const trust::Root& root, const std::optional<trust::Root>& before,
                      std::string_view keyid);
  // Throws what accept_signatures() says.
  RootSignature read(const std::filesystem::path& path) const;

 private:
  RootSignature from_file(const std::string& text, const std::string& name) const;
  RootSignature from_raw(const std::string& raw) const;
  const trust::PublicKey& listed(const std::string& keyid) const;

  const trust::SignedFile& m_file;
  const trust::Root& m_root;
  const std::optional<trust::Root>& m_before;
  std::string m_keyid;
  std::map<std::string, RootSigner> m_signers;
};

// For the machine of a holder, without a home. `against`: the root that it follows; empty: the one beside it, if any.
struct RootToSign {
  trust::SignedFile file;
  trust::Root root;
  std::optional<trust::Root> before;
  std::string review;
};
RootToSign read_root_to_sign(const std::filesystem::path& file, const std::filesystem::path& against);
// Throws untrusted when neither root lists the key for root.
trust::DetachedSignature sign_root(const RootToSign& root, const trust::Signer& signer);

}  // namespace airlock::workflow
