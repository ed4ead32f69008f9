#include "agent/job_network.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/route.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "agent/missing_control.hpp"
#include "base/ip_address.hpp"

namespace airlock::agent {

namespace {

using base::Fd;

constexpr const char* k_device = "airlock0";
constexpr int k_mtu = 65520;  // as much as one packet holds: each costs two switches to the agent
constexpr int k_backlog = 128;
constexpr const char* k_tun = "TUN device";
constexpr const char* k_network = "network namespace";

// As <linux/ipv6.h> has it, which cannot stand beside <net/route.h>.
struct In6Request {
  in6_addr address;
  std::uint32_t prefix;
  int interface;
};

ifreq request_for(const char* device) {
  ifreq request{};
  std::strncpy(request.ifr_name, device, IFNAMSIZ - 1);
  return request;
}

void call(const Fd& socket, unsigned long what, void* argument, const char* doing) {
  if (ioctl(socket.get(), what, argument) != 0) {
    throw_missing(k_network, doing, errno);
  }
}

sockaddr_in socket_v4(std::string_view text) {
  sockaddr_storage storage{};
  base::IpAddress::parse(text)->to_socket(0, storage);
  sockaddr_in address{};
  std::memcpy(&address, &storage, sizeof address);
  return address;
}

in6_addr bytes_v6(std::string_view text) {
  const auto parsed = *base::IpAddress::parse(text);
  in6_addr address{};
  std::memcpy(&address, parsed.bytes().data(), sizeof address);
  return address;
}

Fd open_tun() {
  Fd tun(open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!tun) {
    throw_missing(k_tun, "cannot open /dev/net/tun (module tun)", errno);
  }
  ifreq request = request_for(k_device);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (ioctl(tun.get(), TUNSETIFF, &request) != 0) {
    throw_missing(k_tun, "cannot make a TUN device in the job's network", errno);
  }
  return tun;
}

void bring_up(const Fd& socket, const char* device) {
  ifreq request = request_for(device);
  call(socket, SIOCGIFFLAGS, &request, "cannot read the state of a device");
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP | IFF_RUNNING);
  call(socket, SIOCSIFFLAGS, &request, "cannot bring a device up");
}

// Only what makes the kernel talk on its own is silenced by these; none is needed for containment.
void set_quietly(const char* path, std::string_view value) {
  const Fd file(open(path, O_WRONLY | O_CLOEXEC));
  if (file) {
    [[maybe_unused]] const auto ignored = write(file.get(), value.data(), value.size());
  }
}

void set_up_v4(const Fd& socket) {
  ifreq request = request_for(k_device);
  request.ifr_mtu = k_mtu;
  call(socket, SIOCSIFMTU, &request, "cannot set the packet size");
  request = request_for(k_device);
  const sockaddr_in address = socket_v4(k_job_v4);
  std::memcpy(&request.ifr_addr, &address, sizeof address);
  call(socket, SIOCSIFADDR, &request, "cannot set the job's IPv4 address");
  const sockaddr_in mask = socket_v4("255.255.255.255");
  std::memcpy(&request.ifr_netmask, &mask, sizeof mask);
  call(socket, SIOCSIFNETMASK, &request, "cannot set the job's IPv4 mask");
  bring_up(socket, k_device);
  rtentry route{};
  const sockaddr_in any = socket_v4("0.0.0.0");
  std::memcpy(&route.rt_dst, &any, sizeof any);
  std::memcpy(&route.rt_genmask, &any, sizeof any);
  route.rt_flags = RTF_UP;
  std::string device = k_device;
  route.rt_dev = device.data();
  call(socket, SIOCADDRT, &route, "cannot set the job's IPv4 route");
}

void set_up_v6(const Fd& socket) {
  ifreq device = request_for(k_device);
  call(socket, SIOCGIFINDEX, &device, "cannot find the TUN device");
  In6Request address{bytes_v6(k_job_v6), 128, device.ifr_ifindex};
  call(socket, SIOCSIFADDR, &address, "cannot set the job's IPv6 address");
  in6_rtmsg route{};
  route.rtmsg_flags = RTF_UP;
  route.rtmsg_metric = 1024;
  route.rtmsg_ifindex = device.ifr_ifindex;
  call(socket, SIOCADDRT, &route, "cannot set the job's IPv6 route");
}

Fd listen_on(std::string_view text, std::uint16_t port) {
  const auto address = base::IpAddress::parse(text);
  Fd listener(socket(address->is_v6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address->is_v6()) {
    setsockopt(listener.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    // A new address is the kernel's for good only a moment after it was set.
    setsockopt(listener.get(), IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on);
  }
  sockaddr_storage storage{};
  const socklen_t length = address->to_socket(port, storage);
  if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0 ||
      listen(listener.get(), k_backlog) != 0) {
    throw_missing(k_network, "cannot listen on " + std::string(text) + " in the job's network", errno);
  }
  return listener;
}

}  // namespace

JobNetwork make_job_network(const std::vector<LoopbackService>& loopback) {
  JobNetwork network;
  network.tun = open_tun();
  const Fd v4(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const Fd v6(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  bring_up(v4, "lo");
  set_quietly("/proc/sys/net/ipv6/conf/airlock0/accept_ra", "0");
  set_quietly("/proc/sys/net/ipv6/conf/airlock0/addr_gen_mode", "1");
  set_quietly("/proc/sys/net/ipv6/conf/airlock0/router_solicitations", "0");
  // Whoever pings is seen, and not merely told that he may not.
  set_quietly("/proc/sys/net/ipv4/ping_group_range", "0 2147483647");
  set_up_v4(v4);
  network.listener_v4 = listen_on(k_job_v4, 0);
  // With disable_ipv6 the protocol is there and takes no address: then there is no IPv6 to contain.
  if (v6 && access("/proc/net/if_inet6", F_OK) == 0) {
    set_quietly("/proc/sys/net/ipv6/conf/airlock0/disable_ipv6", "0");
    set_up_v6(v6);
    network.listener_v6 = listen_on(k_job_v6, 0);
  }
  for (const auto& each : loopback) {
    if (!network.listener_v6 && each.address.find(':') != std::string::npos) {
      continue;
    }
    network.loopback.push_back(listen_on(each.address, each.port));
  }
  return network;
}

}  // namespace airlock::agent
