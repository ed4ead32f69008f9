#include "bundle/catalog_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/layout.hpp"
#include "model/purl.hpp"

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
  // Blocks and revocations compare package URLs as text: another spelling of one, or none, would escape them.
  if (!row.artifact.empty() && row.artifact != m_last_artifact && !model::Purl::is_canonical(row.artifact)) {
    refuse(fmt::format("has the package URL '{}', which is not written as airlock writes it",
                       base::printable(row.artifact)));
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
    m_last_artifact = row.artifact;
    visit(row);
  });
}

}  // namespace airlock::bundle
