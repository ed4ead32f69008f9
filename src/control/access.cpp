#include "control/access.hpp"

#include <chrono>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"

namespace airlock::control {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::string_view k_local_user = "local";
constexpr std::chrono::seconds k_note_use_every{60};

[[noreturn]] void refuse_token(std::string_view what) {
  throw Error(ErrorCode::auth, std::string(what));
}

bool noted_lately(const TokenRecord& token, base::Time now) {
  return token.last_used && now - *token.last_used < k_note_use_every && now >= *token.last_used;
}

}  // namespace

Caller Access::user(const http::ServerRequest& request) {
  const auto token = token_of(request.headers);
  const auto id = token ? id_in_token(TokenKind::user, token->reveal()) : std::nullopt;
  if (!id) {
    refuse_token("a user's token is needed: Authorization: token …");
  }
  const std::lock_guard lock(m_core.mutex);
  const auto known = m_core.records.user_token(*id);
  if (!known || !token_matches(token->reveal(), known->hash)) {
    refuse_token("the token is not known, or was revoked");
  }
  if (const auto now = m_core.now(); !noted_lately(*known, now)) {
    m_core.note([&] { m_core.records.user_token_used(*id, now); });
  }
  return {*id, known->owner};
}

TokenRecord Access::pool_token(const base::Secret& token) {
  const auto id = id_in_token(TokenKind::pool, token.reveal());
  const auto known = id ? m_core.records.pool_token(*id) : std::nullopt;
  if (!known || !token_matches(token.reveal(), known->hash)) {
    refuse_token("the pool's token is not known, or was revoked");
  }
  return *known;
}

NewToken Access::add_user_token_locked(std::string_view name) {
  NewToken token = make_token(TokenKind::user);
  m_core.records.add_user_token({token.id, std::string(name), token.hash, m_core.now(), std::nullopt});
  return token;
}

NewToken Access::add_user_token(std::string_view name) {
  if (!is_name(name)) {
    throw Error(ErrorCode::malformed, "a token's name has letters, digits, '-', '_' and '.' only");
  }
  const std::lock_guard lock(m_core.mutex);
  return add_user_token_locked(name);
}

NewToken Access::add_pool_token(std::string_view pool) {
  const std::lock_guard lock(m_core.mutex);
  base::Transaction transaction = m_core.records.change();
  if (!m_core.records.pool(pool)) {
    throw Error(ErrorCode::not_found, "there is no such pool");
  }
  if (m_core.records.pool_tokens(pool).size() >= k_tokens_of_a_pool) {
    throw Error(ErrorCode::conflict,
                fmt::format("the pool has {} live tokens already; revoke one that no agent uses", k_tokens_of_a_pool));
  }
  NewToken token = make_token(TokenKind::pool);
  m_core.records.add_pool_token({token.id, std::string(pool), token.hash, m_core.now(), std::nullopt});
  transaction.commit();
  return token;
}

bool Access::revoke_pool_token(std::string_view pool, std::string_view id) {
  const std::lock_guard lock(m_core.mutex);
  const bool removed = m_core.records.remove_pool_token(pool, id);
  m_core.ring_for_work();
  return removed;
}

void Access::ensure_admin_token(const std::filesystem::path& file) {
  const std::lock_guard lock(m_core.mutex);
  if (const auto text = base::read_file_if_exists(file, 4096)) {
    const std::string token(base::trim(*text));
    const auto id = id_in_token(TokenKind::user, token);
    const auto known = id ? m_core.records.user_token(*id) : std::nullopt;
    if (known && token_matches(token, known->hash)) {
      return;
    }
  }
  base::Transaction transaction = m_core.records.change();
  for (const TokenRecord& old : m_core.records.user_tokens()) {
    if (old.owner == k_local_user) {
      m_core.records.remove_user_token(old.id);
    }
  }
  const NewToken token = add_user_token_locked(k_local_user);
  base::write_file_atomic(file, token.value.reveal() + "\n", 0600);
  transaction.commit();
}

}  // namespace airlock::control
