#include "ecosystem/terraform/project.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/files.hpp"
#include "base/text.hpp"
#include "ecosystem/terraform/hcl.hpp"

namespace airlock::ecosystem::terraform {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using base::SourcePosition;

namespace {

constexpr std::size_t k_configuration_limit = 4 * 1024 * 1024;  // bytes of a file
constexpr std::size_t k_most_modules = 1000;

Constraint constraint_of(const HclValue& value) {
  auto constraint = value.kind == HclValue::Kind::string ? Constraint::parse(value.text) : std::nullopt;
  if (!constraint) {
    throw Error(ErrorCode::manifest, fmt::format("'{}' is no version constraint", base::printable(value.text, 100)))
        .at(value.position)
        .with_hint("for example \"~> 3.2\" or \">= 3.0, != 3.1.0\"");
  }
  return std::move(*constraint);
}

void read_required(const HclBlock& block, FileWishes& wishes) {
  for (const auto& [name, value] : block.attributes) {
    RequiredProvider wish;
    wish.position = value.position;
    std::string source = name;
    if (value.kind == HclValue::Kind::object) {
      if (const HclValue* given = value.find("source"); given != nullptr && given->kind == HclValue::Kind::string) {
        source = given->text;
        wish.position = given->position;
      }
      if (const HclValue* version = value.find("version")) {
        wish.constraints.push_back(constraint_of(*version));
      }
    } else if (value.kind == HclValue::Kind::string) {  // as before version 0.13
      wish.constraints.push_back(constraint_of(value));
    }
    const auto provider = parse_provider(source);
    if (!provider) {
      throw Error(ErrorCode::manifest, fmt::format("'{}' is no source of a provider", base::printable(source, 100)))
          .at(wish.position)
          .with_hint("[HOST/]NAMESPACE/TYPE, for example hashicorp/null");
    }
    wish.provider = *provider;
    wishes.required.insert_or_assign(name, std::move(wish));
  }
}

// The provider that a resource's or data source's block uses: named, else the first word of its type.
std::string local_name_of(const HclBlock& block) {
  if (const HclValue* named = block.find("provider"); named != nullptr && !named->text.empty()) {
    return named->text.substr(0, named->text.find('.'));
  }
  return block.labels.empty() ? "" : block.labels.front().substr(0, block.labels.front().find('_'));
}

class Walk {
 public:
  explicit Walk(Configuration& configuration) : m_configuration(configuration) {}

  void module(const fs::path& called) {
    fs::path folder = called.lexically_normal();
    if (!folder.has_filename()) {
      folder = folder.parent_path();  // "../" is ".."
    }
    if (!m_visited.insert(folder).second) {
      return;
    }
    if (m_visited.size() > k_most_modules) {
      throw Error(ErrorCode::limit, fmt::format("more than {} modules below '{}'", k_most_modules, folder.string()));
    }
    FileWishes all;
    for (const fs::path& file : files_of(folder)) {
      ++m_configuration.files;
      FileWishes wishes = parse_configuration(base::read_file(file, k_configuration_limit), file.string());
      all.required.merge(wishes.required);
      all.implied.merge(wishes.implied);
      all.modules.insert(all.modules.end(), wishes.modules.begin(), wishes.modules.end());
    }
    for (auto& [name, wish] : all.required) {
      add(wish);
    }
    for (const auto& [name, position] : all.implied) {
      const auto provider = parse_provider(name);
      if (!all.required.contains(name) && provider && name != "terraform") {
        add({.provider = *provider, .constraints = {}, .position = position});
      }
    }
    for (const auto& [source, position] : all.modules) {
      if (source.starts_with("./") || source.starts_with("../")) {
        module(folder / source);
      } else {
        m_configuration.notes.push_back(fmt::format(
            "{}: the module '{}' is not in the working tree, and modules are not carried; put a copy beside "
            "the configuration",
            position.to_string(), base::printable(source, 200)));
      }
    }
  }

 private:
  std::vector<fs::path> files_of(const fs::path& folder) {
    std::vector<fs::path> files;
    std::error_code failure;
    for (fs::directory_iterator it(folder, failure), end; !failure && it != end; it.increment(failure)) {
      const std::string name = it->path().filename().string();
      if (name.ends_with(".tf.json") || name.ends_with(".tofu.json")) {
        m_configuration.notes.push_back(
            fmt::format("'{}' is JSON, which is not read; name its providers yourself", it->path().string()));
      } else if ((name.ends_with(".tf") || name.ends_with(".tofu")) && !name.starts_with('.')) {
        files.push_back(it->path());
      }
    }
    if (failure) {
      throw base::system_error(failure.value(), fmt::format("cannot read {}", folder.string()));
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  void add(const RequiredProvider& wish) {
    if (is_built_in(wish.provider)) {
      return;
    }
    const auto [known, added] = m_configuration.providers.emplace(wish.provider, wish);
    if (!added) {
      known->second.constraints.insert(known->second.constraints.end(), wish.constraints.begin(),
                                       wish.constraints.end());
    }
  }

  Configuration& m_configuration;
  std::set<fs::path> m_visited;
};

}  // namespace

FileWishes parse_configuration(std::string_view text, const std::string& file) {
  FileWishes wishes;
  for (const HclBlock& block : parse_hcl(text, file).blocks) {
    if (block.type == "terraform") {
      for (const HclBlock& inner : block.blocks) {
        if (inner.type == "required_providers") {
          read_required(inner, wishes);
        }
      }
    } else if (block.type == "resource" || block.type == "data" || block.type == "ephemeral") {
      wishes.implied.emplace(local_name_of(block), block.position);
    } else if (block.type == "provider" && !block.labels.empty()) {
      wishes.implied.emplace(block.labels.front(), block.position);
    } else if (block.type == "module") {
      const HclValue* source = block.find("source");
      if (source != nullptr && source->kind == HclValue::Kind::string) {
        wishes.modules.emplace_back(source->text, source->position);
      }
    }
  }
  return wishes;
}

Configuration read_configuration(const fs::path& folder) {
  Configuration configuration;
  Walk(configuration).module(folder);
  if (auto locked = read_lock_file(folder)) {
    configuration.has_lock = true;
    configuration.locked = std::move(*locked);
  }
  return configuration;
}

}  // namespace airlock::ecosystem::terraform
