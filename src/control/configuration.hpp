// A deployment's configuration (docs/formats/deployments-api.md): what a stack's
// settings and a request to deploy have in common, and how the two become a job.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "control/vault.hpp"
#include "control/wire.hpp"

namespace airlock::control {

// `json` with every secret value in it closed: {"secret": x}, {"isSecret": true, "value": x}, and credentials that came
// as plain text. What is closed already is opened once, so that a foreign ciphertext is refused here. Throws malformed.
base::Json with_closed_secrets(base::Json json, const Vault& vault, const StackName& stack);

// RFC 7396 on documents whose secrets are closed: null deletes, objects merge, everything else replaces.
base::Json merged(base::Json document, const base::Json& patch);

// The job that a document with closed secrets describes; opens them. Throws malformed naming what is wrong, and
// unsupported for what other services do and this one does not (OIDC, templates, Mercurial).
Job job_of(const base::Json& document, const StackName& stack, Operation operation, const Vault& vault);
// The same checks for settings, which have no operation.
void check_settings(const base::Json& document, const StackName& stack, const Vault& vault);

// "1h30m", "90s", "1h0m0s" (Go), or a plain number of seconds; throws malformed.
std::chrono::seconds parse_go_duration(std::string_view text);

struct ShownVariable {
  std::string name;
  std::string value;  // "" for a secret
  bool secret = false;
};
std::vector<ShownVariable> shown_environment(const base::Json& document);

}  // namespace airlock::control
