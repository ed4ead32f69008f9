#include "agent/job_steps.hpp"

#include <fcntl.h>

#include <array>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "base/yaml.hpp"

namespace airlock::agent {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using control::Operation;

constexpr std::size_t k_project_limit = 1024 * 1024;
constexpr std::string_view k_file = "file://";
constexpr std::uint16_t k_git_port = 9418;  // git-daemon(1)

StepCommand shell(const std::string& script, std::vector<std::string> arguments = {}) {
  StepCommand command{{"/bin/sh", "-c", script, "sh"}, {}};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  return command;
}

// A look into what the job may have made: links and devices are not followed.
class WorkFolder {
 public:
  WorkFolder(const control::Job& job, const JobDirectory& directory) : m_folder(base::open_directory(directory.job())) {
    m_below = fs::path(k_work_folder);
    if (job.source && !job.source->directory.empty()) {
      m_below /= job.source->directory;
    }
  }
  std::optional<base::Fd> open(const char* name) const {
    try {
      return base::open_beneath(m_folder.get(), m_below / name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    } catch (const Error&) {
      return std::nullopt;  // a link, or a folder on the way that is none
    }
  }
  bool has(const char* name) const { return open(name).has_value(); }
  std::optional<std::string> read(const char* name) const {
    const auto file = open(name);
    if (!file) {
      return std::nullopt;
    }
    base::FileSource source(file->get(), 0, base::file_size(file->get(), name), name);
    return base::read_all(source, k_project_limit);
  }

 private:
  base::Fd m_folder;
  fs::path m_below;
};

struct Runtime {
  std::string name;
  std::string virtualenv;
};

Runtime runtime_of(const WorkFolder& folder) {
  for (const auto* const name : {"Pulumi.yaml", "Pulumi.yml"}) {
    const auto text = folder.read(name);
    if (!text) {
      continue;
    }
    const auto project = base::parse_yaml(*text, name);
    const auto* const runtime = project.is_mapping() ? project.find("runtime") : nullptr;
    if (runtime == nullptr) {
      return {};
    }
    if (!runtime->is_mapping()) {
      return {runtime->as_string("runtime"), {}};
    }
    Runtime found;
    if (const auto* const kind = runtime->find("name")) {
      found.name = kind->as_string("the name of the runtime");
    }
    const auto* const options = runtime->find("options");
    const auto* const venv = options != nullptr && options->is_mapping() ? options->find("virtualenv") : nullptr;
    if (venv != nullptr && venv->is_scalar()) {
      found.virtualenv = venv->scalar();
    }
    return found;
  }
  return {};
}

void plan_python(const control::Job& job, const WorkFolder& folder, const Runtime& runtime, StepPlan& plan) {
  const bool has_requirements = folder.has("requirements.txt");
  if (!has_requirements && !folder.has("pyproject.toml")) {
    return;
  }
  const std::string venv = runtime.virtualenv.empty() ? "venv" : runtime.virtualenv;
  if (!control::is_inner_directory(venv)) {
    throw Error(ErrorCode::malformed,
                fmt::format("the virtual environment '{}' lies outside of the project", base::printable(venv, 100)));
  }
  plan.commands.push_back({{"python3", "-m", "venv", venv}, {}});
  if (has_requirements) {
    plan.commands.push_back({{venv + "/bin/python", "-m", "pip", "install", "-r", "requirements.txt"}, {}});
  } else {
    plan.commands.push_back({{venv + "/bin/python", "-m", "pip", "install", "."}, {}});
  }
  // Where Pulumi.yaml names no environment, the CLI takes the python that is first on the PATH.
  plan.environment["VIRTUAL_ENV"] = working_directory(job) + "/" + venv;
}

std::string full_name(const control::Job& job) {
  // A backend without a server has one organization, and takes the project from Pulumi.yaml.
  return job.backend_url.starts_with("http") ? job.stack.to_string() : job.stack.stack;
}

void prepare_git_access(const control::Source& source, const JobDirectory& directory, StepPlan& plan) {
  auto& environment = plan.environment;
  environment["GIT_TERMINAL_PROMPT"] = "0";
  if (!source.ssh_key.empty()) {
    directory.write("setup/git/key", source.ssh_key.reveal());
    environment["GIT_SSH_COMMAND"] =
        fmt::format("ssh -i {}/setup/git/key -o IdentitiesOnly=yes -o BatchMode={} -o StrictHostKeyChecking=accept-new",
                    k_job_folder, source.ssh_password.empty() ? "yes" : "no");
  }
  if (!source.password.empty() || !source.ssh_password.empty()) {
    // Git and ssh ask this program; the answers are in files that only this job can read, never in arguments.
    directory.write("setup/git/user", source.user.empty() ? "git" : source.user);
    directory.write("setup/git/password",
                    source.password.empty() ? source.ssh_password.reveal() : source.password.reveal());
    directory.write("setup/git/ask",
                    fmt::format("#!/bin/sh\ncase \"$1\" in Username*) cat {0}/setup/git/user ;; "
                                "*) cat {0}/setup/git/password ;; esac\n",
                                k_job_folder),
                    0700);
    environment["GIT_ASKPASS"] = environment["SSH_ASKPASS"] = std::string(k_job_folder) + "/setup/git/ask";
    environment["SSH_ASKPASS_REQUIRE"] = "force";
  }
}

}  // namespace

std::string working_directory(const control::Job& job) {
  std::string path = fmt::format("{}/{}", k_job_folder, k_work_folder);
  if (job.source && !job.source->directory.empty()) {
    path += "/" + job.source->directory;
  }
  return path;
}

// By the job's own tar, inside its walls: an archive that was made to do harm meets nothing but the job.
StepPlan plan_unpack(const std::string& archive) {
  const std::string into = fmt::format("{}/{}", k_job_folder, k_work_folder);
  StepPlan plan;
  if (archive.ends_with(".zip")) {
    plan.commands.push_back({{"unzip", "-q", archive, "-d", into}, {}});
  } else {
    plan.commands.push_back({{"tar", "-xf", archive, "-C", into, "--no-same-owner"}, {}});
  }
  plan.commands.push_back({{"rm", "-f", archive}, {}});
  return plan;
}

StepPlan plan_git(const control::Source& source, const JobDirectory& directory) {
  StepPlan plan;
  prepare_git_access(source, directory, plan);
  const std::string work = fmt::format("{}/{}", k_job_folder, k_work_folder);
  const auto revision = !source.commit.empty() ? source.commit : !source.tag.empty() ? source.tag : source.branch;
  for (const auto& text : {source.url, revision}) {
    if (text.starts_with('-')) {
      throw Error(ErrorCode::malformed, "a git source cannot begin with '-'");
    }
  }
  if (source.commit.empty()) {
    // A server of plain files knows no shallow clones.
    plan.commands.push_back(
        shell("clone() { git clone \"$@\" ${revision:+--branch \"$revision\"} -- \"$url\" \"$work\"; }; "
              "work=$1 url=$2 revision=$3; clone -q --depth 1 2>/dev/null || clone",
              {work, source.url, revision}));
  } else {
    // A server may refuse to give a commit by its number; then the whole history is needed to find it.
    plan.commands.push_back(shell("git init -q \"$1\" && cd \"$1\" && git remote add origin \"$2\" && "
                                  "{ git fetch -q --depth 1 origin \"$3\" || git fetch -q origin; } && "
                                  "git checkout -q --detach \"$3\"",
                                  {work, source.url, source.commit}));
  }
  plan.commands.push_back({{"git", "-C", work, "log", "-1", "--format=at commit %H"}, {}});
  return plan;
}

StepPlan plan_dependencies(const control::Job& job, const JobDirectory& directory) {
  StepPlan plan;
  if (job.tool != control::Tool::pulumi) {
    return plan;  // `init` brings what a configuration needs, and a script knows itself
  }
  const WorkFolder folder(job, directory);
  const Runtime runtime = runtime_of(folder);
  if (runtime.name == "nodejs" && folder.has("package.json")) {
    const bool locked = folder.has("package-lock.json") || folder.has("npm-shrinkwrap.json");
    plan.commands.push_back({{"npm", locked ? "ci" : "install", "--no-audit", "--no-fund"}, {}});
  } else if (runtime.name == "python") {
    plan_python(job, folder, runtime, plan);
  } else if (runtime.name == "go" && folder.has("go.mod")) {
    plan.commands.push_back({{"go", "mod", "download"}, {}});
  }
  if (plan.commands.empty()) {
    plan.remarks.push_back(runtime.name.empty() ? "there is no Pulumi.yaml; nothing to install"
                                                : fmt::format("nothing to install for the runtime '{}'",
                                                              base::printable(runtime.name, 40)));
  }
  return plan;
}

StepPlan plan_pulumi(const control::Job& job) {
  StepPlan plan;
  if (!job.backend_url.empty()) {
    plan.environment["PULUMI_BACKEND_URL"] = job.backend_url;
  }
  const std::string name = full_name(job);
  plan.commands.push_back({{"pulumi", "stack", "select", "--create", "--stack", name, "--non-interactive"}, {}});
  StepCommand command{{"pulumi"}, {}};
  switch (job.operation) {
  case Operation::preview:
    command.argv.emplace_back("preview");
    break;
  case Operation::update:
    command.argv.insert(command.argv.end(), {"up", "--yes", "--skip-preview"});
    break;
  case Operation::refresh:
    command.argv.insert(command.argv.end(), {"refresh", "--yes", "--skip-preview"});
    break;
  case Operation::destroy:
    command.argv.insert(command.argv.end(), {"destroy", "--yes", "--skip-preview"});
    break;
  }
  command.argv.insert(command.argv.end(), {"--stack", name, "--non-interactive", "--color", "never"});
  plan.commands.push_back(std::move(command));
  return plan;
}

StepPlan plan_terraform(const control::Job& job, const std::string& program) {
  StepPlan plan;
  plan.environment["TF_IN_AUTOMATION"] = "1";
  plan.environment["TF_INPUT"] = "0";
  plan.commands.push_back({{program, "init", "-input=false", "-no-color"}, {}});
  std::vector<std::string> state;
  if (const auto folder = backend_folder(job)) {
    const auto file = *folder / job.stack.organization / job.stack.project / (job.stack.stack + ".tfstate");
    plan.commands.insert(plan.commands.begin(), {{"mkdir", "-p", file.parent_path().string()}, {}});
    state.push_back("-state=" + file.string());
  }
  const auto add = [&](std::vector<std::string> words) {
    words.insert(words.begin(), program);
    words.insert(words.end(), {"-input=false", "-no-color"});
    words.insert(words.end(), state.begin(), state.end());
    plan.commands.push_back({std::move(words), {}});
  };
  switch (job.operation) {
  case Operation::preview:
    add({"plan"});
    break;
  case Operation::update:
    add({"apply", "-auto-approve"});
    break;
  case Operation::refresh:
    add({"apply", "-refresh-only", "-auto-approve"});
    break;
  case Operation::destroy:
    add({"apply", "-destroy", "-auto-approve"});
    break;
  }
  return plan;
}

StepPlan plan_operation(const control::Job& job) {
  switch (job.tool) {
  case control::Tool::pulumi:
    return plan_pulumi(job);
  case control::Tool::tofu:
  case control::Tool::terraform:
    return plan_terraform(job, std::string(control::to_string(job.tool)));
  case control::Tool::script:
    break;
  }
  StepPlan plan;
  plan.commands.push_back({{"./deploy", std::string(control::to_string(job.operation))}, {}});
  return plan;
}

std::optional<fs::path> backend_folder(const control::Job& job) {
  if (!job.backend_url.starts_with(k_file)) {
    return std::nullopt;
  }
  const auto path = job.backend_url.substr(k_file.size());
  return fs::path(path.substr(0, path.find('?'))).lexically_normal();
}

std::optional<control::NetworkRule> git_server(const std::string& url) {
  if (url.starts_with('/')) {
    return std::nullopt;
  }
  std::string host;
  std::uint16_t port = 22;
  if (const auto separator = url.find("://"); separator != std::string::npos) {
    const auto scheme = base::to_lower(url.substr(0, separator));
    if (scheme == "file") {
      return std::nullopt;
    }
    const bool http = scheme == "http" || scheme == "https";
    const auto parsed = base::Url::parse((http ? scheme : "http") + url.substr(separator));
    host = parsed.host();
    if (http || parsed.has_port()) {
      port = parsed.port();
    } else if (scheme == "git") {
      port = k_git_port;
    }
    if (!http && scheme != "git" && scheme != "ssh") {
      throw Error(ErrorCode::malformed, "the git source's URL is neither https, http, ssh, git nor file");
    }
  } else {
    const auto at = url.find('@');
    const auto start = at == std::string::npos ? 0 : at + 1;
    const auto colon = url.find(':', start);
    if (colon == std::string::npos) {
      throw Error(ErrorCode::malformed, "the git source names no server");
    }
    host = url.substr(start, colon - start);
  }
  const bool v6 = host.find(':') != std::string::npos && !host.starts_with('[');
  return control::NetworkRule::parse(fmt::format("{}:{}", v6 ? "[" + host + "]" : host, port));
}

}  // namespace airlock::agent
