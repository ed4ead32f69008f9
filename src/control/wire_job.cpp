// The claim: the complete job, as the agent alone gets it.
#include <algorithm>

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "control/json_fields.hpp"
#include "control/wire.hpp"
#include "control/wire_checks.hpp"

namespace airlock::control {

using base::Error;
using base::ErrorCode;
using base::Json;

namespace {

constexpr std::uint64_t k_longest_job = 30 * 24 * 3600;  // seconds
constexpr std::uint64_t k_largest_count = (std::uint64_t{1} << 53) - 1;
constexpr std::size_t k_key = limits::k_value;

base::Secret secret_or(const JsonFields& fields, std::string_view key, std::size_t limit) {
  return base::Secret(fields.text_or(key, limit, "", Characters::any));
}

void put(Json& object, const char* key, const std::string& value) {
  if (!value.empty()) {
    object[key] = value;
  }
}

Json source_json(const Source& source) {
  Json json = {{"kind", to_string(source.kind)}};
  put(json, "directory", source.directory);
  switch (source.kind) {
  case Source::Kind::upload:
    json["sha256"] = source.sha256;
    json["length"] = source.length;
    break;
  case Source::Kind::mirror:
    json["path"] = source.path;
    put(json, "sha256", source.sha256);
    break;
  case Source::Kind::git:
    json["url"] = source.url;
    put(json, "branch", source.branch);
    put(json, "tag", source.tag);
    put(json, "commit", source.commit);
    put(json, "user", source.user);
    put(json, "password", source.password.reveal());
    put(json, "sshKey", source.ssh_key.reveal());
    put(json, "sshPassword", source.ssh_password.reveal());
    break;
  }
  return json;
}

Source read_source(const Json& json) {
  const JsonFields fields(json, "the source of a job");
  Source source;
  const auto kind = fields.text("kind", 16);
  if (kind == "upload") {
    source.kind = Source::Kind::upload;
    source.length = fields.number("length", k_largest_count);
  } else if (kind == "mirror") {
    source.kind = Source::Kind::mirror;
    source.path = fields.text("path", limits::k_text);
  } else if (kind == "git") {
    source.kind = Source::Kind::git;
    source.url = fields.text("url", limits::k_text);
    source.branch = fields.text_or("branch", limits::k_name * 3, "");
    source.tag = fields.text_or("tag", limits::k_name * 3, "");
    source.commit = fields.text_or("commit", 64, "");
    source.user = fields.text_or("user", limits::k_text, "");
    source.password = secret_or(fields, "password", limits::k_text);
    source.ssh_key = secret_or(fields, "sshKey", k_key);
    source.ssh_password = secret_or(fields, "sshPassword", limits::k_text);
  } else {
    fields.fail(fmt::format("'{}' is no kind of source", kind));
  }
  source.sha256 = fields.text_or("sha256", 64, "");
  source.directory = fields.text_or("directory", limits::k_text, "");
  check_source(source);
  return source;
}

Json job_json(const Job& job) {
  Json environment = Json::array();
  for (const auto& each : job.environment) {
    environment.push_back({{"name", each.name}, {"value", each.value.reveal()}, {"secret", each.secret}});
  }
  Json networks = Json::array();
  for (const auto& each : job.networks) {
    networks.push_back(each.to_string());
  }
  Json image = {{"reference", job.image.reference}};
  put(image, "user", job.image.user);
  put(image, "password", job.image.password.reveal());
  Json json = {{"stack", job.stack.to_string()},
               {"operation", to_string(job.operation)},
               {"tool", to_string(job.tool)},
               {"runner", to_string(job.runner)},
               {"preRunCommands", job.pre_run_commands},
               {"environment", std::move(environment)},
               {"image", std::move(image)},
               {"limits",
                {{"cpuMillis", job.limits.cpu_millis},
                 {"memoryBytes", job.limits.memory_bytes},
                 {"pids", job.limits.pids},
                 {"timeoutSeconds", job.limits.timeout.count()}}},
               {"networks", std::move(networks)},
               {"backendUrl", job.backend_url},
               {"skipInstallDependencies", job.skip_install_dependencies},
               {"initiator", job.initiator}};
  if (job.source) {
    json["source"] = source_json(*job.source);
  }
  return json;
}

template <typename Value>
Value known(const std::optional<Value>& value, const JsonFields& fields, std::string_view key) {
  if (!value) {
    fields.fail(fmt::format("'{}' has a word that is not known", key));
  }
  return *value;
}

void read_environment(const JsonFields& fields, Job& job) {
  for (const Json& each : fields.list("environment", limits::k_variables)) {
    const JsonFields variable(each, "an environment variable of a job");
    EnvironmentVariable read{variable.text("name", 256), secret_or(variable, "value", limits::k_value),
                             variable.flag_or("secret", false)};
    if (!is_variable_name(read.name)) {
      variable.fail("the name is none that a shell could set");
    }
    job.environment.push_back(std::move(read));
  }
}

Job read_job(const Json& json) {
  const JsonFields fields(json, "a job");
  Job job;
  job.stack = StackName::parse(fields.text("stack", 3 * limits::k_name + 2));
  job.operation = known(find_operation(fields.text("operation", 32)), fields, "operation");
  job.tool = known(find_tool(fields.text("tool", 32)), fields, "tool");
  job.runner = known(find_runner(fields.text("runner", 32)), fields, "runner");
  if (const Json* source = fields.object("source")) {
    job.source = read_source(*source);
  }
  for (const Json& each : fields.list("preRunCommands", limits::k_commands)) {
    job.pre_run_commands.push_back(checked_text(each, "a pre-run command", limits::k_text, Characters::any));
  }
  read_environment(fields, job);
  if (const Json* image = fields.object("image")) {
    const JsonFields about(*image, "the image of a job");
    job.image = {about.text_or("reference", 512, ""), about.text_or("user", limits::k_text, ""),
                 secret_or(about, "password", limits::k_text)};
    check_image_reference(job.image.reference);
  }
  if (const Json* bounds = fields.object("limits")) {
    const JsonFields about(*bounds, "the limits of a job");
    job.limits.cpu_millis = about.number_or("cpuMillis", 1'000'000, 0);
    job.limits.memory_bytes = about.number_or("memoryBytes", std::uint64_t{1} << 50, 0);
    job.limits.pids = about.number_or("pids", 4'194'304, 0);
    job.limits.timeout = std::chrono::seconds(about.number_or("timeoutSeconds", k_longest_job, 0));
  }
  for (const Json& each : fields.list("networks", limits::k_networks)) {
    job.networks.push_back(NetworkRule::parse(checked_text(each, "a network rule", 300)));
  }
  job.backend_url = fields.text_or("backendUrl", limits::k_text, "");
  check_backend_url(job.backend_url);
  job.skip_install_dependencies = fields.flag_or("skipInstallDependencies", false);
  job.initiator = fields.text_or("initiator", 256, "");
  return job;
}

// What stands before '@' in "scheme://user:password@host/…"; nullopt where nothing does.
std::optional<std::string_view> user_info_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) {
    return std::nullopt;
  }
  const auto rest = url.substr(scheme + 3);
  const auto server = rest.substr(0, rest.find_first_of("/?#"));
  const auto at = server.rfind('@');
  return at == std::string_view::npos ? std::nullopt : std::optional(server.substr(0, at));
}

}  // namespace

std::string_view to_string(Source::Kind kind) {
  switch (kind) {
  case Source::Kind::upload:
    return "upload";
  case Source::Kind::mirror:
    return "mirror";
  case Source::Kind::git:
    break;
  }
  return "git";
}

void check_source(const Source& source) {
  const auto refuse = [](std::string_view why) {
    throw Error(ErrorCode::malformed, fmt::format("the source of a deployment: {}", why));
  };
  if (!is_inner_directory(source.directory)) {
    refuse("the directory must lie inside it, without '.', '..' and empty parts");
  }
  if (!source.sha256.empty() && !base::Digest::is_sha256_hex(source.sha256)) {
    refuse("its SHA-256 is not 64 lower-case hex characters");
  }
  if (source.kind == Source::Kind::upload && source.sha256.empty()) {
    refuse("the SHA-256 of the uploaded folder is missing");
  }
  if (source.kind == Source::Kind::mirror &&
      (!source.path.starts_with('/') || !is_inner_directory(std::string_view(source.path).substr(1)) ||
       source.path.size() < 2)) {
    refuse("the path on the mirror must begin with '/' and have no '.', '..' and empty parts");
  }
  if (source.kind != Source::Kind::git) {
    return;
  }
  // A leading '-' would be an option of git, "ext::" a command that it runs.
  const auto plain = [](unsigned char c) { return c > 0x20 && c != 0x7f && c != '\\'; };
  if (source.url.empty() || source.url.front() == '-' || source.url.find("::") != std::string::npos ||
      !std::ranges::all_of(source.url, plain)) {
    refuse("the repository is no URL that git could clone safely");
  }
  if (const auto scheme = source.url.find("://"); scheme != std::string::npos) {
    const auto name = base::to_lower(source.url.substr(0, scheme));
    if (name != "https" && name != "http" && name != "ssh" && name != "file" && name != "git") {
      refuse("the repository's URL is neither https, http, ssh, git nor file");
    }
    const auto user = user_info_of(source.url);
    // ssh has no other place for the name, which is no secret there.
    if (user && (name.starts_with("http") || user->find(':') != std::string::npos)) {
      throw Error(ErrorCode::malformed,
                  "the source of a deployment: the repository's URL holds a user's name or password")
          .with_hint("give it as gitAuth, where it is kept as a secret");
    }
  } else if (source.url.find(':') == std::string::npos) {
    refuse("the repository is neither a URL nor host:path");
  }
  const auto is_ref = [&](const std::string& text) {
    return text.empty() || (text.front() != '-' && text.find("..") == std::string::npos &&
                            std::ranges::all_of(text, plain) && text.find_first_of("~^:?*[") == std::string::npos);
  };
  const bool hex =
      source.commit.empty() || (source.commit.size() >= 7 &&
                                base::from_hex(source.commit + (source.commit.size() % 2 == 1 ? "0" : "")).has_value());
  if (!is_ref(source.branch) || !is_ref(source.tag) || !hex) {
    refuse("the branch, tag or commit is none that git could have");
  }
  if (!source.branch.empty() + !source.tag.empty() + !source.commit.empty() > 1) {
    refuse("branch, tag and commit exclude each other");
  }
}

void check_backend_url(std::string_view url) {
  const auto user = user_info_of(url);
  if (user && (base::to_lower(url.substr(0, 4)) == "http" || user->find(':') != std::string::npos)) {
    throw Error(ErrorCode::malformed, "the backend's URL holds a token or password")
        .with_hint("leave it out, and give it as a secret environment variable, such as PULUMI_ACCESS_TOKEN or "
                   "PGPASSWORD");
  }
}

void check_image_reference(std::string_view reference) {
  const auto plain = [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '\'' && c != '\\'; };
  if (!reference.empty() && (reference.front() == '-' || !std::ranges::all_of(reference, plain))) {
    throw Error(ErrorCode::malformed, "the executor image is no reference to an image");
  }
}

Claim parse_claim(std::string_view text) {
  const Json json = parse_private_json(text, "a claim", {limits::k_claim, 8, 10'000}, base::Numbers::integers);
  const JsonFields fields(json, "a claim");
  Claim claim;
  claim.deployment_id = fields.text("deploymentID", 64);
  if (!is_deployment_id(claim.deployment_id)) {
    fields.fail("the deployment's id is none");
  }
  claim.version = fields.number("version", k_largest_count);
  claim.attempt = fields.number("attempt", 100);
  claim.job_token = base::Secret(fields.text("jobToken", 256));
  claim.lease = std::chrono::seconds(fields.number("leaseSeconds", limits::k_lease_seconds));
  const Json* job = fields.object("job");
  if (job == nullptr) {
    fields.fail("'job' is missing");
  }
  claim.job = read_job(*job);
  return claim;
}

std::string print(const Claim& claim) {
  const Json json = {{"deploymentID", claim.deployment_id},
                     {"version", claim.version},
                     {"attempt", claim.attempt},
                     {"jobToken", claim.job_token.reveal()},
                     {"leaseSeconds", claim.lease.count()},
                     {"job", job_json(claim.job)}};
  return json.dump();
}

}  // namespace airlock::control
