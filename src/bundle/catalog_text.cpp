#include "bundle/catalog_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/layout.hpp"

namespace airlock::bundle {

using base::Error;
using base::ErrorCode;
using model::FileRow;
using model::Kind;

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 14> k_purl_types{{{"deb", "deb"},
                                                                                      {"file", "generic"},
                                                                                      {"git", "generic"},
                                                                                      {"go", "golang"},
                                                                                      {"helm", "helm"},
                                                                                      {"maven", "maven"},
                                                                                      {"npm", "npm"},
                                                                                      {"nuget", "nuget"},
                                                                                      {"oci", "oci"},
                                                                                      {"pulumi", "generic"},
                                                                                      {"pypi", "pypi"},
                                                                                      {"rpm", "rpm"},
                                                                                      {"terraform", "terraform"},
                                                                                      {"tool", "generic"}}};

constexpr std::array<std::string_view, 4> k_folding{"file", "nuget", "pypi", "tool"};

void append_utf8(std::string& text, char32_t c) {
  if (c < 0x80) {
    text += static_cast<char>(c);
  } else {
    text += static_cast<char>(0xC0 | (c >> 6));
    text += static_cast<char>(0x80 | (c & 0x3F));
  }
}

// Simple case folding (Unicode CaseFolding.txt, status C and S) of the scripts that lie below U+0800 and have case.
char32_t fold(char32_t c) {
  const auto in = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  if (in('A', 'Z') || (in(0xC0, 0xDE) && c != 0xD7) || (in(0x391, 0x3AB) && c != 0x3A2) || in(0x410, 0x42F)) {
    return c + 32;
  }
  if (in(0x400, 0x40F)) {
    return c + 80;
  }
  if (in(0x531, 0x556)) {
    return c + 48;
  }
  if (c == 0x178) {
    return 0xFF;
  }
  if (c == 0x3C2) {  // final sigma
    return 0x3C3;
  }
  const bool capital_is_odd = in(0x139, 0x148) || in(0x179, 0x17E) || in(0x4C1, 0x4CE);
  if (capital_is_odd) {
    return c % 2 == 1 ? c + 1 : c;
  }
  const bool capital_is_even = (in(0x100, 0x137) && c != 0x130 && c != 0x131) || in(0x14A, 0x177) || in(0x1DE, 0x1EF) ||
                               in(0x1F8, 0x233) || in(0x3D8, 0x3EF) || in(0x460, 0x481) || in(0x48A, 0x4BF) ||
                               in(0x4D0, 0x52F);
  return capital_is_even && c % 2 == 0 ? c + 1 : c;
}

}  // namespace

std::optional<CatalogName> parse_catalog_target(std::string_view target) {
  const std::size_t slash = target.find('/');
  const std::string_view ecosystem = target.substr(0, slash);
  if (slash == std::string_view::npos || !is_ecosystem_name(ecosystem)) {
    return std::nullopt;
  }
  constexpr std::string_view before = "catalog/";
  const std::string_view rest = target.substr(slash + 1);
  if (!rest.starts_with(before)) {
    return std::nullopt;
  }
  CatalogName name{.ecosystem = std::string(ecosystem)};
  const std::string_view digits = rest.substr(before.size(), 2);
  std::from_chars(digits.data(), digits.data() + digits.size(), name.number);
  return catalog_target(ecosystem, name.number) == target ? std::optional(name) : std::nullopt;
}

std::string_view purl_type(std::string_view ecosystem) {
  const auto found = std::ranges::find(k_purl_types, ecosystem, [](const auto& entry) { return entry.first; });
  return found == k_purl_types.end() ? std::string_view() : found->second;
}

bool folds_case(std::string_view ecosystem) {
  return std::ranges::find(k_folding, ecosystem) != k_folding.end();
}

std::string fold_case(std::string_view path) {
  std::string folded;
  folded.reserve(path.size());
  for (std::size_t i = 0; i < path.size(); ++i) {
    const auto first = static_cast<unsigned char>(path[i]);
    const bool two_bytes = first >= 0xC2 && first <= 0xDF && i + 1 < path.size();
    if (first < 0x80) {
      append_utf8(folded, fold(first));
    } else if (two_bytes) {
      const auto second = static_cast<unsigned char>(path[++i]);
      append_utf8(folded, fold((static_cast<char32_t>(first & 0x1F) << 6) | (second & 0x3F)));
    } else {
      folded += path[i];  // of a longer sequence, none of which is folded
    }
  }
  return folded;
}

void CatalogReader::check(const FileRow& row, std::string_view line, std::string_view where) const {
  const auto refuse = [&](std::string_view why) {
    throw Error(ErrorCode::tampered, fmt::format("{}: '{}' {}", where, base::printable(row.path), why));
  };
  if (row.path <= m_last_path) {
    refuse(row.path == m_last_path ? "stands there twice" : "is out of order");
  }
  if (row.kind == Kind::withheld) {
    refuse("is withheld, which only the far side may say");
  }
  if (row.length.value_or(0) > k_blob_limit) {
    refuse("is larger than a blob may be");
  }
  const std::string_view type = purl_type(m_ecosystem);
  if (!row.artifact.empty() && !type.empty() && !row.artifact.starts_with(fmt::format("pkg:{}/", type))) {
    refuse(fmt::format("is said to be of '{}', which is not the business of {}", row.artifact, m_ecosystem));
  }
  if (model::to_json_line(row, model::RowForm::catalog) != line) {
    refuse("is not written as airlock writes it");
  }
}

void CatalogReader::read(std::string_view text, std::string_view name,
                         const std::function<void(const FileRow&)>& visit) {
  if (text.empty() || text.back() != '\n') {
    throw Error(ErrorCode::tampered, fmt::format("{} is empty or ends inside a row", name));
  }
  std::uint64_t number = 0;
  for_each_line(text, [&](std::string_view line) {
    if (++number > k_rows_per_catalog) {
      throw Error(ErrorCode::limit, fmt::format("{} has more than {} rows", name, k_rows_per_catalog));
    }
    const std::string where = fmt::format("{}:{}", name, number);
    FileRow row;
    try {
      row = model::parse_row(line, model::RowForm::catalog, m_ecosystem, where);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::malformed) {
        throw;
      }
      throw Error(ErrorCode::tampered, error.message());
    }
    check(row, line, where);
    m_last_path = row.path;
    visit(row);
  });
}

}  // namespace airlock::bundle
