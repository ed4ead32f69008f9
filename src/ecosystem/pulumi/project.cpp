#include "ecosystem/pulumi/project.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/files.hpp"
#include "base/text.hpp"
#include "base/yaml.hpp"

namespace airlock::ecosystem::pulumi {

using base::Error;
using base::ErrorCode;
using base::SourcePosition;
using base::YamlNode;

namespace {

constexpr std::size_t k_file_limit = 4 * 1024 * 1024;  // bytes

std::string scalar_of(const YamlNode* node) {
  return node != nullptr && node->is_scalar() ? node->scalar() : std::string();
}

std::string without_v(std::string version) {
  version.erase(0, version.size() > 1 && version[0] == 'v' ? 1 : 0);
  return version;
}

// "random:index/randomPet:RandomPet" is of the package random; "pulumi:providers:aws" is aws's.
std::string package_of_token(std::string_view token) {
  const std::vector<std::string> parts = base::split(token, ':');
  if (parts.size() < 2 || parts[0].empty()) {
    return "";
  }
  if (parts[0] == "pulumi") {
    return parts.size() == 3 && parts[1] == "providers" ? parts[2] : "";
  }
  return parts[0];
}

class Reader {
 public:
  Reader(std::string_view text, const std::string& file) : m_root(base::parse_yaml(text, file)) {
    if (!m_root.is_mapping()) {
      throw Error(ErrorCode::manifest, "a Pulumi project is a mapping").at(m_root.position());
    }
  }

  Project read(const std::string& file) {
    m_project.file = file;
    read_runtime();
    read_plugins();
    read_packages();
    if (m_project.runtime == "yaml") {
      read_program();
    }
    finish();
    return std::move(m_project);
  }

 private:
  void read_runtime() {
    const YamlNode* runtime = m_root.find("runtime");
    m_project.runtime =
        runtime != nullptr && runtime->is_mapping() ? scalar_of(runtime->find("name")) : scalar_of(runtime);
    // The other hosts come with the CLI.
    if (m_project.runtime == "hcl") {
      add({.kind = "language", .name = "hcl", .version = {}, .server = {}}, runtime->position());
    }
  }

  // plugins: { providers: [{name, version, path}], languages: […], analyzers: […] }
  void read_plugins() {
    const YamlNode* plugins = m_root.find("plugins");
    if (plugins == nullptr || !plugins->is_mapping()) {
      return;
    }
    for (const auto& [key, kind] : std::map<std::string, std::string>{
             {"providers", "resource"}, {"languages", "language"}, {"analyzers", "analyzer"}}) {
      const YamlNode* list = plugins->find(key);
      if (list == nullptr || !list->is_sequence()) {
        continue;
      }
      for (const YamlNode& item : list->items()) {
        if (!item.is_mapping()) {
          continue;
        }
        const std::string name = scalar_of(item.find("name"));
        if (item.find("path") != nullptr) {
          m_local.insert(name);  // it is in the working tree
        } else if (!name.empty()) {
          add({.kind = kind, .name = name, .version = without_v(scalar_of(item.find("version"))), .server = {}},
              item.position());
        }
      }
    }
  }

  // packages: { NAME: SOURCE[@VERSION] } or { NAME: { source, version, parameters } }
  void read_packages() {
    const YamlNode* packages = m_root.find("packages");
    if (packages == nullptr || !packages->is_mapping()) {
      return;
    }
    for (const auto& [key, value] : packages->members()) {
      const std::string name = scalar_of(&key);
      std::string source = value.is_mapping() ? scalar_of(value.find("source")) : scalar_of(&value);
      std::string version = value.is_mapping() ? scalar_of(value.find("version")) : std::string();
      const std::size_t sign = source.rfind('@');
      if (sign != std::string::npos && sign > 0) {
        version = version.empty() ? source.substr(sign + 1) : version;
        source.erase(sign);
      }
      m_local.insert(name);  // what the program calls by that name comes from here
      const bool parameterized = value.is_mapping() && value.find("parameters") != nullptr;
      if (source.find('/') != std::string::npos || source.starts_with('.')) {
        m_project.notes.push_back(fmt::format("{}: the package '{}' comes from '{}', which is not carried",
                                              value.position().to_string(), base::printable(name, 80),
                                              base::printable(source, 200)));
        continue;
      }
      m_local.erase(source);
      add({.kind = "resource", .name = source, .version = without_v(version), .server = {}}, value.position());
      if (parameterized) {
        m_project.notes.push_back(fmt::format(
            "{}: the package '{}' is made by '{}' from something that it fetches itself, which is not carried",
            value.position().to_string(), base::printable(name, 80), base::printable(source, 80)));
      }
    }
  }

  void read_program() {
    if (const YamlNode* resources = m_root.find("resources"); resources != nullptr && resources->is_mapping()) {
      for (const auto& [key, resource] : resources->members()) {
        if (!resource.is_mapping()) {
          continue;
        }
        const YamlNode* type = resource.find("type");
        if (type != nullptr && type->is_scalar()) {
          add_use(package_of_token(type->scalar()), resource.find("options"), type->position());
        }
      }
    }
    find_calls(m_root);
  }

  // fn::invoke: { function: TOKEN, options: … } and its short form fn::TOKEN: { … }
  void find_calls(const YamlNode& node) {
    for (const YamlNode& item : node.items()) {
      find_calls(item);
    }
    for (const auto& [key, value] : node.members()) {
      constexpr std::string_view prefix = "fn::";
      const std::string name = base::to_lower(scalar_of(&key));
      if (name == "fn::invoke" && value.is_mapping()) {
        add_use(package_of_token(scalar_of(value.find("function"))), value.find("options"), value.position());
      } else if (name.starts_with(prefix) && name.find(':', prefix.size()) != std::string::npos) {
        add_use(package_of_token(scalar_of(&key).substr(prefix.size())), nullptr, key.position());
      }
      find_calls(value);
    }
  }

  void add_use(const std::string& package, const YamlNode* options, const SourcePosition& position) {
    if (package.empty() || m_local.contains(package)) {
      return;
    }
    Plugin plugin{.kind = "resource", .name = package, .version = {}, .server = {}};
    if (options != nullptr && options->is_mapping()) {
      plugin.version = without_v(scalar_of(options->find("version")));
      plugin.server = scalar_of(options->find("pluginDownloadURL"));
    }
    add(plugin, position);
  }

  void add(const Plugin& plugin, const SourcePosition& position) {
    check_plugin(plugin, position);
    m_project.plugins.push_back({.plugin = plugin, .position = position});
  }

  // A use without a version is served by one with a version of the same plugin.
  void finish() {
    auto& plugins = m_project.plugins;
    std::set<std::pair<std::string, std::string>> with_version;
    for (const ProjectPlugin& one : plugins) {
      if (!one.plugin.version.empty()) {
        with_version.emplace(one.plugin.kind, one.plugin.name);
      }
    }
    std::erase_if(plugins, [&](const ProjectPlugin& one) {
      return one.plugin.version.empty() && with_version.contains({one.plugin.kind, one.plugin.name});
    });
    std::stable_sort(plugins.begin(), plugins.end(),
                     [](const ProjectPlugin& a, const ProjectPlugin& b) { return a.plugin < b.plugin; });
    plugins.erase(std::unique(plugins.begin(), plugins.end(),
                              [](const ProjectPlugin& a, const ProjectPlugin& b) { return a.plugin == b.plugin; }),
                  plugins.end());
  }

  const YamlNode m_root;
  Project m_project;
  std::set<std::string> m_local;  // packages that need no plugin of their name
};

}  // namespace

Project parse_project(std::string_view text, const std::string& file) {
  return Reader(text, file).read(file);
}

std::optional<Project> read_project(const std::filesystem::path& folder) {
  for (const char* name : {"Pulumi.yaml", "Pulumi.yml"}) {
    if (const auto text = base::read_file_if_exists(folder / name, k_file_limit)) {
      Project project = parse_project(*text, (folder / name).string());
      project.file = name;
      return project;
    }
  }
  return std::nullopt;
}

}  // namespace airlock::ecosystem::pulumi
