#include "control/vault.hpp"

#include <sys/stat.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::control {

using base::ErrorCode;
using test::code_of;

TEST_CASE("a secret opens for its owner only", "[vault]") {
  const base::TempDir folder;
  const Vault vault(folder.path() / "key");
  const std::string closed = vault.close(base::Secret("hunter2"), "default/shop/prod");
  CHECK(closed.find("hunter2") == std::string::npos);
  CHECK(vault.open(closed, "default/shop/prod").reveal() == "hunter2");
  CHECK(vault.close(base::Secret("hunter2"), "default/shop/prod") != closed);
  CHECK(code_of([&] { return vault.open(closed, "default/shop/dev"); }) == ErrorCode::malformed);
  CHECK(vault.open(vault.close(base::Secret(""), "x"), "x").reveal().empty());
}

TEST_CASE("a ciphertext that was touched does not open", "[vault]") {
  const base::TempDir folder;
  const Vault vault(folder.path() / "key");
  const std::string closed = vault.close(base::Secret("hunter2"), "x");
  for (std::size_t at = 3; at < closed.size(); at += 5) {
    std::string touched = closed;
    touched[at] = touched[at] == 'A' ? 'B' : 'A';
    CAPTURE(at);
    CHECK(code_of([&] { return vault.open(touched, "x"); }) == ErrorCode::malformed);
  }
  CHECK(code_of([&] { return vault.open(closed.substr(0, 10), "x"); }) == ErrorCode::malformed);
  CHECK(code_of([&] { return vault.open("", "x"); }) == ErrorCode::malformed);
  CHECK(code_of([&] { return vault.open("v1:!!!", "x"); }) == ErrorCode::malformed);
}

TEST_CASE("the key is a private file that stays the same", "[vault]") {
  const base::TempDir folder;
  const auto file = folder.path() / "key";
  const std::string closed = Vault(file).close(base::Secret("a"), "x");
  struct stat about = {};
  REQUIRE(::stat(file.c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0600);
  CHECK(Vault(file).open(closed, "x").reveal() == "a");
  CHECK(code_of([&] { return Vault(folder.path() / "other").open(closed, "x"); }) == ErrorCode::malformed);
  CHECK(Vault(folder.path() / "other").key_id() != Vault(file).key_id());
  REQUIRE(::chmod(file.c_str(), 0644) == 0);
  CHECK(code_of([&] { return Vault(file); }) == ErrorCode::config);
  base::write_file_atomic(file, "not a key\n", 0600);
  CHECK(code_of([&] { return Vault(file); }) == ErrorCode::config);
}

}  // namespace airlock::control
