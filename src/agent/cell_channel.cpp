#include "agent/cell_channel.hpp"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "base/error.hpp"
#include "base/files_system.hpp"

namespace airlock::agent {

namespace {

using base::Error;
using base::ErrorCode;
using base::Fd;

constexpr std::size_t k_most_descriptors = 200;  // below the kernel's SCM_MAX_FD
constexpr std::size_t k_inline = 16 * 1024;      // bytes; a longer text goes in a file of its own
constexpr std::size_t k_longest = 64 * 1024 * 1024;
constexpr char k_here = 'T';
constexpr char k_in_file = 'F';

Fd text_file(std::string_view text) {
  Fd file(memfd_create("airlock-message", MFD_CLOEXEC));
  if (!file) {
    throw base::system_error(errno, "cannot make a file in memory");
  }
  base::write_all(file.get(), base::as_bytes(text), "a message");
  return file;
}

}  // namespace

std::pair<Fd, Fd> make_cell_channel() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw base::system_error(errno, "cannot make a socket pair");
  }
  return {Fd(ends[0]), Fd(ends[1])};
}

void send_cell_message(int channel, std::string_view text, const std::vector<int>& descriptors) {
  std::vector<int> passed = descriptors;
  std::string body(1, k_here);
  Fd file;
  if (text.size() > k_inline) {
    file = text_file(text);
    passed.push_back(file.get());
    body[0] = k_in_file;
  } else {
    body += text;
  }
  iovec piece{body.data(), body.size()};
  std::array<char, CMSG_SPACE(sizeof(int) * k_most_descriptors)> control{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (passed.size() > k_most_descriptors) {
    throw Error(ErrorCode::limit, "too many descriptors for one message");
  }
  if (!passed.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(sizeof(int) * passed.size());
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * passed.size());
    std::memcpy(CMSG_DATA(header), passed.data(), sizeof(int) * passed.size());
  }
  if (base::retry([&] { return sendmsg(channel, &message, MSG_NOSIGNAL); }) < 0) {
    throw base::system_error(errno, "cannot reach the process around the job");
  }
}

std::optional<CellMessage> receive_cell_message(int channel) {
  std::string body(k_inline + 1, '\0');
  iovec piece{body.data(), body.size()};
  std::array<char, CMSG_SPACE(sizeof(int) * k_most_descriptors)> control{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = base::retry([&] { return recvmsg(channel, &message, MSG_CMSG_CLOEXEC); });
  if (got < 0 && errno != ECONNRESET) {
    throw base::system_error(errno, "cannot hear the process around the job");
  }
  if (got <= 0) {
    return std::nullopt;
  }
  CellMessage result;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + (i * sizeof(int)), sizeof(int));
      result.descriptors.emplace_back(fd);
    }
  }
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    throw Error(ErrorCode::limit, "a message of the process around the job was cut off");
  }
  if (body[0] == k_here) {
    result.text.assign(body, 1, static_cast<std::size_t>(got) - 1);
    return result;
  }
  if (result.descriptors.empty()) {
    throw Error(ErrorCode::malformed, "a message of the process around the job lacks its file");
  }
  const Fd file = std::move(result.descriptors.back());
  result.descriptors.pop_back();
  const auto size = base::file_size(file.get(), "a message");
  if (size > k_longest) {
    throw Error(ErrorCode::limit, "a message of the process around the job is too long");
  }
  result.text.resize(size);
  base::pread_exact(file.get(), std::as_writable_bytes(std::span(result.text)), 0, "a message");
  return result;
}

}  // namespace airlock::agent
