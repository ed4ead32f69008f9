// Inside of StateDb, shared by its source files only.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/files.hpp"
#include "base/sqlite.hpp"
#include "store/state_db.hpp"

namespace airlock::store {

struct StateDb::Impl {
  Impl(const std::filesystem::path& folder, Access access);

  // A statement that is prepared once and kept, for a base::RunningStatement. Not for loops that call back: those
  // prepare their own.
  base::Statement& cached(std::string_view sql);

  std::optional<std::string> setting(std::string_view key);
  void set_setting(std::string_view key, std::string_view value);
  void remove_setting(std::string_view key);

  // The row number of a channel; 0 when it is not known. `add_channel` makes it known.
  std::int64_t find_channel(const ChannelKey& channel);
  std::int64_t add_channel(const ChannelKey& channel);

  std::filesystem::path home;
  std::optional<base::FileLock> lock;  // before the database, so that it is released after it
  base::Database database;
  std::map<std::string, std::unique_ptr<base::Statement>, std::less<>> statements;
  std::int64_t step = 0;  // of the schema; readers may meet an older one
};

}  // namespace airlock::store
