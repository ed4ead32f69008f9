// Who may call: users of the API, and the agents of a pool.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.hpp"
#include "control/core.hpp"
#include "control/tokens.hpp"
#include "http/server.hpp"

namespace airlock::control {

struct Caller {
  std::string token_id;
  std::string name;
};

inline constexpr std::size_t k_tokens_of_a_pool = 2;  // live at once, so that one can be replaced without a pause

class Access {
 public:
  explicit Access(Core& core) : m_core(core) {}

  // Throws auth where the request has no token, or none that lives.
  Caller user(const http::ServerRequest& request);
  // The lock must be held.
  TokenRecord pool_token(const base::Secret& token);

  NewToken add_user_token(std::string_view name);
  // Throws conflict where the pool has two already, not_found without such a pool.
  NewToken add_pool_token(std::string_view pool);
  // Also ends polls that were held for it. False: there was none.
  bool revoke_pool_token(std::string_view pool, std::string_view id);
  // Makes `file` hold a token that lives: the one in it, or a new one.
  void ensure_admin_token(const std::filesystem::path& file);

 private:
  NewToken add_user_token_locked(std::string_view name);

  Core& m_core;
};

}  // namespace airlock::control
