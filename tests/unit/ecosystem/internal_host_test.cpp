#include "ecosystem/internal_host.hpp"

#include "support/catch.hpp"

namespace airlock::ecosystem {

TEST_CASE("names of a site are told from names of the world", "[ecosystem]") {
  for (const char* host : {"registry",
                           "localhost",
                           "10.1.2.3",
                           "registry.example.com:5000",
                           "registry.example.com_5000",
                           "a.internal",
                           "a.intranet",
                           "a.private",
                           "a.local",
                           "a.localhost",
                           "a.lan",
                           "a.localdomain",
                           "a.corp",
                           "a.home",
                           "a.test",
                           "a.invalid",
                           "a.example",
                           "a.onion",
                           "router.home.arpa",
                           "A.LAN",
                           "a.internal.",
                           "[::1]"}) {
    CAPTURE(host);
    CHECK(is_internal_host(host));
  }
  for (const char* host : {"ghcr.io", "registry.example.com", "internal.example.com", "a.locals", "lan.net",
                           "test.com.", "1password.com", "xn--a.de"}) {
    CAPTURE(host);
    CHECK_FALSE(is_internal_host(host));
  }
}

}  // namespace airlock::ecosystem
