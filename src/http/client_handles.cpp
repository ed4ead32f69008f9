#include "http/client_handles.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/files.hpp"

namespace airlock::http {

namespace {

constexpr long k_receive_buffer = 512 * 1024;  // bytes; the most that libcurl allows
constexpr long k_smallest_buffer = 16 * 1024;
constexpr long k_send_buffer = 512 * 1024;
constexpr std::size_t k_certificate_file_limit = 16 * 1024 * 1024;  // bytes

template <typename Value>
void set(void* easy, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(easy, option, value);
  if (code != CURLE_OK) {
    throw base::Error(base::ErrorCode::unsupported, fmt::format("this libcurl refuses option {}: {}",
                                                                static_cast<int>(option), curl_easy_strerror(code)));
  }
}

// The user's certificates join those of the system instead of replacing them, which libcurl cannot do by
// itself.
CURLcode add_certificates(CURL*, void* context, void* user) {
  const auto& certificates = *static_cast<const Certificates*>(user);
  X509_STORE* store = SSL_CTX_get_cert_store(static_cast<SSL_CTX*>(context));
  for (const auto& certificate : certificates) {
    if (X509_STORE_add_cert(store, certificate.get()) != 1) {
      return CURLE_SSL_CACERT_BADFILE;
    }
  }
  ERR_clear_error();
  return CURLE_OK;
}

HostOptions host_options(const ClientOptions& options, const base::Url& url) {
  const auto with_port = options.hosts.find(fmt::format("{}:{}", url.host(), url.port()));
  if (with_port != options.hosts.end()) {
    return with_port->second;
  }
  const auto without = options.hosts.find(url.host());
  return without != options.hosts.end() ? without->second : HostOptions{};
}

}  // namespace

void FreeEasy::operator()(void* easy) const {
  curl_easy_cleanup(easy);
}

void FreeX509::operator()(x509_st* certificate) const {
  X509_free(certificate);
}

Certificates read_certificates(const std::filesystem::path& path) {
  const auto text = base::read_file_if_exists(path, k_certificate_file_limit);
  if (!text) {
    throw base::Error(base::ErrorCode::config, fmt::format("CA file '{}' does not exist", path.string()));
  }
  const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())),
                                                &BIO_free);
  Certificates certificates;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(certificate);
  }
  ERR_clear_error();  // the end of the file counts as an error there
  if (certificates.empty()) {
    throw base::Error(base::ErrorCode::config,
                      fmt::format("CA file '{}' holds no certificate in PEM form", path.string()));
  }
  return certificates;
}

Origin::Origin(const ClientOptions& options, const base::Url& url)
    : m_options(options), m_host(host_options(options, url)),
      m_gate(options.initial_transfers_per_host, options.max_transfers_per_host) {
  for (const auto& path : {options.ca_file, m_host.ca_file}) {
    if (!path.empty() && url.scheme() == "https") {
      std::ranges::move(read_certificates(path), std::back_inserter(m_certificates));
    }
  }
}

EasyHandle Origin::take() {
  EasyHandle handle;
  {
    const std::lock_guard lock(m_mutex);
    if (!m_idle.empty()) {
      handle = std::move(m_idle.back());
      m_idle.pop_back();
    }
  }
  if (!handle) {
    handle.reset(curl_easy_init());
    if (!handle) {
      throw base::Error(base::ErrorCode::internal, "libcurl gave no handle");
    }
  }
  configure(handle.get());
  return handle;
}

void Origin::give_back(EasyHandle handle) {
  curl_easy_reset(handle.get());  // forgets the request, keeps the connections
  const std::lock_guard lock(m_mutex);
  if (m_idle.size() < static_cast<std::size_t>(std::max(m_options.max_transfers_per_host, 1))) {
    m_idle.push_back(std::move(handle));
  }
}

void Origin::configure(void* easy) const {
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy, CURLOPT_PATH_AS_IS, 1L);
  // One transfer a connection is faster for large bodies than streams that share one, and simpler to limit.
  set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
  set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::chrono::milliseconds(m_options.connect_timeout).count()));
  set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  long buffer = k_receive_buffer;
  if (m_options.rate_limit != 0) {  // small pieces, or a slow limit would come in bursts
    buffer = std::clamp(static_cast<long>(std::min<std::uint64_t>(m_options.rate_limit / 8, k_receive_buffer)),
                        k_smallest_buffer, k_receive_buffer);
  }
  set(easy, CURLOPT_BUFFERSIZE, buffer);
  set(easy, CURLOPT_UPLOAD_BUFFERSIZE, k_send_buffer);

  set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));  // or newer
  if (!m_host.client_cert.empty()) {
    set(easy, CURLOPT_SSLCERT, m_host.client_cert.c_str());
    if (!m_host.client_key.empty()) {
      set(easy, CURLOPT_SSLKEY, m_host.client_key.c_str());
    }
  }
  if (m_host.insecure_tls) {
    set(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    set(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (!m_certificates.empty()) {
    set(easy, CURLOPT_SSL_CTX_FUNCTION, &add_certificates);
    set(easy, CURLOPT_SSL_CTX_DATA, const_cast<Certificates*>(&m_certificates));
  }
  if (!m_host.unix_socket.empty()) {
    set(easy, CURLOPT_UNIX_SOCKET_PATH, m_host.unix_socket.c_str());
  }
  if (m_host.proxy == "direct" || !m_host.unix_socket.empty()) {
    set(easy, CURLOPT_PROXY, "");
  } else if (!m_host.proxy.empty()) {
    set(easy, CURLOPT_PROXY, m_host.proxy.c_str());
    set(easy, CURLOPT_NOPROXY, "");  // the user's word for this host is stronger than no_proxy
  }
}

Origin& Origins::at(const base::Url& url) {
  const std::lock_guard lock(m_mutex);
  auto& origin = m_origins[url.origin()];
  if (!origin) {
    origin = std::make_unique<Origin>(m_options, url);
  }
  return *origin;
}

}  // namespace airlock::http
