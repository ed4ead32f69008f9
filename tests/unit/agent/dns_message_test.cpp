#include "agent/dns_message.hpp"
#include "support/catch.hpp"

namespace airlock::agent {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes query(std::string_view labels, std::uint8_t type = 1) {
  Bytes bytes = {0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0};
  bytes.insert(bytes.end(), labels.begin(), labels.end());
  const Bytes end = {0, 0, type, 0, 1};
  bytes.insert(bytes.end(), end.begin(), end.end());
  return bytes;
}

TEST_CASE("a question is read, its name in one spelling", "[agent][dns]") {
  const auto question = parse_dns_query(query("\x02"
                                              "Db\x04SITE\x07"
                                              "example"));
  REQUIRE(question);
  CHECK(question->name == "db.site.example");
  CHECK(question->type == DnsQuestion::k_a);
  const auto odd = parse_dns_query(query("\x03"
                                         "a.b\x02\x01\\"));
  REQUIRE(odd);
  CHECK(odd->name == "a\\046b.\\001\\092");
}

TEST_CASE("what is no lone question is not read", "[agent][dns]") {
  const auto good = query("\x02"
                          "ab");
  for (std::size_t length = 0; length < good.size(); ++length) {
    CHECK_FALSE(parse_dns_query(std::span(good).first(length)));
  }
  auto answer = good;
  answer[2] |= 0x80;
  CHECK_FALSE(parse_dns_query(answer));
  auto two = good;
  two[5] = 2;
  CHECK_FALSE(parse_dns_query(two));
  CHECK_FALSE(parse_dns_query(query("\xc0\x0c")));  // a pointer to itself
  std::string endless;
  for (int i = 0; i < 10; ++i) {
    endless += "\x3f" + std::string(63, 'x');
  }
  CHECK_FALSE(parse_dns_query(query(endless)));
}

TEST_CASE("answers carry the addresses of the asked kind", "[agent][dns]") {
  const auto question = *parse_dns_query(query("\x02"
                                               "ab"));
  const auto answer = dns_answer(question, {*base::IpAddress::parse("10.0.0.1"), *base::IpAddress::parse("fd00::1")});
  CHECK(answer[7] == 1);
  CHECK(Bytes(answer.end() - 4, answer.end()) == Bytes{10, 0, 0, 1});
  CHECK((dns_no_such_name(question)[3] & 0x0f) == 3);
  CHECK((dns_failure(question)[3] & 0x0f) == 2);
  std::vector<base::IpAddress> many(200, *base::IpAddress::parse("10.0.0.1"));
  CHECK(dns_answer(question, many).size() <= 512);
}

}  // namespace
}  // namespace airlock::agent
