#include "folder_state.hpp"

#include <algorithm>

#include "base/files.hpp"

namespace airlock::conformance {

namespace fs = std::filesystem;

namespace {

// Numbers sort as names when they have the same width.
std::string chain_name(std::uint64_t version) {
  const std::string digits = std::to_string(version);
  return std::string(20 - std::min<std::size_t>(digits.size(), 20), '0') + digits;
}

}  // namespace

FolderState::FolderState(fs::path folder) : m_folder(std::move(folder)), m_chain(m_folder / "chain") {
  base::make_directories(m_chain);
}

void FolderState::pin(const std::string& root) {
  for (const auto& entry : fs::directory_iterator(m_folder)) {
    fs::remove_all(entry.path());
  }
  base::make_directories(m_chain);
  base::write_file_atomic(m_folder / "pinned", root);
  save("root", root);
}

std::string FolderState::pinned_root() const {
  return base::read_file(m_folder / "pinned", trust::k_root_limit);
}

fs::path FolderState::role_file(std::string_view role) const {
  return m_folder / trust::metadata_file_name(role, std::nullopt);
}

std::optional<std::string> FolderState::load(std::string_view role) {
  return base::read_file_if_exists(role_file(role), trust::k_metadata_ceiling);
}

std::vector<std::string> FolderState::load_roots() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(m_chain)) {
    files.push_back(entry.path());
  }
  std::ranges::sort(files);
  std::vector<std::string> chain;
  for (const auto& file : files) {
    chain.push_back(base::read_file(file, trust::k_root_limit));
  }
  return chain;
}

void FolderState::save_root(std::uint64_t version, std::string_view bytes) {
  base::write_file_atomic(m_chain / chain_name(version), bytes);
  save("root", bytes);
}

void FolderState::save(std::string_view role, std::string_view bytes) {
  base::write_file_atomic(role_file(role), bytes);
}

void FolderState::remove(std::string_view role) {
  fs::remove(role_file(role));
}

}  // namespace airlock::conformance
