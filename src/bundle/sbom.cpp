// The SBOM of a state: SPDX 2.3, JSON (https://spdx.github.io/spdx-spec/v2.3/). Section numbers are of that document.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/error.hpp"
#include "bundle/authoring.hpp"
#include "bundle/json_text.hpp"
#include "model/purl.hpp"

namespace airlock::bundle {

using base::Error;
using model::FileRow;
using model::Kind;

namespace {

constexpr std::string_view k_no_assertion = "NOASSERTION";

struct SbomPackage {
  std::set<base::Digest> files;
  std::set<std::string> names;  // last components of the paths of those files
  std::set<std::string> origins;
};

bool is_content(const FileRow& row) {
  return row.kind == Kind::file && row.sha256;
}

std::map<std::string, SbomPackage> packages_by_purl(const model::Lock& lock) {
  std::map<std::string, SbomPackage> packages;
  for (const FileRow& row : lock.rows) {
    if (row.artifact.empty() || row.kind == Kind::known || row.kind == Kind::layout) {
      continue;
    }
    SbomPackage& package = packages[row.artifact];
    if (!row.origin.empty()) {
      package.origins.insert(row.origin);
    }
    if (is_content(row)) {
      package.files.insert(*row.sha256);
      package.names.insert(row.path.substr(row.path.rfind('/') + 1));
    }
  }
  return packages;
}

std::optional<model::Purl> parse_purl(const std::string& text) {
  try {
    return model::Purl::parse(text);
  } catch (const Error&) {
    return std::nullopt;
  }
}

// 7.2: letters, digits, "." and "-" only, so it is made of the digest of the package URL.
std::string element_id(const std::string& purl) {
  return "SPDXRef-SbomPackage-" + base::sha256(purl).hex().substr(0, 32);
}

// 7.10: of the package as a whole. For an artifact of several files that is the one which its version names, as an
// image's manifest; otherwise each file's is listed.
std::vector<base::Digest> checksums(const SbomPackage& package, const std::optional<model::Purl>& purl) {
  for (const base::Digest& file : package.files) {
    if (purl && purl->version == file.to_string()) {
      return {file};
    }
  }
  return {package.files.begin(), package.files.end()};
}

// 7.7: a URI, or NOASSERTION; local input has none.
std::string download_location(const SbomPackage& package) {
  const auto found = std::ranges::find_if(package.origins, [](const std::string& origin) {
    return origin.find("://") != std::string::npos && origin.find_first_of(" <>\"{}|\\^`") == std::string::npos;
  });
  return found == package.origins.end() ? std::string(k_no_assertion) : *found;
}

OrderedJson to_json(const std::string& text, const SbomPackage& package) {
  const std::optional<model::Purl> purl = parse_purl(text);
  std::string name = text;
  if (purl) {
    name = purl->namespace_.empty() ? purl->name : purl->namespace_ + "/" + purl->name;
  }
  OrderedJson value = {{"name", name}, {"SPDXID", element_id(text)}};
  if (purl && !purl->version.empty()) {
    value["versionInfo"] = purl->version;
  }
  if (package.names.size() == 1) {
    value["packageFileName"] = *package.names.begin();
  }
  value["downloadLocation"] = download_location(package);
  value["filesAnalyzed"] = false;
  const std::vector<base::Digest> digests = checksums(package, purl);
  if (!digests.empty()) {
    value["checksums"] = OrderedJson::array();
    for (const base::Digest& digest : digests) {
      value["checksums"].push_back({{"algorithm", "SHA256"}, {"checksumValue", digest.hex()}});
    }
  }
  value["licenseConcluded"] = k_no_assertion;
  value["licenseDeclared"] = k_no_assertion;
  value["copyrightText"] = k_no_assertion;
  value["externalRefs"] = OrderedJson::array();
  value["externalRefs"].push_back(
      {{"referenceCategory", "PACKAGE-MANAGER"}, {"referenceType", "purl"}, {"referenceLocator", text}});
  return value;
}

// 6.5: the form that the specification gives to those who own no domain for it; the number is made of what it names.
std::string document_namespace(const std::string& name, base::Time created) {
  const std::string hex = base::sha256(fmt::format("airlock sbom\n{}\n{}\n", name, base::to_rfc3339(created))).hex();
  return fmt::format("https://spdx.org/spdxdocs/{}-{}-{}-{}-{}-{}", name, hex.substr(0, 8), hex.substr(8, 4),
                     "5" + hex.substr(13, 3), "a" + hex.substr(17, 3), hex.substr(20, 12));
}

}  // namespace

std::string build_sbom(const model::Lock& lock, base::Time created, std::string_view channel, std::uint64_t serial) {
  const std::string name = fmt::format("airlock-{}", bundle_stem(channel, serial, 1));
  OrderedJson document = {{"spdxVersion", "SPDX-2.3"},
                          {"dataLicense", "CC0-1.0"},
                          {"SPDXID", "SPDXRef-DOCUMENT"},
                          {"name", name},
                          {"documentNamespace", document_namespace(name, created)}};
  document["creationInfo"] = {{"created", base::to_rfc3339(created)},
                              {"creators", OrderedJson::array({"Tool: airlock-" AIRLOCK_VERSION})}};
  document["packages"] = OrderedJson::array();
  document["relationships"] = OrderedJson::array();
  for (const auto& [purl, package] : packages_by_purl(lock)) {
    document["packages"].push_back(to_json(purl, package));
    document["relationships"].push_back({{"spdxElementId", "SPDXRef-DOCUMENT"},
                                         {"relationshipType", "DESCRIBES"},
                                         {"relatedSpdxElement", element_id(purl)}});
  }
  return document_text(document);
}

}  // namespace airlock::bundle
