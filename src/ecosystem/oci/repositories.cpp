#include "ecosystem/oci/repositories.hpp"

#include <set>

#include "ecosystem/oci/rows.hpp"

namespace airlock::ecosystem::oci {

namespace {

// Sorts after everything that a path may continue with at this place: digests, tags and "/" are all below it.
constexpr char k_after_all = '\x7f';

}  // namespace

std::vector<std::string> list_repositories(const store::Catalog& catalog) {
  std::set<std::string> found;
  std::string after;
  while (true) {
    const std::vector<store::CatalogRow> next = catalog.list(k_ecosystem, "", after, 1);
    if (next.empty()) {
      return {found.begin(), found.end()};
    }
    const std::string& path = next.front().path;
    const std::optional<RowPath> parts = parse_row_path(path);
    if (!parts) {
      after = path;
      continue;
    }
    found.insert(parts->repository);
    // The rows of "a/b" and of "a/b/c" interleave, so only one group of rows is skipped at a time.
    const std::string_view group = parts->subject ? "/referrers/" : (parts->digest ? "@" : ":");
    after = parts->repository + std::string(group) + k_after_all;
  }
}

std::shared_ptr<const std::vector<std::string>> RepositoryList::of(const store::Catalog& catalog) {
  const std::lock_guard lock(m_mutex);
  if (!m_list || m_number != catalog.number()) {
    m_list = std::make_shared<const std::vector<std::string>>(list_repositories(catalog));
    m_number = catalog.number();
  }
  return m_list;
}

bool has_repository(const store::Catalog& catalog, std::string_view repository) {
  for (std::string_view group : {":", "@", "/referrers/"}) {
    if (!catalog.list(k_ecosystem, std::string(repository) + std::string(group), "", 1).empty()) {
      return true;
    }
  }
  return false;
}

}  // namespace airlock::ecosystem::oci
