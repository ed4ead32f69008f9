#include "ecosystem/go/proxy.hpp"

#include <filesystem>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "ecosystem/upstream_access.hpp"

namespace airlock::ecosystem::go {

using base::Error;
using base::ErrorCode;
using base::Secret;
using base::Url;

namespace {

constexpr std::size_t k_largest_netrc = std::size_t{1024} * 1024;

// The netrc file, where GOAUTH, which is "netrc" where nothing is said, lets the client read it.
std::string read_netrc(const ResolveContext& context, const GoEnv& env) {
  const std::string auth = value_of(env, "GOAUTH");
  bool wanted = auth.empty();
  for (const std::string& one : base::split(auth, ';')) {
    wanted = wanted || base::trim(one) == "netrc";
  }
  const auto variable = [&](const std::string& name) {
    const auto found = context.environment.find(name);
    return found == context.environment.end() ? std::string() : found->second;
  };
  std::filesystem::path file = variable("NETRC");
  if (file.empty() && !variable("HOME").empty()) {
    file = std::filesystem::path(variable("HOME")) / ".netrc";
  }
  if (!wanted || file.empty()) {
    return {};
  }
  return base::read_file_if_exists(file, k_largest_netrc).value_or("");
}

bool is_web_page(const http::Response& response) {
  const std::string type = base::to_lower(response.headers.find("Content-Type").value_or(""));
  const std::string_view start = base::trim(std::string_view(response.body).substr(0, 512));
  return type.starts_with("text/html") || base::starts_with_ignoring_case(start, "<!doctype") ||
         base::starts_with_ignoring_case(start, "<html");
}

}  // namespace

Url below(const Url& base, std::string_view path) {
  std::string text = base.to_string();
  while (text.ends_with('/')) {
    text.pop_back();
  }
  return Url::parse(fmt::format("{}/{}", text, path));
}

Proxy::Proxy(const ResolveContext& context, const GoEnv& env) : m_context(context), m_env(env) {
  const auto upstream = context.manifest.upstreams.find("go");
  if (upstream != context.manifest.upstreams.end()) {
    m_upstream = &upstream->second;
  }
  m_netrc = read_netrc(context, env);
  if (m_upstream != nullptr && !m_upstream->url.empty()) {
    ProxyElement element;
    element.url = Url::parse(m_upstream->url);
    m_elements.push_back(std::move(element));
    return;
  }
  m_elements = parse_proxy_list(value_of(env, "GOPROXY"));
  m_no_proxy = value_of(env, "GONOPROXY");
  if (m_no_proxy.empty()) {
    m_no_proxy = value_of(env, "GOPRIVATE");
  }
  if (m_elements.empty()) {
    throw Error(ErrorCode::config, "nothing says at which Go proxy to ask")
        .with_hint("install the Go client, set GOPROXY, or give the manifest `upstreams: go: { url: … }`");
  }
}

Secret Proxy::authorization(const Url& url) const {
  for (const ProxyElement& element : m_elements) {
    if (!element.authorization.empty() && element.url.origin() == url.origin()) {
      return element.authorization;
    }
  }
  if (m_upstream != nullptr && !m_elements.empty() && m_elements.front().url.origin() == url.origin()) {
    if (Secret given = ecosystem::authorization(*m_upstream, m_context.environment); !given.empty()) {
      return given;
    }
  }
  if (Secret given = access(m_context.manifest, m_context.environment, url).authorization; !given.empty()) {
    return given;
  }
  const Secret login = find_in_netrc(m_netrc, url.host());
  return login.empty() ? Secret() : basic_authorization(login.reveal());
}

std::optional<std::string> Proxy::get_at(const Url& url, std::size_t limit) const {
  http::Request request;
  request.url = access(m_context.manifest, m_context.environment, url).url;
  request.authorization = authorization(url);
  request.body_limit = limit;
  http::Response response = m_context.http.send(request);
  if (response.status == 404 || response.status == 410) {
    return std::nullopt;
  }
  http::expect_status(response, {200}, fmt::format("GET {}", request.url.redacted()));
  if (is_web_page(response)) {
    throw Error(ErrorCode::upstream, fmt::format("{} answered with a web page", request.url.redacted()))
        .with_hint("something between this host and the proxy, such as a sign-in page, answers in its place");
  }
  return std::move(response.body);
}

std::optional<ProxyAnswer> Proxy::find(std::string_view module_path, std::string_view path, std::size_t limit) {
  if (matches_patterns(m_no_proxy, module_path)) {
    throw Error(ErrorCode::unsupported,
                fmt::format("GONOPROXY or GOPRIVATE keeps '{}' from the proxies, and airlock does not read version "
                            "control",
                            module_path))
        .with_hint("serve it from a Go proxy, and name that under `upstreams: go: { url: … }`");
  }
  std::optional<Error> failure;
  for (const ProxyElement& element : m_elements) {
    if (element.is_off) {
      break;
    }
    if (element.is_direct) {
      if (m_elements.size() == 1) {
        throw Error(ErrorCode::unsupported, "GOPROXY is 'direct', and airlock does not read version control")
            .with_hint("name a proxy in GOPROXY, or in the manifest under `upstreams: go: { url: … }`");
      }
      break;
    }
    const Url url = below(element.url, path);
    try {
      if (auto body = get_at(url, limit)) {
        return ProxyAnswer{.body = std::move(*body), .url = url.to_string()};
      }
    } catch (const Error& error) {
      if (!element.any_failure_goes_on || error.code() == ErrorCode::interrupted) {
        throw;
      }
      failure = error;
    }
  }
  if (failure) {
    throw Error(*failure);
  }
  return std::nullopt;
}

ProxyAnswer Proxy::get(const Module& module, std::string_view extension, std::size_t limit) {
  auto answer = find(module.path, file_path(module, extension), limit);
  if (answer) {
    return std::move(*answer);
  }
  const bool skipped = !m_elements.empty() && m_elements.back().is_direct;
  throw Error(ErrorCode::not_found,
              fmt::format("no Go proxy has {}{}", extension == ".mod" ? "" : fmt::format("the {} of ", extension),
                          module.to_string()))
      .with_hint(skipped ? "`direct` in GOPROXY is not followed: airlock does not read version control; a proxy that "
                           "has the module can be named under `upstreams: go: { url: … }`"
                         : "the module or version may be misspelt, or be of a proxy that neither GOPROXY nor "
                           "`upstreams: go: { url: … }` names");
}

}  // namespace airlock::ecosystem::go
