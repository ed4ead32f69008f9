// libcurl easy handles, kept per origin so that their connections are used again, and set up as the host's
// options say. The only place that knows certificates, proxies and protocol versions of the client side.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/url.hpp"
#include "http/client.hpp"
#include "http/client_gate.hpp"

struct x509_st;

namespace airlock::http {

struct FreeEasy {
  void operator()(void* easy) const;
};
using EasyHandle = std::unique_ptr<void, FreeEasy>;  // a CURL*, which C++ sees as void*

struct FreeX509 {
  void operator()(x509_st* certificate) const;
};
using Certificates = std::vector<std::unique_ptr<x509_st, FreeX509>>;

// PEM; throws config, naming the file, when it is not there or holds none.
Certificates read_certificates(const std::filesystem::path& path);

// One scheme, host and port: its limit, its options and its idle handles. Thread-safe.
class Origin {
 public:
  Origin(const ClientOptions& options, const base::Url& url);

  Gate& gate() { return m_gate; }
  const Gate& gate() const { return m_gate; }
  const HostOptions& options() const { return m_host; }

  // A handle with every option set that does not depend on the request.
  EasyHandle take();
  void give_back(EasyHandle handle);

 private:
  void configure(void* easy) const;

  const ClientOptions& m_options;
  HostOptions m_host;
  Certificates m_certificates;
  Gate m_gate;
  std::mutex m_mutex;
  std::vector<EasyHandle> m_idle;
};

// All origins of a client. Thread-safe.
class Origins {
 public:
  explicit Origins(const ClientOptions& options) : m_options(options) {}
  Origin& at(const base::Url& url);  // throws config where the host's files are bad

 private:
  const ClientOptions& m_options;
  std::mutex m_mutex;
  std::map<std::string, std::unique_ptr<Origin>> m_origins;
};

}  // namespace airlock::http
