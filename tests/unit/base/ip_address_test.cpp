#include "base/ip_address.hpp"

#include "support/catch.hpp"

namespace airlock::base {

TEST_CASE("ranges and internal addresses", "[base][address]") {
  const auto address = *IpAddress::parse("10.1.2.3");
  CHECK(address.in(*IpAddress::parse("10.1.0.0"), 16));
  CHECK(address.in(*IpAddress::parse("10.1.2.2"), 31));
  CHECK_FALSE(address.in(*IpAddress::parse("10.1.2.2"), 32));
  CHECK(address.in(*IpAddress::parse("0.0.0.0"), 0));
  CHECK_FALSE(address.in(*IpAddress::parse("::"), 0));
  CHECK(IpAddress::parse("::ffff:10.0.0.1")->unmapped().to_string() == "10.0.0.1");
  CHECK(address.is_internal());
  CHECK_FALSE(IpAddress::parse("8.8.8.8")->is_internal());
  CHECK_FALSE(IpAddress::parse("2001:4860::8888")->is_internal());
  CHECK_FALSE(IpAddress::parse("10.0.0.1/8"));
}

TEST_CASE("an address is read whole or not at all", "[base][address]") {
  CHECK_FALSE(IpAddress::parse("127.0.0.1")->is_v6());
  CHECK(IpAddress::parse("::1")->is_v6());
  for (const std::string_view text : {std::string_view(""), std::string_view("127.0.0"), std::string_view("[::1]"),
                                      std::string_view("fe80::1%eth0"), std::string_view("127.0.0.1\0x", 11)}) {
    CHECK_FALSE(IpAddress::parse(text));
  }
}

TEST_CASE("an address goes into a socket's and comes back, with its port", "[base][address]") {
  for (const char* text : {"192.0.2.7", "2001:db8::7"}) {
    sockaddr_storage storage;
    IpAddress::parse(text)->to_socket(8480, storage);
    CHECK(port_of(storage) == 8480);
    CHECK(IpAddress::from_socket(reinterpret_cast<const sockaddr*>(&storage)) == IpAddress::parse(text));
  }
}

TEST_CASE("an address written out is its own name", "[base][address]") {
  const auto found = addresses_of("127.0.0.1");
  REQUIRE_FALSE(found.empty());
  CHECK(found.front().to_string() == "127.0.0.1");
}

}  // namespace airlock::base
