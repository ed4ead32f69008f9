#include "workflow/named_keys.hpp"

#include <optional>
#include <system_error>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "bundle/folder.hpp"
#include "trust/public_key_file.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

constexpr std::size_t k_person_limit = 60;  // bytes of a name

// "anna" of "anna.pub.json" and "anna.pem"; nullopt for other files.
std::optional<std::string> person_of(const fs::path& file) {
  const std::string name = file.filename().string();
  for (const std::string_view suffix : {".pub.json", ".pem"}) {
    if (name.size() > suffix.size() && name.ends_with(suffix)) {
      return name.substr(0, name.size() - suffix.size());
    }
  }
  return std::nullopt;
}

NamedKey read_named_key(const fs::path& file, const std::string& person) {
  try {
    auto read = trust::parse_public_key_file(base::read_file(file, trust::k_public_key_limit), file.string());
    return {.key = std::move(read.key),
            .name = base::printable(read.name.empty() ? person : read.name, k_person_limit)};
  } catch (const Error& error) {
    throw Error(ErrorCode::config, fmt::format("{} is no public key: {}", file.string(), error.message()))
        .with_hint(error.hint());
  }
}

}  // namespace

std::vector<NamedKey> read_named_keys(const fs::path& folder) {
  std::vector<NamedKey> keys;
  if (std::error_code ignored; !fs::is_directory(folder, ignored)) {
    return keys;
  }
  for (const fs::path& file : bundle::list_regular_files(folder)) {
    if (const auto person = person_of(file)) {
      keys.push_back(read_named_key(file, *person));
    }
  }
  return keys;
}

std::map<std::string, std::string> known_names(const Home& home) {
  std::map<std::string, std::string> names;
  for (const std::string_view folder : {"people", "approvers"}) {
    try {
      for (const NamedKey& key : read_named_keys(home.config / folder)) {
        names.insert_or_assign(key.key.keyid(), key.name);
      }
    } catch (const Error&) {
      continue;  // whoever needs the keys themselves hears of it
    }
  }
  return names;
}

}  // namespace airlock::workflow
