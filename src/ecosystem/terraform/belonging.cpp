#include "ecosystem/terraform/belonging.hpp"

#include <array>

#include <fmt/format.h>

#include "ecosystem/terraform/provider.hpp"
#include "model/purl.hpp"

namespace airlock::ecosystem::terraform {

using model::Belonging;

Belonging belongs(const model::FileRow& row) {
  const auto purl = model::Purl::parse_if_valid(row.artifact);
  const std::size_t slash = purl ? purl->namespace_.find('/') : std::string::npos;
  if (slash == std::string::npos || purl->type != "terraform") {
    return Belonging::no;
  }
  // The host stands in both as the path has it.
  const Provider provider{
      .host = purl->namespace_.substr(0, slash), .namespace_ = purl->namespace_.substr(slash + 1), .type = purl->name};
  const std::string folder = folder_of(provider);
  if (!row.path.starts_with(folder)) {
    return Belonging::no;
  }
  const std::string_view name = std::string_view(row.path).substr(folder.size());
  const auto file = parse_file_name(provider, name);
  if (file && file->version == purl->version) {
    return Belonging::named;
  }
  const std::string stem = fmt::format("terraform-provider-{}_{}_SHA256SUMS", provider.type, purl->version);
  constexpr std::array<std::string_view, 3> endings = {"", ".sig", ".asc"};
  for (const std::string_view ending : endings) {
    if (name == stem + std::string(ending)) {
      return Belonging::named;
    }
  }
  return Belonging::no;
}

}  // namespace airlock::ecosystem::terraform
