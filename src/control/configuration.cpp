#include "control/configuration.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "control/json_fields.hpp"
#include "control/wire_checks.hpp"

namespace airlock::control {

using base::Error;
using base::ErrorCode;
using base::Json;

namespace {

constexpr std::uint64_t k_longest_deployment = 30 * 24 * 3600;  // seconds
constexpr std::size_t k_cipher_limit = 2 * limits::k_value;     // bytes of a ciphertext

// Members that are credentials wherever they stand, also as plain text.
constexpr std::array<std::string_view, 4> k_credentials{"password", "accessToken", "sshPrivateKey", "userName"};

constexpr std::string_view k_variables = "environmentVariables";

bool is_credential(std::string_view key) {
  return std::find(k_credentials.begin(), k_credentials.end(), key) != k_credentials.end();
}

Json closed(const std::string& plain, const Vault& vault, const std::string& owner) {
  if (plain.size() > limits::k_value) {
    throw Error(ErrorCode::malformed, fmt::format("a secret value is longer than {} bytes", limits::k_value));
  }
  return {{"ciphertext", vault.close(base::Secret(plain), owner)}};
}

void close_in(Json& value, const Vault& vault, const std::string& owner, bool credential) {
  if (value.is_array()) {
    for (Json& each : value) {
      close_in(each, vault, owner, false);
    }
    return;
  }
  if (credential && value.is_string()) {
    value = closed(value.get<std::string>(), vault, owner);
    return;
  }
  if (!value.is_object()) {
    return;
  }
  if (const auto secret = value.find("secret"); secret != value.end() && secret->is_string()) {
    value = closed(secret->get<std::string>(), vault, owner);
    return;
  }
  if (const auto flag = value.find("isSecret"); flag != value.end() && flag->is_boolean()) {
    const auto text = value.find("value");
    if (text == value.end() || !text->is_string()) {
      throw Error(ErrorCode::malformed, "a value with 'isSecret' has no text as 'value'");
    }
    const auto plain = text->get<std::string>();
    value = flag->get<bool>() || credential ? closed(plain, vault, owner) : Json(plain);
    return;
  }
  if (const auto ciphertext = value.find("ciphertext"); ciphertext != value.end() && ciphertext->is_string()) {
    const auto text = ciphertext->get<std::string>();
    vault.open(text, owner);
    value = {{"ciphertext", text}};
    return;
  }
  for (auto& [key, member] : value.items()) {
    if (key == k_variables && member.is_object()) {
      // Its members' names are people's own, also where they are "secret" or "ciphertext".
      for (auto& [name, variable] : member.items()) {
        close_in(variable, vault, owner, is_credential(name));
      }
    } else {
      close_in(member, vault, owner, is_credential(key));
    }
  }
}

class JobReader {
 public:
  JobReader(const StackName& stack, const Vault& vault) : m_owner(stack.to_string()), m_vault(vault) {
    m_job.stack = stack;
  }

  Job read(const Json& document) {
    const JsonFields fields(document, "the configuration of a deployment");
    if (const Json* source = fields.object("sourceContext")) {
      read_source(*source);
    }
    if (const Json* context = fields.object("operationContext")) {
      read_operation(*context);
    }
    if (const Json* context = fields.object("executorContext")) {
      read_executor(*context);
    }
    if (const Json* own = fields.object("airlock")) {
      read_own(*own);
    }
    fields.text_or("agentPoolID", limits::k_name, "");
    return std::move(m_job);
  }

 private:
  // A plain text, or a ciphertext made here.
  base::Secret secret(const Json& value, std::string_view what, std::size_t limit) const {
    if (value.is_object()) {
      const JsonFields fields(value, what);
      return m_vault.open(fields.text("ciphertext", k_cipher_limit), m_owner);
    }
    return base::Secret(checked_text(value, what, limit, Characters::any));
  }
  base::Secret secret_member(const Json& object, const char* key, std::string_view what) const {
    const auto found = object.find(key);
    return found == object.end() || found->is_null() ? base::Secret() : secret(*found, what, limits::k_value);
  }

  void read_source(const Json& json) {
    const JsonFields fields(json, "'sourceContext'");
    for (const auto* key : {"hg", "template"}) {
      if (fields.has(key)) {
        throw Error(ErrorCode::unsupported, fmt::format("a source of the kind '{}' cannot be deployed here", key))
            .with_hint("take 'git', or airlock's own 'archive' or 'mirror'");
      }
    }
    const Json* git = fields.object("git");
    const Json* archive = fields.object("archive");
    const Json* mirror = fields.object("mirror");
    if ((git != nullptr) + (archive != nullptr) + (mirror != nullptr) > 1) {
      fields.fail("'git', 'archive' and 'mirror' exclude each other");
    }
    if (git != nullptr) {
      read_git(*git);
    } else if (archive != nullptr) {
      const JsonFields about(*archive, "'archive'");
      Source source;
      source.kind = Source::Kind::upload;
      source.sha256 = about.text("sha256", 64);
      source.directory = about.text_or("directory", limits::k_text, "");
      m_job.source = std::move(source);
    } else if (mirror != nullptr) {
      const JsonFields about(*mirror, "'mirror'");
      Source source;
      source.kind = Source::Kind::mirror;
      source.path = about.text("path", limits::k_text);
      source.sha256 = about.text_or("sha256", 64, "");
      source.directory = about.text_or("directory", limits::k_text, "");
      m_job.source = std::move(source);
    }
    if (m_job.source) {
      check_source(*m_job.source);
    }
  }

  void read_git(const Json& json) {
    const JsonFields fields(json, "'git'");
    Source source;
    source.kind = Source::Kind::git;
    // Older documents of the API write repoURL.
    source.url =
        fields.has("repoUrl") ? fields.text("repoUrl", limits::k_text) : fields.text("repoURL", limits::k_text);
    source.branch = fields.text_or("branch", 300, "");
    source.tag = fields.text_or("tag", 300, "");
    source.commit = fields.text_or("commit", 64, "");
    source.directory = trimmed_directory(fields.text_or("repoDir", limits::k_text, ""));
    if (source.branch.starts_with("refs/heads/")) {
      source.branch.erase(0, std::string_view("refs/heads/").size());
    }
    if (const Json* auth = fields.object("gitAuth")) {
      read_git_auth(*auth, source);
    }
    m_job.source = std::move(source);
  }

  // "./infra/", as people write it, is "infra".
  static std::string trimmed_directory(std::string text) {
    while (text.starts_with("./")) {
      text.erase(0, 2);
    }
    while (text.ends_with('/')) {
      text.pop_back();
    }
    return text == "." ? "" : text;
  }

  // A key goes before a token, a token before a password.
  void read_git_auth(const Json& json, Source& source) {
    const JsonFields fields(json, "'gitAuth'");
    if (const Json* ssh = fields.object("sshAuth")) {
      source.ssh_key = secret_member(*ssh, "sshPrivateKey", "'sshPrivateKey'");
      source.ssh_password = secret_member(*ssh, "password", "'password' of 'sshAuth'");
    } else if (fields.has("accessToken")) {
      source.password = secret_member(json, "accessToken", "'accessToken'");
    } else if (const Json* basic = fields.object("basicAuth")) {
      source.user = secret_member(*basic, "userName", "'userName'").reveal();
      source.password = secret_member(*basic, "password", "'password' of 'basicAuth'");
    }
  }

  void read_operation(const Json& json) {
    const JsonFields fields(json, "'operationContext'");
    for (const auto* key : {"oidc", "role"}) {
      if (const auto found = json.find(key); found != json.end() && !found->is_null() && !found->empty()) {
        throw Error(ErrorCode::unsupported, fmt::format("'{}' of 'operationContext' is not offered here", key))
            .with_hint("give credentials as secret environment variables");
      }
    }
    for (const Json& each : fields.list("preRunCommands", limits::k_commands)) {
      m_job.pre_run_commands.push_back(checked_text(each, "a pre-run command", limits::k_text, Characters::any));
    }
    if (const Json* variables = fields.object(k_variables)) {
      if (variables->size() > limits::k_variables) {
        fields.fail(fmt::format("there are more than {} environment variables", limits::k_variables));
      }
      for (const auto& [name, value] : variables->items()) {
        if (!is_variable_name(name)) {
          fields.fail(fmt::format("'{}' is no name of an environment variable", base::printable(name, 60)));
        }
        m_job.environment.push_back({name,
                                     secret(value, fmt::format("the environment variable '{}'", name), limits::k_value),
                                     value.is_object()});
      }
    }
    if (const Json* options = fields.object("options")) {
      const JsonFields about(*options, "'options'");
      m_job.skip_install_dependencies = about.flag_or("skipInstallDependencies", false);
      for (const auto* key : {"deleteAfterDestroy", "remediateIfDriftDetected"}) {
        if (about.flag_or(key, false)) {
          throw Error(ErrorCode::unsupported, fmt::format("the option '{}' is not offered here", key));
        }
      }
    }
  }

  void read_executor(const Json& json) {
    const JsonFields fields(json, "'executorContext'");
    const auto image = json.find("executorImage");
    if (image == json.end() || image->is_null()) {
      return;
    }
    if (image->is_string()) {
      m_job.image.reference = checked_text(*image, "'executorImage'", 512);
    } else {
      const JsonFields about(*image, "'executorImage'");
      m_job.image.reference = about.text_or("reference", 512, "");
      if (const Json* credentials = about.object("credentials")) {
        const JsonFields user(*credentials, "'credentials'");
        m_job.image.user = user.text_or("username", limits::k_text, "");
        m_job.image.password = secret_member(*credentials, "password", "'password' of 'credentials'");
      }
    }
    check_image_reference(m_job.image.reference);
  }

  void read_own(const Json& json) {
    const JsonFields fields(json, "'airlock'");
    for (const auto& [key, value] : json.items()) {
      if (key != "tool" && key != "runner" && key != "limits" && key != "networks" && key != "backendUrl") {
        fields.fail(fmt::format("'{}' is not known", base::printable(key, 60)));
      }
    }
    if (fields.has("tool")) {
      const auto tool = find_tool(fields.text("tool", 32));
      if (!tool) {
        fields.fail("'tool' is neither pulumi, tofu nor terraform");
      }
      m_job.tool = *tool;
    }
    if (fields.has("runner")) {
      const auto runner = find_runner(fields.text("runner", 32));
      if (!runner) {
        fields.fail("'runner' is neither process nor docker");
      }
      m_job.runner = *runner;
    }
    for (const Json& each : fields.list("networks", limits::k_networks)) {
      m_job.networks.push_back(NetworkRule::parse(checked_text(each, "a network rule", 300)));
    }
    m_job.backend_url = fields.text_or("backendUrl", limits::k_text, "");
    check_backend_url(m_job.backend_url);
    if (const Json* bounds = fields.object("limits")) {
      read_limits(*bounds);
    }
  }

  void read_limits(const Json& json) {
    const JsonFields fields(json, "'limits'");
    if (const auto cpus = json.find("cpus"); cpus != json.end() && !cpus->is_null()) {
      const double count = cpus->is_number() ? cpus->get<double>() : -1;
      if (!(count > 0 && count <= 1000)) {
        fields.fail("'cpus' is not a number above 0, such as 1.5");
      }
      m_job.limits.cpu_millis = static_cast<std::uint64_t>(std::lround(count * 1000));
    }
    if (const auto memory = json.find("memory"); memory != json.end() && memory->is_string()) {
      try {
        m_job.limits.memory_bytes = base::parse_bytes(memory->get<std::string>());
      } catch (const Error& error) {
        fields.fail(fmt::format("'memory': {}", error.message()));
      }
    } else {
      m_job.limits.memory_bytes = fields.number_or("memory", std::uint64_t{1} << 50, 0);
    }
    if (m_job.limits.memory_bytes > std::uint64_t{1} << 50) {
      fields.fail("'memory' is more than any machine has");
    }
    m_job.limits.pids = fields.number_or("pids", 4'194'304, 0);
    if (const auto timeout = json.find("timeout"); timeout != json.end() && timeout->is_string()) {
      m_job.limits.timeout = parse_go_duration(timeout->get<std::string>());
    } else {
      m_job.limits.timeout = std::chrono::seconds(fields.number_or("timeout", k_longest_deployment, 0));
    }
  }

  std::string m_owner;
  const Vault& m_vault;
  Job m_job;
};

}  // namespace

Json with_closed_secrets(Json json, const Vault& vault, const StackName& stack) {
  close_in(json, vault, stack.to_string(), false);
  return json;
}

Json merged(Json document, const Json& patch) {
  document.merge_patch(patch);
  return document;
}

Job job_of(const Json& document, const StackName& stack, Operation operation, const Vault& vault) {
  Job job = JobReader(stack, vault).read(document);
  job.operation = operation;
  return job;
}

void check_settings(const Json& document, const StackName& stack, const Vault& vault) {
  JobReader(stack, vault).read(document);
}

std::chrono::seconds parse_go_duration(std::string_view text) {
  std::uint64_t total = 0;
  std::string_view rest = text;
  bool ok = !rest.empty() && rest.size() <= 32;
  while (ok && !rest.empty()) {
    std::uint64_t number = 0;
    const auto [end, status] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    ok = status == std::errc() && number <= k_longest_deployment;
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    std::uint64_t unit = 1;
    if (!rest.empty()) {
      unit = rest.front() == 'h' ? 3600 : rest.front() == 'm' ? 60 : 1;
      ok = ok && (rest.front() == 'h' || rest.front() == 'm' || rest.front() == 's');
      rest.remove_prefix(1);
    } else {
      ok = ok && total == 0;
    }
    total += number * unit;
    ok = ok && total <= k_longest_deployment;
  }
  if (!ok) {
    throw Error(ErrorCode::malformed,
                fmt::format("'{}' is not a duration of at most 30 days", base::printable(text, 60)))
        .with_hint("write it as 90s, 30m or 1h30m");
  }
  return std::chrono::seconds(total);
}

std::vector<ShownVariable> shown_environment(const Json& document) {
  std::vector<ShownVariable> result;
  const auto context = document.find("operationContext");
  if (context == document.end() || !context->is_object()) {
    return result;
  }
  const auto variables = context->find("environmentVariables");
  if (variables == context->end() || !variables->is_object()) {
    return result;
  }
  for (const auto& [name, value] : variables->items()) {
    result.push_back({name, value.is_string() ? value.get<std::string>() : "", !value.is_string()});
  }
  return result;
}

}  // namespace airlock::control
