// The first byte chooses the document; the rest is a registry's answer.
#include "base/error.hpp"
#include "ecosystem/terraform/registry_client.hpp"
#include "fuzz_target.hpp"

using namespace airlock;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  using namespace ecosystem::terraform;
  static const base::Url url = base::Url::parse("https://registry.example/v1/providers/a/b/versions");
  const std::string_view text = fuzz::as_text(data + 1, size - 1);
  try {
    if (data[0] == 'd') {
      fuzz::require(parse_discovery(text, url).path().ends_with('/'), "a service is a folder");
    } else if (data[0] == 'v') {
      for (const ListedVersion& listed : parse_versions(text, url)) {
        fuzz::require(is_provider_version(listed.version.text()), "a listed version is one");
      }
    } else {
      const Package package = parse_package(text, url, {.os = "linux", .arch = "amd64", .variant = {}});
      fuzz::require(package.archive.scheme() == "https" || package.archive.scheme() == "http", "an archive has a URL");
      fuzz::require(package.file_name.find('/') == std::string::npos, "a file name has no folder");
    }
  } catch (const base::Error& error) {
    using base::ErrorCode;
    const ErrorCode code = error.code();
    fuzz::require(code == ErrorCode::upstream || code == ErrorCode::malformed || code == ErrorCode::not_found ||
                      code == ErrorCode::limit,
                  "a bad answer is upstream's fault");
  }
  return 0;
}
