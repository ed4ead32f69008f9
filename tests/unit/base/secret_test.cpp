#include "base/secret.hpp"

#include <set>

#include "support/catch.hpp"

using namespace airlock::base;

TEST_CASE("a secret gives its value only where it is asked to reveal it", "[base][secret]") {
  const Secret secret("hunter2");
  CHECK_FALSE(secret.empty());
  CHECK(secret.reveal() == "hunter2");
  CHECK(Secret().empty());
}

TEST_CASE("a secret copies and moves as a value does", "[base][secret]") {
  Secret a(std::string(100, 'a'));
  Secret b("b");
  b = a;
  CHECK(b.reveal() == a.reveal());
  Secret c;
  c = std::move(b);
  CHECK(c.reveal() == std::string(100, 'a'));
  CHECK(b.empty());
  const Secret& alias = c;
  c = alias;
  CHECK(c.reveal().size() == 100);
}

TEST_CASE("a short secret leaves nothing behind where it was moved from", "[base][secret]") {
  Secret a("short");
  const char* const place = a.reveal().data();
  Secret b;
  b = std::move(a);
  CHECK(b.reveal() == "short");
  CHECK(std::string_view(place, 5).find_first_not_of('\0') == std::string_view::npos);
}

TEST_CASE("comparison in constant time still compares", "[base][secret]") {
  CHECK(constant_time_equal("", ""));
  CHECK(constant_time_equal("abc", "abc"));
  CHECK_FALSE(constant_time_equal("abc", "abd"));
  CHECK_FALSE(constant_time_equal("abc", "abcd"));
  CHECK_FALSE(constant_time_equal("", "a"));
}

TEST_CASE("random bytes have the asked length and do not repeat", "[base][secret]") {
  CHECK(random_bytes(0).empty());
  CHECK(random_bytes(3'000'000).size() == 3'000'000);
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    CHECK(seen.insert(random_bytes(16)).second);
  }
}
