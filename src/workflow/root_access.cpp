#include "workflow/root_access.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "trust/key.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

std::optional<Error> why_closed(const fs::path& file, const std::optional<base::Secret>& passphrase) {
  try {
    static_cast<void>(trust::load_private_key(file, passphrase));
    return std::nullopt;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::auth) {
      throw;
    }
    return error;
  }
}

}  // namespace

std::vector<fs::path> root_key_files(const std::vector<fs::path>& named) {
  std::vector<fs::path> files;
  for (const fs::path& path : named) {
    if (std::error_code ignored; !fs::is_directory(path, ignored)) {
      files.push_back(path);
      continue;
    }
    const std::size_t before = files.size();
    for (const auto& entry : fs::directory_iterator(path)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("root") && name.ends_with(".pem")) {
        files.push_back(entry.path());
      }
    }
    if (files.size() == before) {
      throw Error(ErrorCode::not_found, fmt::format("{} holds no root*.pem", path.string()))
          .with_hint("name the file of root's private key itself");
    }
  }
  std::ranges::sort(files);
  return files;
}

bool any_root_key_is_encrypted(const std::vector<fs::path>& named) {
  const auto files = root_key_files(named);
  return std::ranges::any_of(files, trust::private_key_is_encrypted);
}

// One passphrase opens a home. Where a new key had another, or none, no bundle could be made any more, or the others'
// would have been for nothing.
std::optional<base::Secret> passphrase_for_new_key(const std::vector<ReachableKey>& keys, const std::string& replaced,
                                                   const RootAccess& access) {
  if (access.new_key) {
    return access.new_key->secret;
  }
  std::vector<fs::path> encrypted;
  std::vector<fs::path> encrypted_and_leaving;
  bool has_files = false;
  for (const ReachableKey& key : keys) {
    has_files = has_files || !key.file.empty();
    if (!key.file.empty() && trust::private_key_is_encrypted(key.file)) {
      (key.keyid == replaced ? encrypted_and_leaving : encrypted).push_back(key.file);
    }
  }
  if (encrypted.empty()) {
    encrypted = std::move(encrypted_and_leaving);
  }
  if (encrypted.empty()) {
    return has_files ? std::nullopt : access.passphrase;
  }
  std::optional<Error> closed;
  for (const fs::path& file : encrypted) {
    auto why = why_closed(file, access.passphrase);
    if (!why) {
      return access.passphrase;
    }
    if (!closed) {
      closed = std::move(why);
    }
  }
  throw closed->with_hint(
      fmt::format("the new key is to have the passphrase of the home's other keys, such as {}; give "
                  "that of --root-key with --root-passphrase-file. Where the home's is forgotten, "
                  "--new-passphrase gives the new key another",
                  encrypted.front().string()));
}

}  // namespace airlock::workflow
