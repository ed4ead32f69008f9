#include "workflow/wish.hpp"

#include <cstdlib>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/json.hpp"
#include "ecosystem/ecosystem.hpp"
#include "workflow/project.hpp"
#include "workflow/receipt.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

void check_combination(const CreateOptions& options) {
  if (options.manifests.empty() && options.projects.empty() && options.wants.empty() && !options.lock) {
    throw Error(ErrorCode::usage, "nothing says what the bundle is to hold")
        .with_hint("give a manifest (-m), a working tree (--project), a lock (--lock) or a list that was carried back "
                   "(--wants); `airlock init` "
                   "writes a first manifest");
  }
  if (options.lock && !options.wants.empty()) {
    throw Error(ErrorCode::usage, "--lock and --wants exclude each other")
        .with_hint("a lock is fetched as it stands; run `airlock bundle lock` with the wants first");
  }
  if (options.lock && !options.projects.empty()) {
    throw Error(ErrorCode::usage, "--lock and --project exclude each other")
        .with_hint("a lock is fetched as it stands; run `airlock bundle lock` with --project first");
  }
  if (options.lock && !options.platforms.empty()) {
    throw Error(ErrorCode::usage, "--platform changes nothing about a lock")
        .with_hint("run `airlock bundle lock` with --platform, and use what that writes");
  }
}

// A list of wants alone names no channel: then it is the base's, or the only one of this home.
std::string channel_of_wants(const Home& home, const CreateOptions& options) {
  for (const auto& base : options.bases) {
    std::error_code ignored;
    if (fs::is_regular_file(base, ignored) && looks_like_receipt(base)) {
      const Receipt receipt = read_receipt(base);
      if (receipt.channels.size() == 1) {
        return receipt.channels.front().channel;
      }
      continue;
    }
    return bundle::Head::read(base).hint().channel;
  }
  std::vector<std::string> channels;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(home.channel("x").parent_path(), ignored)) {
    if (fs::exists(entry.path() / "last.airlock", ignored)) {
      channels.push_back(entry.path().filename().string());
    }
  }
  if (channels.size() != 1) {
    throw Error(ErrorCode::usage, "nothing says for which channel the wants are")
        .with_hint("give the channel's manifest with -m, or its last bundle with --base");
  }
  return channels.front();
}

model::Manifest read_requests(const Home& home, const CreateOptions& options, base::Reporter& reporter) {
  if (!options.manifests.empty() || !options.projects.empty()) {
    return read_manifests(options.manifests, options.projects, options.wants, options.platforms, reporter);
  }
  const base::TempDir folder;
  const fs::path name = folder.path() / "channel.yaml";
  base::write_file_atomic(name, fmt::format("name: {}\n", channel_of_wants(home, options)));
  return read_manifests({name}, {}, options.wants, options.platforms, reporter);
}

}  // namespace

model::Manifest read_manifests(const std::vector<fs::path>& manifests, const std::vector<fs::path>& projects,
                               const std::vector<fs::path>& wants, const std::vector<model::Platform>& platforms,
                               base::Reporter& reporter) {
  if (projects.empty()) {
    return model::read_manifests(manifests, wants, ecosystem::all_sections(), platforms);
  }
  const auto found = survey_projects(projects);
  tell(found, reporter);
  const base::TempDir folder;
  const fs::path file = folder.path() / "projects.yaml";
  base::write_file_atomic(file, fmt::format("name: {}\n{}", channel_name(projects.front()), manifest_text(found)));
  std::vector<fs::path> files = manifests;
  files.push_back(file);
  return model::read_manifests(files, wants, ecosystem::all_sections(), platforms);
}

Wish read_wish(const Home& home, const CreateOptions& options, base::Reporter& reporter) {
  check_combination(options);
  Wish wish;
  wish.adds = options.add || (options.manifests.empty() && options.projects.empty() && !options.wants.empty());
  if (!options.lock) {
    wish.manifest = read_requests(home, options, reporter);
    wish.channel = wish.manifest.name;
    return wish;
  }
  wish.lock = model::Lock::read(*options.lock);
  wish.channel = wish.lock->channel;
  model::check_channel_name(wish.channel, {.file = options.lock->string(), .line = 1, .column = 0});
  if (options.manifests.empty()) {
    wish.manifest.name = wish.channel;
    return wish;
  }
  // Beside a lock, manifests say how upstreams are reached; they must still be the ones that were locked.
  wish.manifest = model::read_manifests(options.manifests, ecosystem::all_sections(), options.platforms);
  if (base::sha256(model::canonical_text(wish.manifest)) != wish.lock->request) {
    throw Error(ErrorCode::lock, fmt::format("{} answers another wish than the manifests make", options.lock->string()))
        .with_hint("run `airlock bundle lock` again, or leave -m out to fetch what the lock says");
  }
  return wish;
}

base::Digest digest_of(const Wish& wish, const CreateOptions& options, const std::vector<BaseState>& bases,
                       const Target& target) {
  base::Json parts;
  parts["channel"] = wish.channel;
  parts["request"] = base::sha256(model::canonical_text(wish.manifest)).hex();
  parts["lock"] = wish.lock ? base::sha256(wish.lock->to_text()).hex() : "";
  parts["adds"] = wish.adds;
  // Without a slash at its end, which stays where the folder is not there yet and goes where it is; and which makes
  // realpath use a call that some sandboxes refuse.
  parts["folder"] =
      fs::weakly_canonical(target.folder.has_filename() ? target.folder : target.folder.parent_path()).string();
  parts["file"] = target.file.filename().string();
  parts["volume_size"] = options.volume_size.value_or(0);
  parts["bases"] = base::Json::array();
  for (const BaseState& base : bases) {
    base::Hasher holds;
    for (const base::Digest& digest : base.holds) {
      holds.update(std::as_bytes(digest.bytes()));
    }
    parts["bases"].push_back(holds.finish().hex());
  }
  const char* epoch = std::getenv("SOURCE_DATE_EPOCH");
  parts["epoch"] = epoch == nullptr ? "" : epoch;
  return base::sha256(parts.dump());
}

}  // namespace airlock::workflow
