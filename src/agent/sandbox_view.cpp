#include "agent/sandbox_view.hpp"

#include <unistd.h>

#include <array>

#include <fmt/format.h>

#include "base/error.hpp"

namespace airlock::agent {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view k_hostname = "airlock-job";

// Shown where the host has them; a link ("/bin" to "usr/bin") stays one.
constexpr std::array k_folders = {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt"};
// Nothing of /etc that configures a client (it would speak over the job's own configuration), and nothing that knows
// the host's users.
constexpr std::array k_etc = {
    "ssl",
    "pki",
    "ca-certificates",
    "crypto-policies",
    "alternatives",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "protocols",
    "services",
    "mime.types",
    "os-release",
    "debian_version",
    "redhat-release",
    "system-release",
    "java-openjdk",
    "magic",
};

void show(CellSpec& spec, const fs::path& path) {
  std::error_code error;
  if (fs::is_symlink(path, error)) {
    spec.links.emplace_back(path, fs::read_symlink(path, error));
  } else if (fs::exists(path, error)) {
    spec.binds.push_back({path, path, BindAccess::read_only});
  }
}

}  // namespace

std::string resolv_conf() {
  return fmt::format("nameserver {}\noptions timeout:5 attempts:2\n", k_resolver);
}

std::string hosts_file() {
  return fmt::format("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 {}\n", k_hostname);
}

CellSpec sandbox_spec(const std::vector<fs::path>& host_paths, const JobUser& user) {
  CellSpec spec;
  spec.user_namespace = geteuid() != 0;
  spec.uid = user.uid;
  spec.gid = user.gid;
  spec.hostname = k_hostname;
  for (const auto* const folder : k_folders) {
    show(spec, folder);
  }
  for (const auto* const name : k_etc) {
    show(spec, fs::path("/etc") / name);
  }
  for (const auto& path : host_paths) {
    if (!path.is_absolute() || path == "/") {
      throw base::Error(base::ErrorCode::config, fmt::format("'{}' cannot be shown to jobs", path.string()))
          .with_hint("host_paths takes absolute paths of single folders and files");
    }
    if (!fs::exists(path)) {
      throw base::Error(base::ErrorCode::config,
                        fmt::format("'{}' is to be shown to jobs and is not there", path.string()))
          .with_hint("see host_paths in the agent's configuration");
    }
    spec.binds.push_back({path, path, BindAccess::read_only});
  }
  // A program that asks for its user's name, home or group gets an answer, and learns nothing of the host's.
  spec.files = {
      {"/etc/passwd", fmt::format("root:x:0:0:root:/nonexistent:/usr/sbin/nologin\n"
                                  "job:x:{}:{}:job:/job/home:/bin/sh\n"
                                  "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
                                  user.uid, user.gid)},
      {"/etc/group", fmt::format("root:x:0:\njob:x:{}:\nnogroup:x:65534:\n", user.gid)},
      // Names are asked of our resolver alone: never of a cache or a bus on the host.
      {"/etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\n"
                             "protocols: files\nservices: files\n"},
      {"/etc/resolv.conf", resolv_conf()},
      {"/etc/hosts", hosts_file()},
      {"/etc/host.conf", "multi on\n"},
  };
  return spec;
}

}  // namespace airlock::agent
