// Trust state as a folder of files, persisted step by step as TUF 1.0.34 describes; for the adapter only.
#pragma once

#include <filesystem>

#include "trust/client.hpp"

namespace airlock::conformance {

// `<role>.json` for each accepted role, as the suite expects to find them. The pinned root and the chain that
// follows it lie in a folder beside them, where nothing ends in .json.
class FolderState : public trust::StateStore {
 public:
  explicit FolderState(std::filesystem::path folder);

  // Starts over from this root, forgetting everything else.
  void pin(const std::string& root);
  std::string pinned_root() const;  // throws not_found

  std::optional<std::string> load(std::string_view role) override;
  std::vector<std::string> load_roots() override;
  void save_root(std::uint64_t version, std::string_view bytes) override;
  void save(std::string_view role, std::string_view bytes) override;
  void remove(std::string_view role) override;

 private:
  std::filesystem::path role_file(std::string_view role) const;

  std::filesystem::path m_folder;
  std::filesystem::path m_chain;
};

}  // namespace airlock::conformance
