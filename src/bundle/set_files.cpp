#include "bundle/set_files.hpp"

#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "bundle/folder.hpp"
#include "bundle/head.hpp"

namespace airlock::bundle {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

namespace {

// nullopt: it is no part of a set.
std::optional<std::string> set_of(const fs::path& path, base::FollowLinks follow) {
  const base::Fd fd = base::open_for_reading(path, follow);
  auto hint = peek_hint(fd.get(), base::file_size(fd.get(), path.string()));
  if (!hint || (hint->kind != "volume" && hint->kind != "head")) {
    return std::nullopt;
  }
  return std::move(hint->set);
}

// Each file and folder has one spelling, so that a file that is left out is left out under every name.
fs::path one_spelling(const fs::path& path) {
  std::error_code failure;
  auto found = fs::canonical(path, failure);
  return failure ? path : found;
}

class SetSearch {
 public:
  explicit SetSearch(std::vector<base::Finding>& findings) : m_findings(findings) {}

  void take_named(const fs::path& file) {
    auto set = set_of(file, base::FollowLinks::yes);
    if (!set) {
      throw Error(ErrorCode::malformed, fmt::format("{} is no part of a bundle", printable_path(file)))
          .with_hint("give a bundle, its head, a volume of it, or the folder in which they lie");
    }
    const fs::path target = one_spelling(file);  // later on no link is followed
    add(*set, target);
    m_named.insert(std::move(*set));
    m_beside.insert(one_spelling(file.has_parent_path() ? file.parent_path() : fs::path(".")));
    m_beside.insert(target.parent_path());
  }

  void take_folder(const fs::path& folder) { look_through(one_spelling(folder), nullptr); }

  // After all that was named.
  void take_beside() {
    for (const fs::path& folder : m_beside) {
      look_through(folder, &m_named);
    }
  }

  std::vector<SetFiles> finish() { return std::move(m_sets); }

 private:
  void look_through(const fs::path& folder, const std::set<std::string>* only) {
    for (const fs::path& path : list_regular_files(folder)) {
      base::throw_if_interrupted();
      try {
        const auto set = set_of(path, base::FollowLinks::no);
        if (set && (only == nullptr || only->contains(*set))) {
          add(*set, path);
        }
      } catch (const Error& error) {
        m_findings.push_back({.severity = base::Severity::warning,
                              .code = error.code(),
                              .subject = printable_path(path),
                              .message = error.message()});
      }
    }
  }

  void add(const std::string& set, const fs::path& file) {
    const auto [place, is_new] = m_places.try_emplace(set, m_sets.size());
    if (is_new) {
      m_sets.push_back({.set = set, .files = {}});
    }
    m_sets[place->second].files.push_back(file);
  }

  std::vector<base::Finding>& m_findings;
  std::vector<SetFiles> m_sets;
  std::map<std::string, std::size_t> m_places;  // index in `m_sets`
  std::set<std::string> m_named;
  std::set<fs::path> m_beside;
};

}  // namespace

std::vector<SetFiles> list_sets(const std::vector<fs::path>& paths, std::vector<base::Finding>& findings) {
  SetSearch search(findings);
  for (const fs::path& path : paths) {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) {
      search.take_folder(path);
    } else {
      search.take_named(path);
    }
  }
  search.take_beside();
  auto sets = search.finish();
  if (sets.empty()) {
    throw Error(ErrorCode::not_found, fmt::format("there is no bundle and no volume of one in {}",
                                                  paths.empty() ? "nothing" : printable_path(paths.front())))
        .with_hint("give a bundle, its head, a volume of it, or the folder in which they lie");
  }
  return sets;
}

}  // namespace airlock::bundle
