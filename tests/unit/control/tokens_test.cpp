#include "control/tokens.hpp"

#include "control/wire_checks.hpp"
#include "support/catch.hpp"

namespace airlock::control {

TEST_CASE("a token is known by its id and proved by the whole of it", "[tokens]") {
  const NewToken token = make_token(TokenKind::pool);
  CHECK(token.value.reveal().starts_with("airlock_pool_" + token.id));
  CHECK(id_in_token(TokenKind::pool, token.value.reveal()) == token.id);
  CHECK_FALSE(id_in_token(TokenKind::user, token.value.reveal()));
  CHECK_FALSE(id_in_token(TokenKind::pool, token.value.reveal() + "0"));
  CHECK_FALSE(id_in_token(TokenKind::pool, "airlock_pool_' OR 1=1 --"));
  CHECK(token_matches(token.value.reveal(), token.hash));
  std::string other = token.value.reveal();
  other.back() = other.back() == '0' ? '1' : '0';
  CHECK_FALSE(token_matches(other, token.hash));
  CHECK(token.hash.size() == 32);
  CHECK(make_token(TokenKind::pool).value.reveal() != token.value.reveal());
}

TEST_CASE("a token stands behind its scheme", "[tokens]") {
  CHECK(token_of(http::Headers{{"Authorization", "token abc"}})->reveal() == "abc");
  CHECK(token_of(http::Headers{{"authorization", "Bearer  abc "}})->reveal() == "abc");
  CHECK_FALSE(token_of(http::Headers{}));
  CHECK_FALSE(token_of(http::Headers{{"Authorization", "Basic abc"}}));
  CHECK_FALSE(token_of(http::Headers{{"Authorization", "token "}}));
  CHECK_FALSE(token_of(http::Headers{{"Authorization", "token " + std::string(300, 'a')}}));
}

TEST_CASE("ids have the form of a UUID", "[tokens]") {
  const std::string id = make_deployment_id();
  CHECK(is_deployment_id(id));
  CHECK(id[14] == '4');
  CHECK(make_deployment_id() != id);
  CHECK_FALSE(is_deployment_id("../../etc/passwd"));
  CHECK_FALSE(is_deployment_id(id + "0"));
}

}  // namespace airlock::control
