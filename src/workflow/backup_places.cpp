#include "workflow/backup_places.hpp"

#include <algorithm>
#include <array>
#include <system_error>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;

constexpr mode_t k_private = 0600;
constexpr std::size_t k_longest_member = 100;  // bytes, of a name in a plain tar
constexpr std::size_t k_longest_part = 90;     // bytes
constexpr std::string_view k_config_folder = "config";

constexpr std::array k_places = {
    // The connected side. Public roots and settings first: they are what signatures are checked with.
    BackupPlace{"keys/*.json", BackupContent::file, 0644},
    BackupPlace{"keys/*.txt", BackupContent::file, 0644},
    BackupPlace{"keys/pending/*", BackupContent::file, 0644},
    BackupPlace{"keys/*.pem", BackupContent::secret, k_private},
    BackupPlace{"keys/retired/*.pem", BackupContent::secret, k_private},
    BackupPlace{"channels/*/*.airlock", BackupContent::file, 0644},
    BackupPlace{"channels/*/*.json", BackupContent::file, 0644},
    // What an administrator set, and whom this site trusts.
    BackupPlace{"config/airlock.yaml", BackupContent::file, 0644},
    BackupPlace{"config/policy.yaml", BackupContent::file, 0644},
    BackupPlace{"config/roots/*.json", BackupContent::file, 0444},
    BackupPlace{"config/recipes/*", BackupContent::file, 0644},
    BackupPlace{"config/approvers/*", BackupContent::file, 0644},
    BackupPlace{"config/people/*", BackupContent::file, 0644},
    // The isolated side. Catalogs are made anew, from airlock.db.
    BackupPlace{"airlock.db", BackupContent::database, 0644},
    BackupPlace{"mirror.db", BackupContent::database, 0644},
    BackupPlace{"receipts/*.json", BackupContent::file, 0644},
    BackupPlace{"evidence/*.airlock", BackupContent::file, 0444},
    BackupPlace{"approvals/*.json", BackupContent::file, 0444},
    BackupPlace{"tls/cert.pem", BackupContent::file, 0644},
    BackupPlace{"tls/ca.pem", BackupContent::file, 0644},
    BackupPlace{"tls/key.pem", BackupContent::secret, k_private},
    BackupPlace{"tls/site/cert.pem", BackupContent::file, 0644},
    BackupPlace{"tls/site/ca.pem", BackupContent::file, 0644},
    BackupPlace{"tls/site/key.pem", BackupContent::secret, k_private},
    BackupPlace{"control/control.db", BackupContent::database, k_private},
    BackupPlace{"control/secrets.key", BackupContent::secret, k_private},
    BackupPlace{"control/admin.token", BackupContent::secret, k_private},
    // The index before the text: it says how much of the text counts, and that is then there.
    BackupPlace{"control/logs/*/*/*/*.index", BackupContent::file, k_private},
    BackupPlace{"control/logs/*/*/*/*.log", BackupContent::file, k_private},
    BackupPlace{"control/logs/*/*/*/truncated", BackupContent::file, k_private},
    BackupPlace{"control/sources/sha256/*/*", BackupContent::file, k_private},
};

// The write-ahead logs before their databases: in the order in which a restore puts things aside, no database may stand
// beside the log of another.
constexpr std::array<std::string_view, 14> k_home_entries = {
    "keys",      "channels",       "receipts",       "evidence",      "approvals",
    "tls",       "control",        "catalog",        "mirror.db-wal", "mirror.db-shm",
    "mirror.db", "airlock.db-wal", "airlock.db-shm", "airlock.db"};
constexpr std::array<std::string_view, 6> k_config_entries = {"roots",  "recipes",     "approvers",
                                                              "people", "policy.yaml", "airlock.yaml"};

bool is_plain(std::string_view part) {
  return !part.empty() && part.size() <= k_longest_part && part.front() != '.' && part.front() != '-' &&
         std::ranges::all_of(part, [](char c) { return base::is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

bool part_matches(std::string_view pattern, std::string_view part) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) {
    return pattern == part;
  }
  const auto before = pattern.substr(0, star);
  const auto after = pattern.substr(star + 1);
  return is_plain(part) && part.size() > before.size() + after.size() && part.starts_with(before) &&
         part.ends_with(after);
}

class Walk {
 public:
  Walk(const BackupPlace& place, std::vector<BackupFile>& files, std::vector<std::string>& left_out)
      : m_place(place), m_parts(base::split(place.pattern, '/')), m_files(files), m_left_out(left_out) {}

  void from(const fs::path& folder, std::size_t part, const std::string& member) {
    const bool last = part + 1 == m_parts.size();
    for (const auto& name : names(folder, m_parts[part], last)) {
      const auto path = folder / name;
      const auto whole = member.empty() ? name : member + "/" + name;
      std::error_code ignored;
      const auto kind = fs::symlink_status(path, ignored).type();
      if (!last && kind == fs::file_type::directory) {
        from(path, part + 1, whole);
      } else if (last && kind == fs::file_type::regular) {
        if (whole.size() <= k_longest_member && part_matches(m_parts[part], name)) {
          m_files.push_back({whole, path, &m_place});
        } else {
          m_left_out.push_back(whole);
        }
      }
    }
  }

  void start(const Home& home) {
    if (m_parts.front() == k_config_folder) {
      from(home.config, 1, std::string(k_config_folder));
    } else {
      from(home.root, 0, "");
    }
  }

 private:
  // Those that match; of the last part also those that match but for letters that a plain tar cannot carry.
  static std::vector<std::string> names(const fs::path& folder, const std::string& pattern, bool last) {
    if (pattern.find('*') == std::string::npos) {
      return {pattern};
    }
    std::vector<std::string> found;
    std::error_code failure;
    for (fs::directory_iterator it(folder, failure), end; !failure && it != end; it.increment(failure)) {
      auto name = it->path().filename().string();
      if (part_matches(pattern, name) || (last && name.front() != '.' && base::glob_match(pattern, name))) {
        found.push_back(std::move(name));
      }
    }
    if (failure && failure != std::errc::no_such_file_or_directory && failure != std::errc::not_a_directory) {
      throw base::system_error(failure.value(), "cannot list " + folder.string());
    }
    std::ranges::sort(found);
    return found;
  }

  const BackupPlace& m_place;
  std::vector<std::string> m_parts;
  std::vector<BackupFile>& m_files;
  std::vector<std::string>& m_left_out;
};

}  // namespace

std::span<const BackupPlace> backup_places() {
  return k_places;
}

const BackupPlace* find_backup_place(std::string_view member) {
  const auto parts = base::split(member, '/');
  const auto found = std::ranges::find_if(k_places, [&](const BackupPlace& place) {
    const auto pattern = base::split(place.pattern, '/');
    return std::ranges::equal(
        pattern, parts, [](const std::string& one, const std::string& other) { return part_matches(one, other); });
  });
  return member.size() <= k_longest_member && found != k_places.end() ? &*found : nullptr;
}

std::vector<BackupFile> find_backup_files(const Home& home, std::vector<std::string>& left_out) {
  std::vector<BackupFile> files;
  for (const auto& place : k_places) {
    Walk(place, files, left_out).start(home);
  }
  return files;
}

std::vector<std::string> home_entries(const Home& home) {
  std::vector<std::string> entries(k_home_entries.begin(), k_home_entries.end());
  if (home.config == home.root) {
    entries.insert(entries.end(), k_config_entries.begin(), k_config_entries.end());
  }
  return entries;
}

}  // namespace airlock::workflow
