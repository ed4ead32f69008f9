#include "http/server_tls.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <string_view>

#include "base/error.hpp"

namespace airlock::http {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::size_t k_read_ahead = 64 * 1024;  // bytes; several records of an upload in one system call

std::string openssl_reason() {
  std::string reason;
  while (const unsigned long code = ERR_get_error()) {
    std::array<char, 256> text{};
    ERR_error_string_n(code, text.data(), text.size());
    reason += (reason.empty() ? "" : "; ") + std::string(text.data());
  }
  return reason.empty() ? "no reason given" : reason;
}

Error bad_file(std::string_view kind, const std::filesystem::path& path) {
  return Error(ErrorCode::config, fmt::format("{} '{}' cannot be used ({})", kind, path.string(), openssl_reason()));
}

// RFC 7301: one protocol is spoken here; a client that offers others only is told so instead of being left to
// guess.
int select_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned int offered_size, void*) {
  constexpr std::string_view k_http11 = "http/1.1";
  for (unsigned int at = 0; at < offered_size;) {
    const unsigned int size = offered[at];
    if (at + 1 + size > offered_size) {
      break;
    }
    if (std::string_view(reinterpret_cast<const char*>(offered + at + 1), size) == k_http11) {
      *out = offered + at + 1;
      *out_size = static_cast<unsigned char>(size);
      return SSL_TLSEXT_ERR_OK;
    }
    at += 1 + size;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

void FreeSsl::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}

TlsContext::TlsContext(std::filesystem::path certificate, std::filesystem::path key)
    : m_certificate(std::move(certificate)), m_key(std::move(key)), m_context(load()) {}

std::shared_ptr<ssl_ctx_st> TlsContext::load() const {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  ERR_clear_error();
  if (!context) {
    throw Error(ErrorCode::internal, fmt::format("no TLS context ({})", openssl_reason()));
  }
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                         SSL_OP_ENABLE_KTLS);
  // Idle connections give their buffers back; partial writes let the stream look at its deadline in between.
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context.get(), 1);
  SSL_CTX_set_default_read_buffer_len(context.get(), k_read_ahead);
  constexpr std::string_view k_session_context = "airlock";
  SSL_CTX_set_session_id_context(context.get(), reinterpret_cast<const unsigned char*>(k_session_context.data()),
                                 k_session_context.size());
  SSL_CTX_set_alpn_select_cb(context.get(), &select_protocol, nullptr);
  // A key under a passphrase is an error here, not a question on the terminal of a daemon.
  SSL_CTX_set_default_passwd_cb(context.get(), [](char*, int, int, void*) { return 0; });
  if (SSL_CTX_use_certificate_chain_file(context.get(), m_certificate.c_str()) != 1) {
    throw bad_file("TLS certificate", m_certificate);
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), m_key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    throw bad_file("TLS key", m_key);
  }
  return context;
}

void TlsContext::reload() {
  auto fresh = load();
  const std::lock_guard lock(m_mutex);
  m_context = std::move(fresh);
}

SslHandle TlsContext::make(int socket) const {
  std::shared_ptr<SSL_CTX> context;
  {
    const std::lock_guard lock(m_mutex);
    context = m_context;
  }
  SslHandle ssl(SSL_new(context.get()));
  if (!ssl || SSL_set_fd(ssl.get(), socket) != 1) {
    throw Error(ErrorCode::internal, fmt::format("no TLS connection ({})", openssl_reason()));
  }
  return ssl;
}

}  // namespace airlock::http
