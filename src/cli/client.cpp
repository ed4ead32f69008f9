// `airlock client`: what makes real clients use this mirror and nothing else.
#include <algorithm>
#include <map>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "cli/listen_address.hpp"
#include "cli/session.hpp"
#include "ecosystem/ecosystem.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::size_t k_file_limit = 16 * 1024 * 1024;  // bytes

struct ClientFlags {
  std::string url, ca, directory = "airlock-client";
  std::vector<std::string> ecosystems;
  bool force = false;
};

struct EcosystemConfig {
  std::string id;
  ecosystem::ClientConfig config;
};

base::Url mirror_url(const Session& session, const ClientFlags& flags) {
  auto url = session.config.or_flag("base_url", flags.url);
  if (url.empty()) {
    const auto address = parse_listen_address(session.config.text("listen"));
    const bool tls = !session.config.text("tls_cert").empty();
    url = fmt::format("{}://{}", tls ? "https" : "http", address.reachable_as(address.port));
  }
  return base::Url::parse(url);
}

// `folder`: where the files will lie; empty where they are only shown.
std::vector<EcosystemConfig> configs(const Session& session, const ClientFlags& flags,
                                     const std::filesystem::path& folder) {
  ecosystem::ClientConfigRequest request;
  request.folder = folder;
  request.mirror = mirror_url(session, flags);
  if (!flags.ca.empty()) {
    request.ca_file = std::filesystem::absolute(flags.ca);
  }
  std::vector<EcosystemConfig> list;
  for (const auto* each : ecosystem::all_ecosystems()) {
    const bool wanted = flags.ecosystems.empty() ||
                        std::find(flags.ecosystems.begin(), flags.ecosystems.end(), each->id) != flags.ecosystems.end();
    if (wanted && each->client_config) {
      list.push_back({each->id, each->client_config(request)});
    }
  }
  for (const auto& id : flags.ecosystems) {
    if (std::none_of(list.begin(), list.end(), [&id](const auto& entry) { return entry.id == id; })) {
      throw Error(ErrorCode::usage, fmt::format("there are no client settings for '{}'", base::printable(id, 60)))
          .with_hint("`airlock ecosystem list` shows for what there are");
    }
  }
  return list;
}

std::map<std::string, std::string> environment_of(const std::vector<EcosystemConfig>& list) {
  std::map<std::string, std::string> environment;
  for (const auto& entry : list) {
    environment.insert(entry.config.environment.begin(), entry.config.environment.end());
  }
  return environment;
}

// A value that a POSIX shell takes as it is.
std::string shell_quoted(const std::string& value) {
  std::string out = "'";
  for (const char c : value) {
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return out + "'";
}

std::string environment_text(const std::map<std::string, std::string>& environment) {
  std::string text;
  for (const auto& [name, value] : environment) {
    text += fmt::format("export {}={}\n", name, shell_quoted(value));
  }
  return text;
}

base::Json config_json(const EcosystemConfig& entry) {
  base::Json files = base::Json::array();
  for (const auto& file : entry.config.files) {
    files.push_back({{"name", file.name}, {"install_as", file.install_as}, {"content", file.content}});
  }
  return {{"ecosystem", entry.id},
          {"environment", entry.config.environment},
          {"files", std::move(files)},
          {"notes", entry.config.notes}};
}

void show(Session& session, const ClientFlags& flags) {
  const auto list = configs(session, flags, {});
  base::Json ecosystems = base::Json::array();
  std::string text = "# environment, for a shell\n" + environment_text(environment_of(list));
  for (const auto& entry : list) {
    ecosystems.push_back(config_json(entry));
    for (const auto& file : entry.config.files) {
      text +=
          fmt::format("\n# {}: {}\n{}", entry.id, file.install_as.empty() ? file.name : file.install_as, file.content);
      if (!text.ends_with('\n')) {
        text += '\n';
      }
    }
    for (const auto& note : entry.config.notes) {
      text += fmt::format("# note: {}: {}\n", entry.id, note);
    }
  }
  session.answer({{"mirror", mirror_url(session, flags).to_string()},
                  {"environment", environment_of(list)},
                  {"ecosystems", std::move(ecosystems)}},
                 text);
}

void write(Session& session, const ClientFlags& flags) {
  const std::filesystem::path folder = std::filesystem::absolute(flags.directory).lexically_normal();
  const auto list = configs(session, flags, folder);
  std::map<std::filesystem::path, std::pair<std::string, std::string>> files;  // content, and where it belongs
  files[folder / "env.sh"] = {"# For a shell: . env.sh\n" + environment_text(environment_of(list)), ""};
  std::string notes;
  for (const auto& entry : list) {
    for (const auto& file : entry.config.files) {
      files[folder / entry.id / file.name] = {file.content, file.install_as};
    }
    for (const auto& note : entry.config.notes) {
      notes += fmt::format("note: {}: {}\n", entry.id, note);
    }
  }
  for (const auto& [path, content] : files) {
    const auto there = base::read_file_if_exists(path, k_file_limit);
    if (there && *there != content.first && !flags.force) {
      throw Error(ErrorCode::conflict,
                  fmt::format("{} is there already and differs; nothing was written", path.string()))
          .with_hint("choose another --dir, or add --force to replace it");
    }
  }
  base::Json written = base::Json::array();
  std::string text;
  for (const auto& [path, content] : files) {
    base::make_directories(path.parent_path());
    base::write_file_atomic(path, content.first);
    written.push_back({{"path", path.string()}, {"install_as", content.second}});
    text += content.second.empty() ? path.string() + "\n"
                                   : fmt::format("{}  (belongs to {})\n", path.string(), content.second);
  }
  session.answer({{"files", std::move(written)}}, text + notes);
}

void add_common(CLI::App& command, ClientFlags& flags) {
  command.add_option("--url", flags.url, "How clients reach the mirror")->type_name("URL");
  command.add_option("--ecosystem", flags.ecosystems, "This one only; may be repeated")->type_name("E");
  command.add_option("--ca", flags.ca, "Certificate authority that clients must trust, where it lies on their hosts")
      ->type_name("FILE");
}

}  // namespace

void add_client_commands(CLI::App& app, Session& session) {
  auto* client = app.add_subcommand("client", "What real clients need to use only this mirror");
  auto flags = std::make_shared<ClientFlags>();

  auto* show_command = client->add_subcommand("show", "Environment and configuration files, on stdout");
  add_common(*show_command, *flags);
  show_command->footer("Example:\n  airlock client show --url https://mirror.site.example:8480 --ecosystem oci");
  show_command->callback([&session, flags] { show(session, *flags); });

  auto* write_command = client->add_subcommand("write", "The same, as files in a folder");
  add_common(*write_command, *flags);
  write_command->add_option("--dir", flags->directory, "Where to (airlock-client)")->type_name("DIR");
  write_command->add_flag("--force", flags->force, "Replace files that differ");
  write_command->footer("Example:\n  airlock client write --url https://mirror.site.example:8480 --dir ./client");
  write_command->callback([&session, flags] { write(session, *flags); });

  client->footer("Example:\n  eval \"$(airlock client show --url http://127.0.0.1:8480 | grep ^export)\"");
}

}  // namespace airlock::cli
