#include "http/client_failure.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include "base/text.hpp"

namespace airlock::http {

namespace {

using Kind = TransferFailure::Kind;
using base::ErrorCode;

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// OpenSSL's reasons when the bytes that came back were not TLS at all.
bool is_not_tls(std::string_view text) {
  return contains(text, "wrong version number") || contains(text, "http request") ||
         contains(text, "packet length too long") || contains(text, "record overflow");
}

TransferFailure tls_verification_failure(std::string_view text, std::string_view host) {
  TransferFailure failure{Kind::permanent, ErrorCode::network, {}, {}};
  failure.cause = fmt::format("the server's certificate was not accepted ({})", text);
  if (contains(text, "subject name") || contains(text, "does not match")) {
    failure.hint = "the certificate is for another name: check the host in the URL";
  } else if (contains(text, "expired") || contains(text, "not yet valid")) {
    failure.hint = "check the clock of this machine and the certificate of the server";
  } else {
    failure.hint =
        fmt::format("if the site has its own CA, give it with upstreams: {{ \"{}\": {{ ca_file: … }} }}", host);
  }
  return failure;
}

}  // namespace

TransferFailure describe_curl_failure(int curl_code, std::string_view text, std::string_view host) {
  const auto code = static_cast<CURLcode>(curl_code);
  const std::string detail = base::printable(text.empty() ? std::string_view(curl_easy_strerror(code)) : text);
  if (contains(text, "CONNECT tunnel failed, response 4")) {
    return {Kind::permanent, ErrorCode::network, fmt::format("the proxy refused ({})", detail),
            "check http_proxy and https_proxy with their user and password, or the host's proxy option"};
  }
  switch (code) {
  case CURLE_COULDNT_RESOLVE_HOST:
    return {Kind::brief, ErrorCode::network, fmt::format("the name of host '{}' is not resolved", host),
            "check the name, and that this machine is the one with access; behind a proxy set https_proxy"};
  case CURLE_COULDNT_RESOLVE_PROXY:
    return {Kind::brief, ErrorCode::network, fmt::format("the name of the proxy is not resolved ({})", detail),
            "check http_proxy and https_proxy, or the host's proxy option"};
  case CURLE_COULDNT_CONNECT:
    return {Kind::transient, ErrorCode::network, fmt::format("no connection ({})", detail),
            "check host and port, and whether a proxy is needed (https_proxy)"};
  case CURLE_OPERATION_TIMEDOUT:
    return {Kind::transient, ErrorCode::network, fmt::format("it took too long ({})", detail), {}};
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_ISSUER_ERROR:
    return tls_verification_failure(detail, host);
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_ENGINE_NOTFOUND:
    return {Kind::permanent, ErrorCode::config, fmt::format("certificate or key cannot be used ({})", detail),
            "check ca_file, client_cert and client_key of this host"};
  case CURLE_SSL_CONNECT_ERROR:
    if (is_not_tls(text)) {
      return {
          Kind::permanent, ErrorCode::network, fmt::format("'{}' does not answer in TLS", host),
          fmt::format("if the server speaks plain HTTP, say so with upstreams: {{ \"{}\": {{ plain_http: true }} }}",
                      host)};
    }
    return {Kind::transient, ErrorCode::network, fmt::format("the TLS handshake failed ({})", detail), {}};
  case CURLE_UNSUPPORTED_PROTOCOL:
  case CURLE_WEIRD_SERVER_REPLY:
    return {Kind::permanent, ErrorCode::upstream, fmt::format("the answer is not HTTP ({})", detail),
            "if the server speaks TLS, use an https URL or drop plain_http for this host"};
  case CURLE_GOT_NOTHING:
    return {Kind::transient, ErrorCode::network, "the server closed the connection without an answer", {}};
  case CURLE_PARTIAL_FILE:
    return {Kind::transient, ErrorCode::network, fmt::format("the answer was cut short ({})", detail), {}};
  case CURLE_SEND_ERROR:
  case CURLE_RECV_ERROR:
  case CURLE_SEND_FAIL_REWIND:
    return {Kind::transient, ErrorCode::network, fmt::format("the connection broke ({})", detail), {}};
  case CURLE_OUT_OF_MEMORY:
    return {Kind::permanent, ErrorCode::internal, detail, {}};
  default:
    return {Kind::permanent, ErrorCode::network, detail, {}};
  }
}

}  // namespace airlock::http
