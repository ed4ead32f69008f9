#include "agent/agent_check.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <optional>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/ip_address.hpp"
#include "base/text.hpp"
#include "http/client.hpp"

namespace airlock::agent {

namespace {

using Verdict = CheckResult::Verdict;

// Beyond it certificates and short-lived tokens begin to fail.
constexpr std::int64_t k_most_skew = 60;
constexpr std::uint64_t k_job_space = std::uint64_t{2} << 30;

CheckResult check_name(const std::string& what, const std::string& host, const std::string& setting) {
  const auto addresses = base::addresses_of(host);
  if (addresses.empty()) {
    return {Verdict::bad, what, fmt::format("the name {} leads to no address", host),
            fmt::format("it comes from '{}'", setting)};
  }
  for (const auto& address : addresses) {
    if (!address.unmapped().is_internal()) {
      return {Verdict::bad, what,
              fmt::format("{} leads to {}, which is an address of the Internet", host, address.to_string()),
              fmt::format("it comes from '{}'; jobs would be let out to it", setting)};
    }
  }
  return {Verdict::good, what, fmt::format("{} leads to {}", host, addresses.front().to_string()), ""};
}

http::ClientOptions direct_client(const AgentConfig& config) {
  http::ClientOptions options;
  options.ca_file = config.ca_file;
  options.retries = 0;
  options.connect_timeout = std::chrono::seconds(10);
  options.hosts[config.url.host()].proxy = "direct";
  options.hosts[config.mirror.host()].proxy = "direct";
  return options;
}

// The seconds of a Date header (RFC 9110, 5.6.7: IMF-fixdate).
std::optional<std::int64_t> parse_http_date(const std::string& text) {
  std::tm time = {};
  const char* const end = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &time);
  return end != nullptr && *end == '\0' ? std::optional<std::int64_t>(timegm(&time)) : std::nullopt;
}

CheckResult check_clock(const http::Response& response, const base::Clock& clock) {
  const auto date = response.headers.find("Date");
  const auto server = date ? parse_http_date(std::string(*date)) : std::nullopt;
  if (!server) {
    return {Verdict::weak, "clock", "the control plane does not say what time it is", ""};
  }
  const auto skew = clock.now().time_since_epoch().count() - *server;
  if (std::abs(skew) > k_most_skew) {
    return {
        Verdict::bad, "clock",
        fmt::format("this host's clock is {} s {} the control plane's", std::abs(skew), skew > 0 ? "before" : "behind"),
        "certificates and tokens fail with a wrong clock; set it"};
  }
  return {Verdict::good, "clock", fmt::format("{} s from the control plane's", skew), ""};
}

void check_server(const AgentConfig& config, const base::Clock& clock, std::vector<CheckResult>& results) {
  http::Client client(direct_client(config));
  http::Request request;
  request.url = config.url.resolve("/healthz");
  request.retry = false;
  try {
    const auto response = client.send(request);
    const bool tls = config.url.scheme() == "https";
    results.push_back({response.status == 200 ? Verdict::good : Verdict::bad, "control plane",
                       fmt::format("{} answered {}", request.url.to_string(), response.status), ""});
    const bool local =
        base::IpAddress::parse(config.url.host()) && base::IpAddress::parse(config.url.host())->is_loopback();
    results.push_back(tls ? CheckResult{Verdict::good, "tls", "its certificate is trusted", ""}
                      : local
                          ? CheckResult{Verdict::good, "tls", "none, and none is needed on loopback", ""}
                          : CheckResult{Verdict::weak, "tls", "tokens and secrets of jobs cross the network in plain",
                                        "serve with --tls-self-signed or a certificate, and use https in 'url'"});
    results.push_back(check_clock(response, clock));
  } catch (const base::Error& error) {
    results.push_back({Verdict::bad, "control plane", error.message(),
                       error.hint().empty() ? "see 'url' and 'ca_file'" : error.hint()});
  }
  request.url = config.mirror.resolve("/setup/");
  try {
    const auto response = client.send(request);
    results.push_back({response.status == 200 ? Verdict::good : Verdict::bad, "mirror",
                       fmt::format("{} answered {}", request.url.to_string(), response.status),
                       response.status == 200 ? "" : "see 'mirror': it is the address of `airlock serve`"});
  } catch (const base::Error& error) {
    results.push_back({Verdict::bad, "mirror", error.message(), error.hint()});
  }
}

CheckResult check_space(const AgentConfig& config) {
  base::make_directories(config.jobs, 0711);
  base::make_directories(config.directory, 0711);
  auto folder = config.jobs;
  auto space = base::space_info(folder);
  if (const auto spool = base::space_info(config.directory); spool.free_bytes < space.free_bytes) {
    folder = config.directory;
    space = spool;
  }
  const auto text = fmt::format("{} free in {}", base::format_bytes(space.free_bytes), folder.string());
  if (space.free_bytes < config.free_space) {
    return {Verdict::bad, "disk", text, fmt::format("'free_space' wants {}", base::format_bytes(config.free_space))};
  }
  return {space.free_bytes < k_job_space ? Verdict::weak : Verdict::good, "disk", text, ""};
}

void check_networks(const AgentConfig& config, std::vector<CheckResult>& results) {
  for (const auto& rule : config.networks) {
    const auto what = "networks";
    const auto address = base::IpAddress::parse(rule.host);
    if (!address) {
      results.push_back(check_name(what, rule.host, "networks"));
    } else if (!address->is_internal() || rule.prefix.value_or(128) == 0) {
      results.push_back({Verdict::bad, what, fmt::format("'{}' lets jobs out to the Internet", rule.to_string()),
                         "take it out of 'networks', or name a range of the site's own"});
    } else {
      results.push_back({Verdict::good, what, fmt::format("jobs may reach {}", rule.to_string()), ""});
    }
  }
}

// Variables of the host that would point a job elsewhere, were they forwarded.
void check_forwarded(const AgentConfig& config, std::vector<CheckResult>& results) {
  constexpr std::array k_pointers = {"PROXY",       "REGISTRY",   "INDEX_URL",   "GOPROXY",
                                     "DOCKER_HOST", "PULUMI_API", "DOWNLOAD_URL"};
  for (const auto& name : config.env_forward_allowlist) {
    std::string upper = name;
    for (auto& c : upper) {
      c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    for (const std::string_view pointer : k_pointers) {
      if (upper.find(pointer) != std::string::npos) {
        results.push_back({Verdict::bad, "environment",
                           fmt::format("'{}' is forwarded to jobs, and points their clients elsewhere", name),
                           "take it out of 'env_forward_allowlist'; the agent sets what clients need"});
        break;
      }
    }
  }
}

}  // namespace

std::vector<CheckResult> check_agent(const AgentConfig& config, const base::Clock& clock) {
  std::vector<CheckResult> results;
  results.push_back(check_name("url", config.url.host(), "url"));
  if (config.mirror.host() != config.url.host()) {
    results.push_back(check_name("mirror name", config.mirror.host(), "mirror"));
  }
  check_server(config, clock, results);
  check_networks(config, results);
  check_forwarded(config, results);
  results.push_back(check_space(config));
  for (auto& each : check_executors(config)) {
    results.push_back(std::move(each));
  }
  return results;
}

}  // namespace airlock::agent
