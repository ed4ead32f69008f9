// A Pulumi.yaml is read or refused by place; each plugin in it can be asked for by a file name.
#include "base/error.hpp"
#include "ecosystem/pulumi/project.hpp"
#include "fuzz_target.hpp"

using namespace airlock;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ecosystem::pulumi;
  try {
    for (ProjectPlugin& one : parse_project(fuzz::as_text(data, size), "input").plugins) {
      one.plugin.version = one.plugin.version.empty() ? "1.2.3" : one.plugin.version;
      const auto name = file_name(one.plugin, {.os = "linux", .arch = "amd64", .variant = {}});
      fuzz::require(parse_file_name(name).has_value(), "a plugin's file name is read again");
    }
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::manifest || error.code() == base::ErrorCode::limit,
                  "every refusal is a mistake in the file");
  }
  return 0;
}
