#include "agent/job_network_rules.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/job_steps.hpp"
#include "base/text.hpp"

namespace airlock::agent {

namespace {

control::NetworkRule rule_for(const base::Url& url) {
  const bool v6 = url.host().find(':') != std::string::npos;
  return control::NetworkRule::parse(fmt::format("{}:{}", v6 ? "[" + url.host() + "]" : url.host(), url.port()));
}

}  // namespace

std::vector<control::NetworkRule> job_network_rules(const AgentConfig& config, const control::Job& job) {
  std::vector<control::NetworkRule> rules;
  const auto add = [&](const control::NetworkRule& rule) {
    if (std::ranges::find(rules, rule) == rules.end()) {
      rules.push_back(rule);
    }
  };
  add(rule_for(config.mirror));
  if (job.backend_url.starts_with("http://") || job.backend_url.starts_with("https://")) {
    add(rule_for(base::Url::parse(job.backend_url)));
  }
  if (job.source && job.source->kind == control::Source::Kind::git) {
    if (const auto server = git_server(job.source->url)) {
      add(*server);
    }
  }
  for (const auto* const list : {&config.networks, &job.networks}) {
    for (const auto& rule : *list) {
      add(rule);
    }
  }
  return rules;
}

std::string describe(const std::vector<control::NetworkRule>& rules) {
  std::vector<std::string> texts;
  for (const auto& rule : rules) {
    texts.push_back(rule.to_string());
  }
  return base::join(texts, ", ");
}

}  // namespace airlock::agent
