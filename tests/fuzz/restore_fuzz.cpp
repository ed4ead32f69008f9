// A backup of a site with two states that somebody exchanged where it lay: the true root is in it, the rest is what the
// input says (sections.hpp). Sections are members, "-NAME" takes one away. The lines of the section "rows" change
// airlock.db, where nothing is signed: TABLE.COLUMN=VALUE, TABLE.COLUMN[K]=VALUE, +TABLE=VALUE|VALUE…, -TABLE. A value
// is a text, or behind "i:" a number, behind "x:" the bytes that are spelt in hex, or "n:" for none.
//
// What such a backup is restored to serves nothing but what the heads in it say, or it changes nothing.
#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "backup_maker.hpp"
#include "base/error.hpp"
#include "base/sqlite.hpp"
#include "base/text.hpp"
#include "fuzz_target.hpp"
#include "memory_file.hpp"
#include "sections.hpp"
#include "store/catalog.hpp"
#include "support/bundle_maker.hpp"
#include "workflow/import.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/restore.hpp"

using namespace airlock;

namespace {

constexpr std::size_t k_limit = 64u << 20;  // bytes of a file that is read
constexpr std::size_t k_most_changes = 50;
constexpr std::string_view k_database = "airlock.db";
constexpr std::string_view k_rows = "rows";

bool is_word(std::string_view text) {
  return !text.empty() && base::is_letter(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return base::is_alphanumeric(c) || c == '_'; });
}

std::int64_t number_of(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string bytes_of(std::string_view hex) {
  std::string bytes;
  for (; hex.size() >= 2; hex.remove_prefix(2)) {
    unsigned int byte = 0;
    std::from_chars(hex.data(), hex.data() + 2, byte, 16);
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes;
}

void bind_value(base::Statement& statement, int index, std::string_view value) {
  if (value.starts_with("i:")) {
    statement.bind(index, number_of(value.substr(2)));
  } else if (value.starts_with("x:")) {
    const std::string bytes = bytes_of(value.substr(2));
    statement.bind_blob(index, base::as_bytes(bytes));
  } else if (value == "n:") {
    statement.bind_null(index);
  } else {
    statement.bind(index, value);
  }
}

void insert(const base::Database& database, std::string_view table, std::string_view list) {
  const auto values = base::split(list, '|');
  std::string marks = "?";
  for (std::size_t i = 1; i < values.size(); ++i) {
    marks += ",?";
  }
  auto statement = database.prepare("INSERT OR REPLACE INTO " + std::string(table) + " VALUES (" + marks + ")");
  for (std::size_t i = 0; i < values.size(); ++i) {
    bind_value(statement, static_cast<int>(i + 1), values[i]);
  }
  statement.run();
}

// `place`: "TABLE.COLUMN" or "TABLE.COLUMN[K]".
void update(const base::Database& database, std::string_view place, std::string_view value) {
  const auto dot = std::min(place.find('.'), place.size());
  const auto open = std::min(place.find('['), place.size());
  const std::string table(place.substr(0, dot));
  const std::string column(dot < open ? place.substr(dot + 1, open - dot - 1) : std::string_view());
  if (!is_word(table) || !is_word(column)) {
    return;
  }
  std::string sql = "UPDATE OR REPLACE " + table + " SET " + column + "=?";
  if (open < place.size()) {
    sql += " WHERE " + column + "=(SELECT " + column + " FROM " + table + " ORDER BY 1 LIMIT 1 OFFSET ?)";
  }
  auto statement = database.prepare(sql);
  bind_value(statement, 1, value);
  if (open < place.size()) {
    statement.bind(2, number_of(place.substr(open + 1)));
  }
  statement.run();
}

void change(base::Database& database, std::string_view line) {
  const auto equals = std::min(line.find('='), line.size());
  const auto value = line.substr(std::min(equals + 1, line.size()));
  try {
    if (line.starts_with('-') && is_word(line.substr(1))) {
      database.execute("DELETE FROM " + std::string(line.substr(1)));
    } else if (line.starts_with('+') && is_word(line.substr(1, equals - 1))) {
      insert(database, line.substr(1, equals - 1), value);
    } else if (equals < line.size()) {
      update(database, line.substr(0, equals), value);
    }
  } catch (const base::Error&) {
    return;  // there is no such table, column or row
  }
}

class Thief {
 public:
  Thief() {
    base::TempDir folder(fuzz::memory_place());
    const test::ProducerKeys keys;
    const workflow::Home site{folder.path() / "home", folder.path() / "home"};
    workflow::pin_root(site, keys.first_root(), {});
    base::SilentReporter reporter;
    const auto first =
        test::make_bundle(folder.path(), {test::text_file("a.txt", "old"), test::text_file("b.txt", "b")}, keys);
    const auto second = test::make_bundle(
        folder.path(), {test::text_file("a.txt", "new"), test::text_file("b.txt", "b")}, keys,
        {.serial = 2, .created = test::bundle_time(1), .previous = first.contents, .revoked = {"pkg:npm/evil"}});
    for (const auto& head : {first.head, second.head}) {
      workflow::ImportOptions options;
      options.home = site;
      options.bundles = {head};
      workflow::import_bundles(options, m_clock, reporter);
    }
    const auto file = folder.path() / "backup.tar";
    workflow::write_backup(
        {.home = site, .file = file, .secrets = {}, .blobs = workflow::BackupOptions::Blobs::include}, m_clock,
        reporter);
    const std::string tar = base::read_file(file, k_limit);
    const fuzz::MemoryFile opened(tar);
    base::list_tar(opened.fd(), tar.size(), "backup", 1000, [&](const base::TarMember& member) {
      if (member.name != workflow::k_backup_list) {
        m_members.push_back({member.name, tar.substr(member.offset, member.size)});
      }
      return true;
    });
  }

  std::vector<fuzz::Section> exchanged(const std::vector<fuzz::Section>& sections) const {
    std::vector<fuzz::Section> members = m_members;
    for (const fuzz::Section& section : sections) {
      if (section.name == k_rows) {
        change_rows(members, section.text);
        continue;
      }
      const bool is_removal = section.name.starts_with('-');
      const std::string name = is_removal ? section.name.substr(1) : section.name;
      std::erase_if(members, [&](const fuzz::Section& member) { return member.name == name; });
      if (!is_removal) {
        members.insert(members.begin(), section);
      }
    }
    return members;
  }

  // Into a home that has nothing; true: it was restored.
  bool restore(const std::string& backup) const {
    const fuzz::MemoryFile file(backup);
    base::SilentReporter reporter;
    std::filesystem::remove_all(home());
    workflow::RestoreOptions options;
    options.home = {home(), home()};
    options.file = file.path();
    try {
      workflow::restore_home(options, m_clock, reporter);
      return true;
    } catch (const base::Error& error) {
      fuzz::require(error.code() != base::ErrorCode::internal, "a refusal is no fault of airlock's");
      return false;
    }
  }
  std::filesystem::path home() const { return m_folder.path() / "home"; }

 private:
  void change_rows(std::vector<fuzz::Section>& members, std::string_view text) const {
    const auto database = std::find_if(members.begin(), members.end(),
                                       [](const fuzz::Section& member) { return member.name == k_database; });
    if (database == members.end()) {
      return;
    }
    const auto path = m_folder.path() / "rows.db";
    base::write_file_atomic(path, database->text);
    try {
      base::Database opened(path, base::DatabaseMode::read_write);
      opened.execute("PRAGMA journal_mode=DELETE; PRAGMA synchronous=OFF; PRAGMA foreign_keys=OFF");
      const auto lines = base::split(text, '\n');
      for (std::size_t i = 0; i < std::min(lines.size(), k_most_changes); ++i) {
        change(opened, lines[i]);
      }
    } catch (const base::Error&) {
      std::filesystem::remove(path);
      return;  // another section made it no database
    }
    database->text = base::read_file(path, k_limit);
    std::filesystem::remove(path);
  }

  base::TempDir m_folder{fuzz::memory_place()};
  base::FixedClock m_clock{test::bundle_time(3)};
  std::vector<fuzz::Section> m_members;
};

void check_served(const std::filesystem::path& home) {
  static const std::set<std::pair<std::string, base::Digest>> signed_rows = {
      {"a.txt", base::sha256("old")}, {"a.txt", base::sha256("new")}, {"b.txt", base::sha256("b")}};
  const auto catalog = store::Catalog::open_current(home);
  if (!catalog) {
    return;
  }
  for (const store::CatalogRow& row : catalog->list("file", "", "", 100)) {
    fuzz::require(!row.sha256 || signed_rows.contains({row.path, *row.sha256}), "only what heads say is served");
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Thief thief;
  const auto sections = fuzz::sections_of(fuzz::as_text(data, size));
  std::string backup;
  try {
    backup = fuzz::backup_of(thief.exchanged(sections));
  } catch (const base::Error&) {
    return 0;  // a tar of ours has no such members
  }
  if (thief.restore(backup)) {
    check_served(thief.home());
  } else {
    fuzz::require(!sections.empty(), "what is honest is restored");
    fuzz::require(!std::filesystem::exists(thief.home() / k_database), "a backup that is refused changes nothing");
  }
  return 0;
}
