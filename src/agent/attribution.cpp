#include "agent/attribution.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>
#include <sstream>

#include <fmt/format.h>

#include "agent/folder.hpp"
#include "base/files.hpp"
#include "base/text.hpp"

namespace airlock::agent {

namespace {

using base::Fd;

constexpr std::size_t k_longest_table = 4 * 1024 * 1024;
constexpr std::size_t k_most_processes = 4096;  // a job full of processes must not keep its own gateway busy

std::string read_at(int folder, const std::string& name, std::size_t limit) {
  const Fd file(openat(folder, name.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 16384> buffer{};
  while (file && text.size() < limit) {
    const ssize_t got = read(file.get(), buffer.data(), buffer.size());
    if (got <= 0) {
      break;
    }
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return text;
}

// "  0: 0100007F:1F90 00000000:0000 0A … inode …", proc_net_tcp.txt in the kernel's documentation.
std::optional<std::string> inode_in(const std::string& table, std::uint16_t port) {
  const std::string wanted = fmt::format(":{:04X}", port);
  std::istringstream lines(table);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::array<std::string, 10> field;
    for (auto& each : field) {
      words >> each;
    }
    if (field[1].ends_with(wanted) && field[9] != "0") {
      return field[9];
    }
  }
  return std::nullopt;
}

bool holds(int proc, const std::string& process, const std::string& link) {
  const Folder folder = open_folder(proc, process + "/fd");
  while (const dirent* entry = folder ? readdir(folder.get()) : nullptr) {
    std::array<char, 64> target{};
    const ssize_t length = readlinkat(dirfd(folder.get()), entry->d_name, target.data(), target.size());
    if (length > 0 && std::string_view(target.data(), static_cast<std::size_t>(length)) == link) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string find_socket_owner(int proc, SocketKind kind, std::uint16_t local_port) {
  const std::string table = kind == SocketKind::tcp ? "1/net/tcp" : "1/net/udp";
  std::optional<std::string> inode = inode_in(read_at(proc, table, k_longest_table), local_port);
  if (!inode) {
    inode = inode_in(read_at(proc, table + "6", k_longest_table), local_port);
  }
  if (!inode) {
    return {};
  }
  const std::string link = "socket:[" + *inode + "]";
  const Folder processes = open_folder(proc, ".");
  std::size_t looked_at = 0;
  while (const dirent* entry = processes ? readdir(processes.get()) : nullptr) {
    const std::string name = entry->d_name;
    if (!std::ranges::all_of(name, base::is_digit) || ++looked_at > k_most_processes || !holds(proc, name, link)) {
      continue;
    }
    const std::string text = read_at(proc, name + "/comm", 64);
    return fmt::format("{} (pid {})", base::printable(base::trim(text), 40), name);
  }
  return {};
}

}  // namespace airlock::agent
