#include "agent/source_fetch.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/process.hpp"
#include "base/text.hpp"

namespace airlock::agent {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using base::Fd;

constexpr std::uint64_t k_largest = std::uint64_t{8} << 30;

class FileSink : public base::ByteSink {
 public:
  FileSink(const fs::path& path, std::uint64_t limit)
      : m_path(path), m_limit(limit),
        m_file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)) {
    if (!m_file) {
      throw base::system_error(errno, fmt::format("cannot write {}", path.string()));
    }
  }
  void write(std::span<const std::byte> data) override {
    m_count += data.size();
    if (m_count > m_limit) {
      throw Error(ErrorCode::limit,
                  fmt::format("{} is larger than {}", m_path.filename().string(), base::format_bytes(m_limit)));
    }
    base::write_all(m_file.get(), data, m_path.string());
  }
  int fd() const { return m_file.get(); }

 private:
  fs::path m_path;
  std::uint64_t m_limit;
  std::uint64_t m_count = 0;
  Fd m_file;
};

void check(const base::Digest& got, const std::string& wanted, std::string_view what) {
  if (base::to_lower(got.hex()) != base::to_lower(wanted)) {
    throw Error(ErrorCode::tampered, fmt::format("{}: its SHA-256 is {}, and not {}", what, got.hex(), wanted));
  }
}

std::string file_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

// A program is what can be run in an archive. The links lead to `home`, below the same folder as `bin`, where `folder`
// is to be moved.
void link_programs(const fs::path& folder, const fs::path& home, const fs::path& bin) {
  std::error_code error;
  for (const auto& each : fs::recursive_directory_iterator(folder, error)) {
    struct stat info = {};
    if (lstat(each.path().c_str(), &info) != 0 || !S_ISREG(info.st_mode) || (info.st_mode & 0111) == 0) {
      continue;
    }
    const auto inner = home.filename() / each.path().lexically_relative(folder);
    fs::remove(bin / each.path().filename(), error);
    fs::create_symlink(fs::path("..") / inner, bin / each.path().filename(), error);
  }
}

void fetch_tool(const AgentConfig& config, http::Client& http, const ToolFile& tool) {
  const fs::path tools = config.directory / "tools";
  const fs::path target = tools / tool.sha256;
  if (fs::exists(target)) {
    return;
  }
  base::make_directories(tools / "bin");
  const base::TempDir scratch(tools, ".new-");
  const auto name = file_name(tool.path);
  const fs::path file = scratch.path() / "download";
  {
    FileSink sink(file, k_largest);
    base::HashingSink hashing(sink);
    http::Download download;
    download.url = config.mirror.resolve(tool.path);
    http.download(download, hashing);
    check(hashing.finish(), tool.sha256, tool.path);
  }
  const fs::path folder = scratch.path() / "tool";
  base::make_directories(folder);
  const bool archive = name.find(".tar") != std::string::npos || name.ends_with(".tgz");
  if (archive || name.ends_with(".zip")) {
    // The bytes are those that the agent's owner named by digest; they are trusted as that owner is.
    const std::vector<std::string> argv =
        archive ? std::vector<std::string>{"tar", "-xf", file, "-C", folder, "--no-same-owner"}
                : std::vector<std::string>{"unzip", "-q", file, "-d", folder};
    const auto result = base::run_process({.argv = argv, .timeout = std::chrono::seconds(600)});
    if (result.exit_code != 0) {
      throw Error(ErrorCode::malformed,
                  fmt::format("{} cannot be unpacked: {}", tool.path, base::printable(base::trim(result.errors), 200)));
    }
  } else {
    fs::rename(file, folder / name);
    fs::permissions(folder / name, fs::perms(0755));
  }
  fs::permissions(folder, fs::perms(0755));
  // The move comes last: a tool that is in its place is complete, also where the agent was killed on the way.
  link_programs(folder, target, tools / "bin");
  fs::rename(folder, target);
}

}  // namespace

std::string fetch_source(const JobContext& context, const control::Claim& claim, const JobDirectory& directory) {
  const auto& source = *claim.job.source;
  const bool upload = source.kind == control::Source::Kind::upload;
  const std::string name = source.path.ends_with(".zip") ? "source.zip" : "source.tar";
  const fs::path file = directory.job() / name;
  FileSink sink(file, upload ? source.length : k_largest);
  base::HashingSink hashing(sink);
  if (upload) {
    context.control.download_source(claim.deployment_id, claim.job_token, hashing);
    check(hashing.finish(), source.sha256, "the uploaded folder");
  } else {
    http::Download download;
    download.url = context.config.mirror.resolve(source.path);
    context.http.download(download, hashing);
    if (!source.sha256.empty()) {
      check(hashing.finish(), source.sha256, source.path);
    }
  }
  if (geteuid() == 0 && fchown(sink.fd(), context.config.user.uid, context.config.user.gid) != 0) {
    throw base::system_error(errno, "cannot give the source to the job's user");
  }
  return fmt::format("{}/{}", k_job_folder, name);
}

void fetch_tools(const AgentConfig& config, http::Client& http) {
  for (const auto& tool : config.tools) {
    fetch_tool(config, http, tool);
  }
}

}  // namespace airlock::agent
