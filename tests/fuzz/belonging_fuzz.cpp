// The first line is an artifact's name, the second a path, whatever ecosystem they are of: nothing is thrown, and every
// row that an ecosystem itself would make of them belongs.
#include <algorithm>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/ecosystem.hpp"
#include "ecosystem/go/module_path.hpp"
#include "ecosystem/npm/names.hpp"
#include "ecosystem/oci/rows.hpp"
#include "ecosystem/pulumi/plugin.hpp"
#include "ecosystem/pulumi/sources.hpp"
#include "ecosystem/pypi/names.hpp"
#include "ecosystem/pypi/rows.hpp"
#include "ecosystem/terraform/provider.hpp"
#include "fuzz_target.hpp"
#include "model/purl.hpp"

using namespace airlock;
using model::Belonging;
using model::Kind;
using model::Purl;

namespace {

model::FileRow row(const std::string& ecosystem, const std::string& path, const std::string& artifact,
                   Kind kind = Kind::file, const base::Digest& sha256 = base::sha256("x")) {
  return {.ecosystem = ecosystem, .path = path, .artifact = artifact, .kind = kind, .length = 1, .sha256 = sha256};
}

void require_named(const model::FileRow& made) {
  fuzz::require(ecosystem::belongs(made) == Belonging::named, "what an ecosystem makes belongs");
}

void check_npm(std::string_view artifact) {
  namespace npm = ecosystem::npm;
  const auto package = npm::parse_purl(artifact);
  if (!package) {
    return;
  }
  const auto& [name, version] = *package;
  const std::string purl = npm::purl_of(name, version);
  require_named(row("npm", npm::version_path(name, version), purl, Kind::meta));
  require_named(row("npm", npm::notes_path(name, version), purl, Kind::tag));
  require_named(row("npm", npm::tarball_path(name, npm::usual_tarball_name(name, version)), purl));
}

void check_pypi(std::string_view text) {
  namespace pypi = ecosystem::pypi;
  const auto path = pypi::parse_row_path(text);
  const auto file = path ? pypi::parse_file_name(path->file, path->project) : std::nullopt;
  if (file) {
    const Purl purl{
        .type = "pypi", .namespace_ = {}, .name = path->project, .version = file->version_text, .qualifiers = {}};
    const std::string whole = path->project + "/" + path->file;
    require_named(row("pypi", whole, purl.to_string()));
    require_named(row("pypi", whole + std::string(pypi::k_entry_suffix), purl.to_string(), Kind::meta));
  }
}

void check_terraform(std::string_view address, std::string_view version) {
  namespace terraform = ecosystem::terraform;
  const auto provider = terraform::parse_provider(address);
  if (!provider || provider->host.empty() || !terraform::is_provider_version(version)) {
    return;
  }
  const Purl purl{.type = "terraform",
                  .namespace_ = terraform::host_in_path(provider->host) + "/" + provider->namespace_,
                  .name = provider->type,
                  .version = std::string(version),
                  .qualifiers = {}};
  const std::string folder = terraform::folder_of(*provider);
  require_named(
      row("terraform", folder + terraform::file_name(*provider, version, "linux", "amd64"), purl.to_string()));
  require_named(row("terraform",
                    folder + "terraform-provider-" + provider->type + "_" + std::string(version) + "_SHA256SUMS",
                    purl.to_string(), Kind::meta));
}

void check_pulumi(std::string_view path) {
  namespace pulumi = ecosystem::pulumi;
  constexpr std::string_view folder = "plugins/";
  const auto file = path.starts_with(folder) ? pulumi::parse_file_name(path.substr(folder.size())) : std::nullopt;
  if (file) {
    const Purl purl{.type = "generic",
                    .namespace_ = "pulumi/" + file->plugin.kind,
                    .name = file->plugin.name,
                    .version = file->plugin.version,
                    .qualifiers = {}};
    require_named(
        row("pulumi", std::string(folder) + pulumi::checksums_name(file->plugin), purl.to_string(), Kind::meta));
    const model::Platform platform = model::Platform::parse("linux/amd64");
    require_named(row("pulumi", std::string(folder) + pulumi::file_name(file->plugin, platform), purl.to_string()));
  }
}

void check_oci(std::string_view text) {
  namespace oci = ecosystem::oci;
  try {
    const oci::Reference reference = oci::parse_reference(text);
    const std::string repository = oci::repository_path(reference);
    if (!oci::is_repository(repository)) {
      return;  // an address in brackets grows on its way into a path, here beyond the longest name
    }
    const base::Digest digest = base::sha256(text);
    const std::string purl = oci::image_purl(reference, digest, reference.tag);
    require_named(row("oci", oci::digest_path(repository, digest), purl, Kind::file, digest));
    if (!reference.tag.empty()) {
      require_named(row("oci", oci::tag_path(repository, reference.tag), purl, Kind::tag, digest));
    }
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::malformed, "every refusal is a mistake in the text");
  }
}

void check_file_and_tool(const std::string& path) {
  try {
    model::check_path(path, "a path");
  } catch (const base::Error&) {
    return;
  }
  const std::size_t slash = path.rfind('/');
  const Purl purl{.type = "generic",
                  .namespace_ = slash == std::string::npos ? "" : path.substr(0, slash),
                  .name = path.substr(slash == std::string::npos ? 0 : slash + 1),
                  .version = {},
                  .qualifiers = {}};
  require_named(row("file", path, purl.to_string()));
  const auto parts = base::split(path, '/');
  if (parts.size() == 3) {
    const Purl tool{.type = "generic", .namespace_ = {}, .name = parts[0], .version = parts[1], .qualifiers = {}};
    fuzz::require(ecosystem::belongs(row("tool", path, tool.to_string())) == Belonging::beside,
                  "a tool's file lies in its folder");
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string artifact(text.substr(0, end));
  std::string_view rest = text.substr(std::min(end + 1, text.size()));
  const std::string path(rest.substr(0, rest.find('\n')));
  for (const ecosystem::Ecosystem* const each : ecosystem::all_ecosystems()) {
    for (const Kind kind : {Kind::file, Kind::meta, Kind::tag, Kind::layout, Kind::known, Kind::withheld}) {
      auto given = row(each->id, path, artifact, kind);
      const Belonging with_digest = ecosystem::belongs(given);
      given.sha256.reset();
      static_cast<void>(ecosystem::belongs(given));
      fuzz::require(with_digest == Belonging::no || artifact.starts_with("pkg:"), "only a package URL names a path");
    }
  }
  check_npm(artifact);
  check_pypi(path);
  if (const auto go = ecosystem::go::parse_file_path(path)) {
    require_named(row("go", path, ecosystem::go::purl_of(go->module)));
  }
  check_terraform(path, artifact);
  check_pulumi(path);
  check_oci(path);
  check_file_and_tool(path);
  return 0;
}
