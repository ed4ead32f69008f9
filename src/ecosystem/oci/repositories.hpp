// Which repositories a catalog holds.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "store/catalog.hpp"

namespace airlock::ecosystem::oci {

// "HOST/REPO" of every repository with a tag or a manifest, sorted by bytes, each once. Skips from one to the
// next, so that the cost grows with repositories, not with rows.
std::vector<std::string> list_repositories(const store::Catalog& catalog);

// The same, kept until another catalog is active. Thread-safe.
class RepositoryList {
 public:
  std::shared_ptr<const std::vector<std::string>> of(const store::Catalog& catalog);

 private:
  std::mutex m_mutex;
  std::uint64_t m_number = 0;
  std::shared_ptr<const std::vector<std::string>> m_list;
};

// Whether anything of "HOST/REPO" is there.
bool has_repository(const store::Catalog& catalog, std::string_view repository);

}  // namespace airlock::ecosystem::oci
