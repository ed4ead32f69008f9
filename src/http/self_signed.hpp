// A certificate for a server that has none, and a small authority for it that clients can be told to trust.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace airlock::http {

struct SelfSignedRequest {
  std::vector<std::string> names;  // DNS names and addresses that clients use; the first is the common name
  base::Time now{};
  std::chrono::seconds lifetime = std::chrono::days(800);  // clients refuse much more of a private authority
};

struct SelfSignedSet {
  std::string chain;      // PEM: the server's certificate and its authority's
  std::string authority;  // PEM: what clients are told to trust
  std::string key;        // PEM, PKCS#8, ECDSA P-256; of the server
};

// An authority that signs this one certificate and nothing else ever: its key is forgotten before this
// returns. Two certificates and not one, because some clients take no authority for a server. Throws usage
// (no name, or one that is neither a host name nor an address), internal.
SelfSignedSet make_self_signed(const SelfSignedRequest& request);

// The set below `folder` (cert.pem, ca.pem, key.pem), made where there is none, where it ends within 30 days
// or where it lacks one of the names. The key is readable by its owner only. Throws io.
struct SelfSignedFiles {
  std::filesystem::path certificate, authority, key;
  bool made = false;
  std::string fingerprint;  // SHA-256 of the authority's certificate, hex
};
SelfSignedFiles ensure_self_signed(const std::filesystem::path& folder, const SelfSignedRequest& request);

// The same set, made once: throws conflict where one of its files is there already, and changes nothing then.
SelfSignedFiles write_self_signed(const std::filesystem::path& folder, const SelfSignedRequest& request);

}  // namespace airlock::http
