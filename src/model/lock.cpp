#include "model/lock.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "model/flat_json.hpp"
#include "model/manifest.hpp"
#include "model/name_folding.hpp"
#include "model/platform.hpp"

namespace airlock::model {

using base::Digest;
using base::Error;
using base::ErrorCode;
using base::Json;

namespace {

constexpr std::uint64_t k_lock_format = 1;
constexpr std::size_t k_max_lock = 512 * 1024 * 1024;  // bytes; a row is some 400

Error lock_error(std::string_view name, int line, std::string_view message) {
  return Error(ErrorCode::lock, std::string(message))
      .at({.file = std::string(name), .line = line, .column = 0})
      .with_hint("a lock is written by `airlock bundle lock`; run it again instead of editing the file");
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string header_line(const Lock& lock) {
  std::vector<std::string> platforms;
  for (const std::string& platform : lock.platforms) {
    platforms.push_back(json_string(platform));
  }
  std::vector<std::string> waivers;
  for (const Waiver& waiver : lock.waivers) {
    waivers.push_back(
        fmt::format(R"({{"upstream":{},"what":{}}})", json_string(waiver.upstream), json_string(waiver.what)));
  }
  return fmt::format(R"({{"airlock_lock":{},"channel":{},"platforms":[{}],"request":{},"waivers":[{}]}})",
                     k_lock_format, json_string(lock.channel), base::join(platforms, ","),
                     json_string(lock.request.hex()), base::join(waivers, ","));
}

void parse_header(std::string_view line, std::string_view name, Lock& lock) {
  const Json header = base::parse_json(line, name, {.bytes = 1024 * 1024, .depth = 4, .members = 10'000});
  const std::uint64_t format = base::uint_member(header, "airlock_lock", name);
  if (format != k_lock_format) {
    throw lock_error(name, 1, fmt::format("the lock has format {}, this airlock reads {}", format, k_lock_format));
  }
  static const std::vector<std::string> known = {"airlock_lock", "channel", "platforms", "request", "waivers"};
  for (const auto& [key, value] : header.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      throw lock_error(name, 1, fmt::format("the member '{}' is not known here", base::printable(key)));
    }
  }
  lock.channel = base::string_member(header, "channel", name);
  check_channel_name(lock.channel, {.file = std::string(name), .line = 1, .column = 0});
  for (const char* const list : {"platforms", "waivers"}) {
    if (!base::member(header, list, name).is_array()) {
      throw lock_error(name, 1, fmt::format("'{}' is not a list", list));
    }
  }
  for (const Json& platform : base::member(header, "platforms", name)) {
    if (!platform.is_string()) {
      throw lock_error(name, 1, "a platform is not text");
    }
    lock.platforms.push_back(Platform::parse(platform.get<std::string>()).to_string());
  }
  lock.request = Digest::parse_sha256_hex(base::string_member(header, "request", name));
  for (const Json& waiver : base::member(header, "waivers", name)) {
    lock.waivers.push_back(
        {.upstream = base::string_member(waiver, "upstream", name), .what = base::string_member(waiver, "what", name)});
  }
}

// What a client, or its file system, takes for one path would be refused by every site.
void refuse_twins(const std::vector<FileRow>& rows) {
  std::map<std::pair<std::string_view, std::string>, std::string_view> seen;
  for (const FileRow& row : rows) {
    if (!folds_case(row.ecosystem)) {
      if (!is_composed(row.path)) {
        throw Error(ErrorCode::conflict, fmt::format("{} '{}' is not composed as Unicode has it (NFC)", row.ecosystem,
                                                     base::printable(row.path)))
            .with_hint("its composed spelling looks the same, and clients may take the two for one: rename it");
      }
      continue;
    }
    const auto [twin, added] = seen.emplace(std::pair(row.ecosystem, fold_name(row.path)), row.path);
    if (!added && twin->second != row.path) {
      throw Error(ErrorCode::conflict,
                  fmt::format("{} '{}' and '{}' differ only in case, or in how letters are composed", row.ecosystem,
                              base::printable(twin->second), base::printable(row.path)))
          .with_hint("give one of them another path");
    }
  }
}

}  // namespace

std::string Lock::to_text() const {
  std::string text = header_line(*this) + '\n';
  for (const FileRow& row : rows) {
    text += to_json_line(row, RowForm::lock);
    text += '\n';
  }
  return text;
}

Lock Lock::parse(std::string_view text, std::string_view name) {
  Lock lock;
  int line_number = 0;
  while (!text.empty()) {
    ++line_number;
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (end == std::string_view::npos) {
      throw lock_error(name, line_number, "the last line does not end; the file was cut off");
    }
    text.remove_prefix(end + 1);
    try {
      if (line_number == 1) {
        parse_header(line, name, lock);
        continue;
      }
      lock.rows.push_back(parse_row(line, RowForm::lock, "", fmt::format("line {}", line_number)));
    } catch (const Error& error) {
      if (error.code() == ErrorCode::lock) {
        throw;
      }
      throw lock_error(name, line_number, error.message());
    }
    if (lock.rows.size() > 1) {
      const FileRow& before = lock.rows[lock.rows.size() - 2];
      const FileRow& row = lock.rows.back();
      if (!row_before(before, row)) {
        throw lock_error(name, line_number,
                         row_before(row, before) ? fmt::format("'{}' stands after '{}', but rows are sorted",
                                                               base::printable(row.path), base::printable(before.path))
                                                 : fmt::format("'{}' stands there twice", base::printable(row.path)));
      }
    }
  }
  if (line_number == 0) {
    throw lock_error(name, 1, "the lock is empty");
  }
  return lock;
}

Lock Lock::read(const std::filesystem::path& path) {
  return parse(base::read_file(path, k_max_lock), path.string());
}

void Lock::save(const std::filesystem::path& path) const {
  base::write_file_atomic(path, to_text());
}

namespace {

// What two resolutions of one path agree on. Each may know what the other does not.
bool same_content(const FileRow& a, const FileRow& b) {
  const bool same_sha256 = !a.sha256 || !b.sha256 || a.sha256 == b.sha256;
  const bool same_length = !a.length || !b.length || a.length == b.length;
  const bool same_pin = a.pin.empty() || b.pin.empty() || a.pin == b.pin;
  // Without any digest in common, nothing but the same origin says that they are one file.
  const bool compared = (a.sha256 && b.sha256) || (!a.pin.empty() && !b.pin.empty()) || a.origin == b.origin;
  return same_sha256 && same_length && same_pin && compared && a.kind == b.kind;
}

// Threads find rows in any order; which of two equal ones stays must not depend on that.
bool preferred(const FileRow& a, const FileRow& b) {
  return std::tie(a.ecosystem, a.path, a.artifact, a.platform, a.origin, a.media_type, a.pin) <
         std::tie(b.ecosystem, b.path, b.artifact, b.platform, b.origin, b.media_type, b.pin);
}

std::string content_of(const FileRow& row) {
  const std::string content = row.sha256 ? row.sha256->to_string() : row.pin;
  return fmt::format("{} from {}", content.empty() ? "content not known yet" : content, row.origin);
}

}  // namespace

void Lock::normalise() {
  std::sort(rows.begin(), rows.end(), preferred);
  std::vector<FileRow> kept;
  kept.reserve(rows.size());
  for (FileRow& row : rows) {
    if (kept.empty() || row_before(kept.back(), row)) {
      kept.push_back(std::move(row));
      continue;
    }
    FileRow& here = kept.back();
    if (here.kind == Kind::known || row.kind == Kind::known) {
      if (here.kind == Kind::known) {  // one request leaves it out, another wants it
        here = std::move(row);
      }
      continue;
    }
    if (!same_content(here, row)) {
      throw Error(ErrorCode::conflict, fmt::format("{} '{}' has two contents: {}, and {}", here.ecosystem, here.path,
                                                   content_of(here), content_of(row)))
          .with_hint("two entries of the manifest fill one path; give one of them another path or the same version");
    }
    if (!here.sha256) {
      here.sha256 = row.sha256;
    }
    if (!here.length) {
      here.length = row.length;
    }
    if (here.pin.empty()) {
      here.pin = row.pin;
    }
    here.verified = std::max(here.verified, row.verified);
  }
  rows = std::move(kept);
  refuse_twins(rows);
  std::sort(waivers.begin(), waivers.end());
  waivers.erase(std::unique(waivers.begin(), waivers.end()), waivers.end());
}

}  // namespace airlock::model
