// Public keys of people, as an administrator lays them into the configuration folder.
//
//   approvers/   officers of this site: their approvals count (workflow/local_approvals.hpp)
//   people/      anybody else whose name is to be shown beside his key; it gives no right
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "trust/key.hpp"
#include "workflow/home.hpp"

namespace airlock::workflow {

struct NamedKey {
  trust::PublicKey key;
  std::string name;  // what the file says, else that of the file; printable
};
// The key files of a folder (NAME.pub.json, NAME.pem; trust/public_key_file.hpp), sorted by name; none where there is
// no such folder. Throws config for one that is no public key.
std::vector<NamedKey> read_named_keys(const std::filesystem::path& folder);

// Names by keyid, of all who are known here. What cannot be read names nobody.
std::map<std::string, std::string> known_names(const Home& home);

}  // namespace airlock::workflow
