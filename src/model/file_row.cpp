#include "model/file_row.hpp"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "model/flat_json.hpp"
#include "model/name_folding.hpp"

namespace airlock::model {

using base::Digest;
using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_max_line = 64 * 1024;  // bytes
constexpr std::size_t k_max_path = 1024;       // bytes
constexpr std::size_t k_max_text = 4096;       // bytes, of every other member
constexpr std::size_t k_max_marks = 30;        // in a row, as Unicode's stream-safe text has it

constexpr std::array<std::pair<Kind, std::string_view>, 6> k_kinds{{{Kind::file, "file"},
                                                                    {Kind::meta, "meta"},
                                                                    {Kind::tag, "tag"},
                                                                    {Kind::layout, "layout"},
                                                                    {Kind::known, "known"},
                                                                    {Kind::withheld, "withheld"}}};

constexpr std::array<std::pair<Verified, std::string_view>, 5> k_verified{
    {{Verified::none, "none"},
     {Verified::waived, "waived"},
     {Verified::upstream_digest, "upstream-digest"},
     {Verified::upstream_signature, "upstream-signature"},
     {Verified::checksum_database, "checksum-database"}}};

template <typename Table, typename Value>
std::string_view name_in(const Table& table, Value value) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const auto& entry) { return entry.first == value; });
  return found == table.end() ? std::string_view("?") : found->second;
}

template <typename Table>
auto value_in(const Table& table, std::string_view name, std::string_view what) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const auto& entry) { return entry.second == name; });
  if (found == table.end()) {
    throw Error(ErrorCode::malformed, fmt::format("'{}' is not a {}", base::printable(name), what));
  }
  return found->first;
}

// Printable ASCII without spaces, which is all that these members ever hold.
bool is_plain(std::string_view text) {
  return text.size() <= k_max_text && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

bool is_plain_path(std::string_view text) {  // the usual case, without building a printable copy
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7F; });
}

void check_origin(std::string_view origin, const FlatJsonReader& reader) {
  const std::size_t colon = origin.find(':');
  const bool scheme = colon != std::string_view::npos && colon > 0 &&
                      std::all_of(origin.begin(), origin.begin() + static_cast<std::ptrdiff_t>(colon), [](char c) {
                        return base::is_lower(c) || base::is_digit(c) || c == '+' || c == '-' || c == '.';
                      });
  if (!scheme || origin.size() > k_max_text || base::printable(origin, k_max_text + 1) != origin) {
    reader.fail(fmt::format("'{}' is not an origin", base::printable(origin)));
  }
  if (const std::string_view rest = origin.substr(colon + 1); rest.starts_with("//")) {
    const std::string_view authority = rest.substr(2, rest.find_first_of("/?#", 2) - 2);
    if (authority.find('@') != std::string_view::npos) {
      reader.fail("the origin carries user information");
    }
  }
}

void check_pin(std::string_view pin, const FlatJsonReader& reader) {
  if (pin.starts_with("h1:")) {  // Go's hash of a module's files (golang.org/x/mod/sumdb/dirhash)
    if (const auto bytes = base::base64_decode(pin.substr(3)); bytes && bytes->size() == 32) {
      return;
    }
    reader.fail(fmt::format("'{}' is not a pin", base::printable(pin)));
  }
  try {
    Digest::parse(pin);
  } catch (const Error&) {
    reader.fail(fmt::format("'{}' is not a pin", base::printable(pin)));
  }
}

void check_complete(const FileRow& row, RowForm form, const FlatJsonReader& reader) {
  if (row.path.empty()) {
    reader.fail("the row has no path");
  }
  if (row.kind == Kind::known) {
    if (row.length || row.sha256) {
      reader.fail("a row of kind 'known' has no content, but this one states some");
    }
    return;
  }
  if (form == RowForm::catalog && (!row.length || !row.sha256)) {
    reader.fail(fmt::format("the row of '{}' lacks its length or sha256", base::printable(row.path)));
  }
}

}  // namespace

std::string_view to_string(Kind kind) {
  return name_in(k_kinds, kind);
}
std::string_view to_string(Verified verified) {
  return name_in(k_verified, verified);
}
Kind parse_kind(std::string_view text) {
  return value_in(k_kinds, text, "kind of file");
}
Verified parse_verified(std::string_view text) {
  return value_in(k_verified, text, "way of verification");
}

bool row_before(const FileRow& a, const FileRow& b) {
  return std::tie(a.ecosystem, a.path) < std::tie(b.ecosystem, b.path);
}

void check_path(std::string_view path, std::string_view where) {
  const auto fail = [&](std::string_view why) {
    throw Error(ErrorCode::malformed, fmt::format("{}: the path '{}' {}", where, base::printable(path), why));
  };
  if (path.empty() || path.size() > k_max_path) {
    fail("is empty or longer than 1024 bytes");
  }
  if (path.find('\\') != std::string_view::npos) {
    fail("holds a backslash");
  }
  if (!is_plain_path(path)) {
    if (base::printable(path, k_max_path + 1) != path) {
      fail("holds what cannot be printed");
    }
    if (longest_mark_row(path) > k_max_marks) {
      fail("has more than 30 accents on one letter");
    }
  }
  if (path.front() == ' ' || path.back() == ' ') {
    fail("begins or ends with white space");
  }
  std::size_t start = 0;
  for (;;) {
    const std::size_t slash = std::min(path.find('/', start), path.size());
    const std::string_view segment = path.substr(start, slash - start);
    if (segment.empty() || segment == "." || segment == "..") {
      fail("has an empty, '.' or '..' segment");
    }
    if (slash == path.size()) {
      return;
    }
    start = slash + 1;
  }
}

std::string to_json_line(const FileRow& row, RowForm form) {
  std::string line;
  line.reserve(512);
  const auto text = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) {
      line += line.empty() ? "{\"" : ",\"";
      line += name;
      line += "\":";
      append_json_string(line, value);
    }
  };
  const auto number = [&](std::string_view name, std::optional<std::uint64_t> value) {
    if (value) {
      line += ",\"";
      line += name;
      line += "\":";
      line += std::to_string(*value);
    }
  };
  // The path comes first in a catalog and second in a lock, so that both sort as text in the order of their rows.
  if (form == RowForm::lock) {
    text("ecosystem", row.ecosystem);
  }
  text("path", row.path);
  if (form == RowForm::catalog) {
    number("length", row.length);
    text("sha256", row.sha256 ? row.sha256->hex() : "");
  }
  text("artifact", row.artifact);
  text("kind", to_string(row.kind));
  text("media_type", row.media_type);
  text("platform", row.platform);
  text("origin", row.origin);
  if (form == RowForm::lock) {
    text("pin", row.pin);
    number("length", row.length);
    text("sha256", row.sha256 ? row.sha256->hex() : "");
  }
  text("verified", to_string(row.verified));
  line += '}';
  return line;
}

FileRow parse_row(std::string_view line, RowForm form, std::string_view ecosystem, std::string_view where) {
  if (line.size() > k_max_line) {
    throw Error(ErrorCode::limit, fmt::format("{}: the row is longer than {} bytes", where, k_max_line));
  }
  enum Member { ecosystem_, path, artifact, kind, media_type, platform, origin, pin, verified, length, sha256, count };
  static constexpr std::array<std::string_view, count> names{"ecosystem",  "path",     "artifact", "kind",
                                                             "media_type", "platform", "origin",   "pin",
                                                             "verified",   "length",   "sha256"};
  FileRow row;
  row.ecosystem = ecosystem;
  unsigned seen = 0;
  FlatJsonReader reader(line, where);
  std::string_view name;
  const auto plain = [&](std::string& into) {
    into = reader.string_value();
    if (!is_plain(into)) {
      reader.fail(fmt::format("'{}' holds '{}'", name, base::printable(into)));
    }
  };
  const auto checked = [&](auto parse) {  // so that its message names the place too
    try {
      return parse(reader.string_value());
    } catch (const Error& error) {
      reader.fail(error.message());
    }
  };
  while (reader.next(name)) {
    const auto found = std::find(names.begin(), names.end(), name);
    const auto member = static_cast<unsigned>(found - names.begin());
    const bool only_in_lock = member == ecosystem_ || member == pin;
    if (found == names.end() || (form == RowForm::catalog && only_in_lock)) {
      reader.fail(fmt::format("the member '{}' is not known here", base::printable(name)));
    }
    if ((seen & (1U << member)) != 0) {
      reader.fail(fmt::format("the member '{}' stands there twice", name));
    }
    seen |= 1U << member;
    switch (member) {
    case ecosystem_:
      plain(row.ecosystem);
      break;
    case path:
      row.path = reader.string_value();
      check_path(row.path, where);
      break;
    case artifact:
      plain(row.artifact);
      if (!row.artifact.starts_with("pkg:")) {
        reader.fail(fmt::format("'{}' is not a package URL", base::printable(row.artifact)));
      }
      break;
    case kind:
      row.kind = checked(parse_kind);
      break;
    case media_type:
      row.media_type = reader.string_value();
      if (row.media_type.size() > k_max_text || !is_plain_path(row.media_type)) {
        reader.fail(fmt::format("'{}' is not a media type", base::printable(row.media_type)));
      }
      break;
    case platform:
      plain(row.platform);
      break;
    case origin:
      row.origin = reader.string_value();
      check_origin(row.origin, reader);
      break;
    case pin:
      plain(row.pin);
      check_pin(row.pin, reader);
      break;
    case verified:
      row.verified = checked(parse_verified);
      break;
    case length:
      row.length = reader.number_value();
      break;
    case sha256:
      row.sha256 = checked(Digest::parse_sha256_hex);
      break;
    default:
      break;
    }
  }
  if (form == RowForm::lock && row.ecosystem.empty()) {
    reader.fail("the row has no ecosystem");
  }
  check_complete(row, form, reader);
  return row;
}

}  // namespace airlock::model
