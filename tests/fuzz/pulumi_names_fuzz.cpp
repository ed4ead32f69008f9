// The same text as a plugin, as a file name, as a missed name and as a checksum file.
#include "base/error.hpp"
#include "ecosystem/pulumi/endpoints.hpp"
#include "ecosystem/pulumi/plugin.hpp"
#include "ecosystem/pulumi/release.hpp"
#include "ecosystem/pulumi/sources.hpp"
#include "fuzz_target.hpp"

using namespace airlock;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ecosystem::pulumi;
  const std::string_view text = fuzz::as_text(data, size);
  const model::Platform platform{.os = "linux", .arch = "amd64", .variant = {}};
  try {
    Plugin plugin = parse_plugin(text, {});
    fuzz::require(parse_plugin(plugin.to_string(), {}) == plugin, "a plugin is read as it is written");
    plugin.version = plugin.version.empty() ? "1.2.3" : plugin.version;
    for (const Source& source : sources_of(plugin, {})) {
      const base::Url url = folder_url(source, plugin, platform, {});
      fuzz::require(url.scheme() == "https" || url.scheme() == "http", "a source has a URL");
    }
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::manifest || error.code() == base::ErrorCode::malformed,
                  "every refusal is a mistake in the manifest");
  }
  if (const auto file = parse_file_name(text)) {
    const auto again = parse_file_name(file_name(file->plugin, {.os = file->os, .arch = file->arch, .variant = {}}));
    fuzz::require(again && again->plugin == file->plugin, "a file name is made again");
  }
  static_cast<void>(wanted(text));
  try {
    static_cast<void>(find_plugin_checksum(text, "x.tar.gz"));
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::upstream, "only a contradiction is an error");
  }
  return 0;
}
