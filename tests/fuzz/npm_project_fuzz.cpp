// A folder without a lock: the first line is its package.json, the rest is that of a workspace in packages/w.
#include <fstream>

#include "base/error.hpp"
#include "base/files.hpp"
#include "ecosystem/npm/project.hpp"
#include "fuzz_target.hpp"
#include "memory_file.hpp"

using namespace airlock;
using namespace airlock::ecosystem::npm;

namespace {

struct Folder {
  base::TempDir root{fuzz::memory_place()};
  Folder() { base::make_directories(root.path() / "packages" / "w"); }
  void write(const char* name, std::string_view text) const {
    std::ofstream(root.path() / name, std::ios::binary | std::ios::trunc) << text;
  }
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Folder folder;
  const std::string_view text = fuzz::as_text(data, size);
  const std::size_t end = std::min(text.find('\n'), text.size());
  folder.write("package.json", text.substr(0, end));
  folder.write("packages/w/package.json", text.substr(std::min(end + 1, text.size())));
  for (const Dev dev : {Dev::take, Dev::leave}) {
    try {
      const Project project = read_project(folder.root.path(), dev);
      fuzz::require(!project.lock && !project.parts.empty() && project.parts.size() <= 2, "a root, and a workspace");
      for (const Project::Part& part : project.parts) {
        for (const auto& [name, range] : part.dependencies.required) {
          fuzz::require(!part.dependencies.optional.contains(name) && !part.dependencies.peer.contains(name),
                        "a name is asked for once");
        }
      }
    } catch (const base::Error& error) {
      fuzz::require(error.code() == base::ErrorCode::malformed || error.code() == base::ErrorCode::limit,
                    "every refusal is a mistake in the text");
    }
  }
  return 0;
}
