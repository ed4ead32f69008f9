#include "agent/job_network_rules.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/job_steps.hpp"
#include "base/error.hpp"
#include "base/ip_address.hpp"
#include "base/text.hpp"

namespace airlock::agent {

namespace {

control::NetworkRule rule_for(const base::Url& url) {
  const bool v6 = url.host().find(':') != std::string::npos;
  return control::NetworkRule::parse(fmt::format("{}:{}", v6 ? "[" + url.host() + "]" : url.host(), url.port()));
}

bool is_local(const control::NetworkRule& rule) {
  const auto address = base::IpAddress::parse(rule.host);
  return rule.host == "localhost" || (address && address->is_loopback());
}

}  // namespace

JobNetworkRules job_network_rules(const AgentConfig& config, const control::Job& job) {
  JobNetworkRules result;
  auto& rules = result.rules;
  const auto has = [&](const control::NetworkRule& rule) { return std::ranges::find(rules, rule) != rules.end(); };
  std::vector<control::NetworkRule> own = {rule_for(config.mirror), rule_for(config.url)};
  own.insert(own.end(), config.networks.begin(), config.networks.end());
  for (const auto& rule : own) {
    if (!has(rule)) {
      rules.push_back(rule);
    }
  }
  result.own = rules;
  std::vector<control::NetworkRule> asked = job.networks;
  if (job.backend_url.starts_with("http://") || job.backend_url.starts_with("https://")) {
    asked.push_back(rule_for(base::Url::parse(job.backend_url)));
  }
  if (job.source && job.source->kind == control::Source::Kind::git) {
    if (const auto server = git_server(job.source->url)) {
      asked.push_back(*server);
    }
  }
  for (const auto& rule : asked) {
    if (has(rule)) {
      continue;
    }
    if (is_local(rule)) {
      throw base::Error(base::ErrorCode::config,
                        fmt::format("the deployment asks for '{}', which is the agent's own host", rule.to_string()))
          .with_hint("its loopback is the agent's to give: add it to 'networks' in the agent's configuration");
    }
    rules.push_back(rule);
  }
  return result;
}

std::string describe(const std::vector<control::NetworkRule>& rules) {
  std::vector<std::string> texts;
  for (const auto& rule : rules) {
    texts.push_back(rule.to_string());
  }
  return base::join(texts, ", ");
}

}  // namespace airlock::agent
