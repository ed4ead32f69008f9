// The server's certificate and what it offers in the handshake.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>

struct ssl_ctx_st;
struct ssl_st;

namespace airlock::http {

struct FreeSsl {
  void operator()(ssl_st* ssl) const;
};
using SslHandle = std::unique_ptr<ssl_st, FreeSsl>;

// TLS 1.2 or newer, ALPN "http/1.1" only, kernel TLS where OpenSSL and the kernel have it. Thread-safe.
class TlsContext {
 public:
  // PEM: the chain, and its key. Throws config, naming the file and OpenSSL's reason.
  TlsContext(std::filesystem::path certificate, std::filesystem::path key);

  // Reads the files again. Throws config, and goes on with the old ones, when the new are bad.
  void reload();
  // For one connection, over `socket`, which stays the caller's. It keeps the certificate that it began with.
  SslHandle make(int socket) const;

 private:
  std::shared_ptr<ssl_ctx_st> load() const;

  std::filesystem::path m_certificate;
  std::filesystem::path m_key;
  mutable std::mutex m_mutex;
  std::shared_ptr<ssl_ctx_st> m_context;  // shared with the threads that are just making a connection's SSL from it
};

}  // namespace airlock::http
