// `airlock deploy create`: from flags to a request to deploy (docs/formats/deployments-api.md).
#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/archive_write.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "cli/deploy.hpp"
#include "cli/session.hpp"
#include "control/wire.hpp"

namespace airlock::cli {

using base::Error;
using base::ErrorCode;
using base::Json;

namespace {

constexpr std::size_t k_variables_limit = 1024 * 1024;  // bytes of a file with variables

struct DeployCreateFlags {
  ServerFlags server;
  std::string stack, operation, pool, source, directory, branch, commit, tag, runner, image, tool, timeout, memory,
      backend;
  double cpus = 0;
  std::uint64_t pids = 0;
  std::vector<std::string> environment, environment_files, secret_files, pre_run, networks, leave_out;
  bool skip_dependencies = false, no_inherit = false, follow = false;
};

// Made anew by every tool, and large.
constexpr std::array<std::string_view, 7> k_left_out{".git",  "node_modules", ".terraform", "__pycache__",
                                                     ".venv", "venv",         ".pulumi"};

void add_variable(Json& variables, std::string_view line, bool secret, std::string_view where) {
  const auto equals = line.find('=');
  const auto name = line.substr(0, equals);
  if (equals == std::string_view::npos || !control::is_variable_name(name)) {
    // Never the line itself: it may be the secret.
    throw Error(ErrorCode::usage, fmt::format("{} is not NAME=VALUE", where));
  }
  const std::string value(line.substr(equals + 1));
  variables[std::string(name)] = secret ? Json{{"secret", value}} : Json(value);
}

// Lines NAME=VALUE; empty ones and those that begin with '#' are passed over.
void add_variables_of(Json& variables, const std::string& file, bool secret) {
  const std::string text = base::read_file(file, k_variables_limit);
  std::size_t number = 0;
  for (const auto& raw : base::split(text, '\n')) {
    ++number;
    std::string_view line = raw;
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (!base::trim(line).empty() && base::trim(line).front() != '#') {
      add_variable(variables, line, secret, fmt::format("line {} of {}", number, file));
    }
  }
}

bool looks_like_git(const std::string& source) {
  return source.find("://") != std::string::npos || source.ends_with(".git") ||
         (source.find(':') != std::string::npos && source.find('@') != std::string::npos);
}

// Packs the folder, and uploads it where the server does not have just that content.
Json uploaded(Session& session, ServerAccess& server, const DeployCreateFlags& flags) {
  base::UnnamedFile packed(std::filesystem::temp_directory_path(), 0600);
  base::HashingSink sink(packed);
  const auto leave_out = [&flags](const std::string& relative) {
    const auto name = std::filesystem::path(relative).filename().string();
    const auto named = [&](const auto& list) {
      return std::any_of(list.begin(), list.end(), [&](const auto& each) { return name == each || relative == each; });
    };
    return named(k_left_out) || named(flags.leave_out);
  };
  const auto report = base::pack_folder(flags.source, sink, leave_out);
  const auto length = sink.count();
  const auto digest = sink.finish();
  if (!report.left_out.empty()) {
    session.reporter->say(fmt::format("left out: {}", base::printable(base::join(report.left_out, ", "), 600)));
  }
  session.reporter->note(
      fmt::format("{} files, {}, as {}", report.files, base::format_bytes(length), digest.to_string()));
  const auto path = "/api/sources/" + digest.to_string();
  if (!server.exists(path)) {
    server.upload(path, packed.fd(), length);
  }
  return {{"archive", {{"sha256", digest.hex()}, {"directory", flags.directory}}}};
}

Json git_source(const DeployCreateFlags& flags) {
  Json git = {{"repoUrl", flags.source}};
  const auto put = [&git](const char* key, const std::string& value) {
    if (!value.empty()) {
      git[key] = value;
    }
  };
  put("branch", flags.branch);
  put("commit", flags.commit);
  put("tag", flags.tag);
  put("repoDir", flags.directory);
  return {{"git", std::move(git)}};
}

Json source_of(Session& session, ServerAccess& server, const DeployCreateFlags& flags) {
  const bool is_folder = std::filesystem::is_directory(flags.source);
  const bool git = !is_folder && looks_like_git(flags.source);
  if (!git && !(flags.branch + flags.commit + flags.tag).empty()) {
    throw Error(ErrorCode::usage, "--branch, --commit and --tag belong to a git repository as --source");
  }
  if (git) {
    return git_source(flags);
  }
  if (is_folder) {
    return uploaded(session, server, flags);
  }
  const std::string prefix = "mirror:";
  const auto path = flags.source.starts_with(prefix) ? flags.source.substr(prefix.size()) : flags.source;
  if (!path.starts_with('/')) {
    throw Error(ErrorCode::usage, fmt::format("'{}' is no folder, no git repository and no path of the mirror",
                                              base::printable(flags.source, 200)))
        .with_hint("a path of the mirror begins with '/': mirror:/files/team/app.tar.gz");
  }
  return {{"mirror", {{"path", path}, {"directory", flags.directory}}}};
}

Json own_part(const DeployCreateFlags& flags) {
  Json own = Json::object();
  const auto put = [](Json& object, const char* key, const std::string& value) {
    if (!value.empty()) {
      object[key] = value;
    }
  };
  put(own, "tool", flags.tool);
  put(own, "runner", flags.runner);
  put(own, "backendUrl", flags.backend);
  if (!flags.networks.empty()) {
    own["networks"] = flags.networks;
  }
  Json limits = Json::object();
  put(limits, "timeout", flags.timeout);
  put(limits, "memory", flags.memory);
  if (flags.cpus > 0) {
    limits["cpus"] = flags.cpus;
  }
  if (flags.pids > 0) {
    limits["pids"] = flags.pids;
  }
  if (!limits.empty()) {
    own["limits"] = std::move(limits);
  }
  return own;
}

Json request_of(Session& session, ServerAccess& server, const DeployCreateFlags& flags) {
  Json request = {{"operation", flags.operation}, {"inheritSettings", !flags.no_inherit}};
  if (!flags.pool.empty()) {
    request["agentPoolID"] = flags.pool;
  }
  if (!flags.source.empty()) {
    request["sourceContext"] = source_of(session, server, flags);
  }
  Json variables = Json::object();
  for (const auto& file : flags.environment_files) {
    add_variables_of(variables, file, false);
  }
  for (const auto& file : flags.secret_files) {
    add_variables_of(variables, file, true);
  }
  for (const auto& each : flags.environment) {
    add_variable(variables, each, false, "a value of --env");
  }
  Json context = Json::object();
  if (!variables.empty()) {
    context["environmentVariables"] = std::move(variables);
  }
  if (!flags.pre_run.empty()) {
    context["preRunCommands"] = flags.pre_run;
  }
  if (flags.skip_dependencies) {
    context["options"] = {{"skipInstallDependencies", true}};
  }
  if (!context.empty()) {
    request["operationContext"] = std::move(context);
  }
  if (!flags.image.empty()) {
    request["executorContext"] = {{"executorImage", flags.image}};
  }
  if (Json own = own_part(flags); !own.empty()) {
    request["airlock"] = std::move(own);
  }
  return request;
}

void create_deployment(Session& session, const DeployCreateFlags& flags) {
  ServerAccess server(session, flags.server);
  const auto stack = stack_path(flags.stack, flags.server.organization);
  const Json made = server.send("POST", stack, request_of(session, server, flags));
  const FoundDeployment found{fmt::format("{}/{}", stack, json_text(made, "id")), made};
  Json answer = {
      {"id", answered(made, "id")}, {"version", answered(made, "version")}, {"url", answered(made, "consoleUrl")}};
  const auto text = fmt::format("deployment {} of {} is queued ({})\n", answered(made, "version").dump(),
                                base::printable(flags.stack, 200), json_text(made, "id"));
  if (!flags.follow) {
    session.answer(std::move(answer),
                   text + fmt::format("  follow it: airlock deploy logs {} -f\n", json_text(made, "id")));
    return;
  }
  session.reporter->say(text.substr(0, text.size() - 1));
  Json lines = Json::array();
  answer["deployment"] = show_log(session, server, found, {Follow::yes, false}, lines);
  answer["lines"] = std::move(lines);
  session.answer(std::move(answer), "");
}

}  // namespace

void add_deploy_create_command(CLI::App& deploy, Session& session) {
  auto flags = std::make_shared<DeployCreateFlags>();
  auto* command = deploy.add_subcommand("create", "Queue one; the stack's settings are its base");
  add_server_flags(*command, flags->server);
  command->add_option("STACK", flags->stack, "project/stack, or organization/project/stack")->required();
  command->add_option("OPERATION", flags->operation, "preview, update, refresh or destroy")
      ->required()
      ->check(CLI::IsMember({"preview", "update", "refresh", "destroy"}));
  command->add_option("--pool", flags->pool, "Which agents run it; else the default pool")->type_name("POOL");
  command->add_option("--tool", flags->tool, "pulumi, tofu, terraform, or script: the source's own ./deploy (pulumi)")
      ->type_name("TOOL");
  command->add_option("--runner", flags->runner, "process or docker (process)")->type_name("KIND");
  command->add_option("--image", flags->image, "Image of a docker job; a name on the mirror")->type_name("REF");
  command->add_option("--backend", flags->backend, "Where the tool keeps its state")->type_name("URL");
  command->add_flag("--no-inherit", flags->no_inherit, "Leave the stack's settings aside");
  command->add_flag("-f,--follow", flags->follow, "Print its log until it ends; 1 where it did not succeed");

  const std::string source = "Source";
  command
      ->add_option("--source", flags->source,
                   "A folder, which is uploaded; a git URL inside; or an archive of the mirror, mirror:/files/…")
      ->type_name("SOURCE")
      ->group(source);
  command->add_option("--dir", flags->directory, "Folder of the project inside the source")
      ->type_name("DIR")
      ->group(source);
  command->add_option("--branch", flags->branch, "Of the git repository")->type_name("NAME")->group(source);
  command->add_option("--tag", flags->tag, "Of the git repository")->type_name("NAME")->group(source);
  command->add_option("--commit", flags->commit, "Of the git repository")->type_name("HEX")->group(source);
  command->add_option("--leave-out", flags->leave_out, "Name or path that is not uploaded; more than once")
      ->type_name("NAME")
      ->group(source);

  const std::string job = "Job";
  command->add_option("--env", flags->environment, "Plain variable; more than once")
      ->type_name("NAME=VALUE")
      ->group(job);
  command->add_option("--env-file", flags->environment_files, "Plain variables, a line each")
      ->type_name("FILE")
      ->group(job);
  command
      ->add_option("--secret-env-file", flags->secret_files,
                   "Secret variables, a line NAME=VALUE each: encrypted at rest, masked in logs")
      ->type_name("FILE")
      ->group(job);
  command->add_option("--pre-run", flags->pre_run, "Command before the operation; more than once")
      ->type_name("CMD")
      ->group(job);
  command->add_flag("--skip-install-dependencies", flags->skip_dependencies, "The image or the commands bring them")
      ->group(job);
  command
      ->add_option("--allow", flags->networks,
                   "Name, address or range, where need be with a port, that the job may reach; more than once")
      ->type_name("HOST[:PORT]")
      ->group(job);
  command->add_option("--timeout", flags->timeout, "Stops it after this time: 90s, 30m, 1h30m")
      ->type_name("TIME")
      ->group(job);
  command->add_option("--cpus", flags->cpus, "At most so many CPUs, such as 1.5")->type_name("N")->group(job);
  command->add_option("--memory", flags->memory, "At most so much memory, such as 2GiB")->type_name("SIZE")->group(job);
  command->add_option("--pids", flags->pids, "At most so many processes and threads")->type_name("N")->group(job);
  command->footer(
      "Examples:\n  airlock deploy create shop/production preview --source ./infra --follow\n"
      "  airlock deploy create shop/production update --pool production --secret-env-file cloud.env\n"
      "  airlock deploy create net/core update --tool tofu --source https://git.site.example/net.git --branch main");
  command->callback([&session, flags] { create_deployment(session, *flags); });
}

}  // namespace airlock::cli
