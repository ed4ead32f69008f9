#include "ecosystem/pypi/projects.hpp"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "base/text.hpp"

namespace airlock::ecosystem::pypi {

namespace {

struct Ranked {
  const IndexFile* file;
  bool is_sdist;
  std::size_t rank;
  std::string build;  // digits padded, so that they compare as numbers
};

std::string build_key(const std::string& build) {
  std::size_t digits = 0;
  while (digits < build.size() && build[digits] >= '0' && build[digits] <= '9') {
    ++digits;
  }
  return std::string(digits < 20 ? 20 - digits : 0, '0') + build;
}

}  // namespace

const Project& Projects::get(const std::string& name) {
  std::shared_ptr<Lazy<Project>> cell;
  {
    const std::lock_guard lock(m_mutex);
    auto& slot = m_projects[name];
    if (!slot) {
      slot = std::make_shared<Lazy<Project>>();
    }
    cell = slot;
  }
  return cell->get([&] { return make(name); });  // lives as long as the map
}

Project Projects::make(const std::string& name) {
  Project project;
  project.page = m_index.page(name);
  if (!project.page) {
    return project;
  }
  struct Group {
    const IndexFile* first = nullptr;
    std::vector<Ranked> usable;
    std::string needs_python;
    bool wheels = false, sdists = false;
  };
  std::map<Version, Group, std::greater<>> groups;
  for (const IndexFile& file : project.page->files) {
    Group& group = groups[file.name.version];
    group.first = group.first == nullptr ? &file : group.first;
    const bool is_sdist = file.name.kind == FileName::Kind::sdist;
    (is_sdist ? group.sdists : group.wheels) = true;
    if (!m_target.accepts_python(file.requires_python)) {
      group.needs_python = file.requires_python;
      continue;
    }
    const auto rank = is_sdist ? std::optional<std::size_t>(0) : m_target.rank(file.name);
    if (rank && (!is_sdist || m_source_archives == SourceArchives::allow)) {
      group.usable.push_back({&file, is_sdist, *rank, build_key(file.name.build)});
    }
  }
  for (auto& [version, group] : groups) {
    Candidate candidate{.version = version,
                        .text = group.first->name.version_text,
                        .files = {},
                        .yanked = !group.usable.empty(),
                        .why_not = {}};
    // Not yanked ones first; wheels before source archives; the better tag; the later build.
    std::stable_sort(group.usable.begin(), group.usable.end(), [](const Ranked& a, const Ranked& b) {
      return std::tuple(a.file->yanked.has_value(), a.is_sdist, a.rank) <
                 std::tuple(b.file->yanked.has_value(), b.is_sdist, b.rank) ||
             (std::tuple(a.file->yanked.has_value(), a.is_sdist, a.rank) ==
                  std::tuple(b.file->yanked.has_value(), b.is_sdist, b.rank) &&
              a.build > b.build);
    });
    for (const Ranked& one : group.usable) {
      candidate.files.push_back(one.file);
      candidate.yanked = candidate.yanked && one.file->yanked.has_value();
    }
    if (candidate.files.empty()) {
      if (!group.needs_python.empty()) {
        candidate.why_not = fmt::format("needs Python {}", base::printable(group.needs_python, 80));
      } else if (group.wheels) {
        candidate.why_not = fmt::format("has no wheel for {}", m_target.to_string());
      } else {
        candidate.why_not = "has no wheel, and source archives are not allowed (`sdist: true` allows them)";
      }
      if (group.wheels && group.sdists && group.needs_python.empty()) {
        candidate.why_not += ", only others and a source archive (`sdist: true` allows it)";
      }
    }
    project.candidates.push_back(std::move(candidate));
  }
  return project;
}

}  // namespace airlock::ecosystem::pypi
