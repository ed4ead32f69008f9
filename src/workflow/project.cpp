#include "workflow/project.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "model/request.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

constexpr std::size_t k_folder_limit = 100'000;
constexpr int k_depth_limit = 12;
// What tools make of a project, and what must not be taken for the project.
constexpr std::array<std::string_view, 9> k_passed_over = {"node_modules", "__pycache__", "venv", "env",   "vendor",
                                                           "bin",          "obj",         "dist", "target"};

bool is_passed_over(const std::string& name) {
  return name.starts_with('.') || std::ranges::find(k_passed_over, name) != k_passed_over.end();
}

class Survey {
 public:
  void look_at(const fs::path& folder, int depth) {
    if (++m_folders > k_folder_limit) {
      throw Error(ErrorCode::limit, fmt::format("more than {} folders below the project", k_folder_limit))
          .with_hint("name the folders that hold the projects, each with --project");
    }
    for (const ecosystem::Ecosystem* one : ecosystem::all_ecosystems()) {
      if (!one->detect) {
        continue;
      }
      base::with_context([&] { return fmt::format("while looking for {} in {}", one->id, folder.string()); },
                         [&] {
                           for (auto& finding : one->detect(folder)) {
                             found.push_back({.folder = folder, .ecosystem = one->id, .finding = std::move(finding)});
                           }
                         });
    }
    if (depth < k_depth_limit) {
      look_below(folder, depth);
    }
  }

  std::vector<FoundInProject> found;

 private:
  void look_below(const fs::path& folder, int depth) {
    std::vector<fs::path> below;
    std::error_code failure;
    for (fs::directory_iterator it(folder, failure), end; !failure && it != end; it.increment(failure)) {
      std::error_code ignored;
      if (it->symlink_status(ignored).type() == fs::file_type::directory &&
          !is_passed_over(it->path().filename().string())) {
        below.push_back(it->path());
      }
    }
    if (failure) {
      throw base::system_error(failure.value(), fmt::format("cannot read {}", folder.string()));
    }
    std::sort(below.begin(), below.end());
    for (const fs::path& one : below) {
      look_at(one, depth + 1);
    }
  }

  std::size_t m_folders = 0;
};

}  // namespace

std::vector<FoundInProject> survey_projects(const std::vector<fs::path>& folders) {
  Survey survey;
  for (const fs::path& folder : folders) {
    std::error_code ignored;
    const fs::path whole = fs::weakly_canonical(folder, ignored);
    if (!fs::is_directory(whole, ignored)) {
      throw Error(ErrorCode::usage, fmt::format("'{}' is no folder", folder.string()))
          .with_hint("--project takes the folder of a working tree");
    }
    const std::size_t before = survey.found.size();
    survey.look_at(whole, 0);
    if (survey.found.size() == before) {
      throw Error(ErrorCode::not_found, fmt::format("nothing in '{}' says what it needs", folder.string()))
          .with_hint(
              "airlock reads Pulumi.yaml, package.json, requirements.txt, go.mod, *.tf and the lock files beside "
              "them; `airlock ecosystem list` shows what it knows");
    }
  }
  return std::move(survey.found);
}

void tell(const std::vector<FoundInProject>& found, base::Reporter& reporter) {
  for (const FoundInProject& one : found) {
    reporter.say(
        fmt::format("found {}: {}, {}", (one.folder / one.finding.file).string(), one.ecosystem, one.finding.what));
  }
}

std::string manifest_text(const std::vector<FoundInProject>& found) {
  std::vector<model::Request> requests;
  std::transform(found.begin(), found.end(), std::back_inserter(requests),
                 [](const FoundInProject& one) { return one.finding.request; });
  return model::manifest_text(requests, ecosystem::all_sections());
}

std::string channel_name(const fs::path& folder) {
  std::error_code ignored;
  std::string name;
  for (const char c : base::to_lower(fs::weakly_canonical(folder, ignored).filename().string())) {
    const bool plain = base::is_lower(c) || base::is_digit(c);
    if (plain || (!name.empty() && !name.ends_with('-'))) {
      name += plain ? c : '-';
    }
  }
  name = name.substr(0, 63);
  while (name.ends_with('-')) {
    name.pop_back();
  }
  if (name.empty()) {
    throw Error(ErrorCode::usage, fmt::format("the name of the folder '{}' makes no channel's name", folder.string()))
        .with_hint("give a manifest with a line such as `name: site-a` with -m as well");
  }
  return name;
}

}  // namespace airlock::workflow
