#include "workflow/key_staging.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>

#include "base/error.hpp"
#include "trust/metadata.hpp"
#include "workflow/key_store.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

constexpr std::string_view k_prefix = "keys-";
constexpr std::size_t k_random_letters = 6;  // of mkdtemp

base::Fd open_folder(const fs::path& folder) {
  return base::Fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

bool is_roots_key(const trust::PublicKey& key, const trust::Root& root) {
  const auto& keyids = root.roles.at("root").keyids;
  return std::ranges::find(keyids, key.keyid()) != keyids.end();
}

// Those that the run of `staged` had put there already: its root names them, and no other root ever will.
void remove_roots_keys(const Home& staged, const fs::path& folder, const std::optional<base::Secret>& passphrase) {
  const auto roots = own_root_files(staged);
  if (roots.empty()) {
    return;
  }
  const trust::Root root = parse_own_root(base::read_file(roots.front(), trust::k_root_limit));
  for (std::uint64_t number = 1; number <= root.roles.at("root").keyids.size(); ++number) {
    const fs::path file = folder / key_file_name("root", number);
    std::error_code ignored;
    if (fs::exists(file, ignored) && is_roots_key(trust::load_private_key(file, passphrase)->public_key(), root)) {
      fs::remove(file, ignored);
    }
  }
}

}  // namespace

KeyStaging::KeyStaging(const Home& home) : m_folder(home.root, k_prefix), m_lock(open_folder(m_folder.path())) {
  if (m_lock) {
    static_cast<void>(flock(m_lock.get(), LOCK_EX | LOCK_NB));
  }
}

void remove_staged_keys(const Home& home, const fs::path& root_key_folder,
                        const std::optional<base::Secret>& passphrase) {
  std::error_code ignored;
  for (fs::directory_iterator it(home.root, ignored), end; !ignored && it != end; it.increment(ignored)) {
    const std::string name = it->path().filename().string();
    if (name.size() != k_prefix.size() + k_random_letters || !name.starts_with(k_prefix)) {
      continue;
    }
    const base::Fd lock = open_folder(it->path());
    if (!lock || flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
      continue;
    }
    if (!root_key_folder.empty()) {
      try {
        remove_roots_keys({.root = it->path(), .config = it->path()}, root_key_folder, passphrase);
      } catch (const Error& error) {
        if (error.code() == ErrorCode::interrupted) {
          throw;
        }
        continue;  // what cannot be told to be of that run stays, and is named as being in the way
      }
    }
    std::error_code failure;
    fs::remove_all(it->path(), failure);
  }
}

}  // namespace airlock::workflow
