// Certificates that are made while a test runs, so that none lies in the repository and none expires.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace airlock::test {

struct TestCertificate {
  std::filesystem::path certificate;  // PEM; self-signed, so it is its own CA file
  std::filesystem::path key;          // PEM
};

// A P-256 key and a certificate for `names` (DNS names, or "IP:127.0.0.1"), valid from an hour ago for a day,
// written to NAME.crt and NAME.key in `directory`. Throws std::runtime_error.
TestCertificate make_certificate(const std::filesystem::path& directory, const std::string& name,
                                 const std::vector<std::string>& names = {"localhost", "IP:127.0.0.1"});

}  // namespace airlock::test
