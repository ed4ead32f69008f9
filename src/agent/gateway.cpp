#include "agent/gateway.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

#include "agent/attribution.hpp"
#include "agent/connection_table.hpp"
#include "agent/dns_message.hpp"
#include "agent/name_lookup.hpp"
#include "agent/packet.hpp"
#include "agent/relay.hpp"
#include "agent/task_threads.hpp"
#include "base/files_system.hpp"
#include "base/ip_address.hpp"
#include "base/text.hpp"

namespace airlock::agent {

namespace {

using base::Fd;

constexpr std::size_t k_packet = 65'536;
constexpr std::size_t k_most_threads = 1024;
constexpr std::size_t k_most_lookups = 64;
constexpr std::uint16_t k_dns_port = 53;
constexpr int k_tidy_every = 5'000;           // milliseconds
constexpr std::size_t k_packets_a_turn = 64;  // then listeners have theirs
constexpr std::chrono::milliseconds k_rest{20};
constexpr std::uint8_t k_igmp = 2;

struct Place {
  base::IpAddress address;
  std::uint16_t port = 0;
};

std::optional<Place> place_of(const Fd& socket) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (!socket || getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
    return std::nullopt;
  }
  const auto address = base::IpAddress::from_socket(reinterpret_cast<const sockaddr*>(&storage));
  return address ? std::optional(Place{*address, base::port_of(storage)}) : std::nullopt;
}

std::uint16_t port_of(const Fd& socket) {
  return place_of(socket).value_or(Place()).port;
}

// What the job's kernel says without being asked: groups and neighbours of a link that has nobody else on it.
bool is_chatter(const Packet& packet, std::span<const std::uint8_t> bytes) {
  if (packet.protocol == k_igmp || packet.protocol == 0) {  // 0: hop-by-hop options, which carry group reports
    return true;
  }
  if (!packet.is(IpProtocol::icmp6) || packet.length <= packet.transport) {
    return false;
  }
  const std::uint8_t type = bytes[packet.transport];
  return (type >= 130 && type <= 137) || type == 143;
}

}  // namespace

class Gateway::Impl {
 public:
  Impl(JobNetwork network, Fd proc, std::shared_ptr<Reach> reach, std::function<void(const Refusal&)> on_refused)
      : m_network(std::move(network)), m_proc(std::move(proc)), m_reach(std::move(reach)),
        m_on_refused(std::move(on_refused)), m_listener_v4(port_of(m_network.listener_v4)),
        m_listener_v6(port_of(m_network.listener_v6)), m_tasks(k_most_threads), m_lookup(k_most_lookups),
        m_thread([this] { run(); }) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    m_tasks.stop();
    m_thread.join();
  }

 private:
  void run() {
    std::vector<pollfd> watched = {{m_tasks.stopped(), POLLIN, 0}, {m_network.tun.get(), POLLIN, 0}};
    watched.push_back({m_network.listener_v4.get(), POLLIN, 0});
    watched.push_back({m_network.listener_v6.get(), POLLIN, 0});
    for (const auto& each : m_network.loopback) {
      watched.push_back({each.get(), POLLIN, 0});
    }
    while (watched[0].revents == 0) {
      poll(watched.data(), watched.size(), k_tidy_every);
      if (watched[1].revents != 0) {
        take_packets();
      }
      for (std::size_t i = 2; i < watched.size(); ++i) {
        if (watched[i].revents != 0) {
          accept_from(i);
        }
      }
      m_table.forget_ended();
    }
  }

  void take_packets() {
    for (std::size_t i = 0; i < k_packets_a_turn; ++i) {
      const ssize_t got = base::retry([&] { return read(m_network.tun.get(), m_buffer.data(), m_buffer.size()); });
      if (got <= 0) {
        return;
      }
      const auto bytes = std::span(m_buffer).first(static_cast<std::size_t>(got));
      if (const auto packet = parse_packet(bytes)) {
        handle(*packet, bytes);
      }
    }
  }

  void inject(std::span<const std::uint8_t> bytes) const {
    [[maybe_unused]] const auto ignored = write(m_network.tun.get(), bytes.data(), bytes.size());
  }

  void handle(const Packet& packet, std::span<std::uint8_t> bytes) {
    if (is_chatter(packet, bytes)) {
      return;
    }
    if (packet.later_fragment) {
      return;  // the first one was refused
    }
    if (packet.is(IpProtocol::tcp)) {
      handle_tcp(packet, bytes);
    } else if (packet.is(IpProtocol::udp) && packet.destination == m_resolver &&
               packet.destination_port == k_dns_port) {
      handle_dns(packet, bytes);
    } else {
      const bool udp = packet.is(IpProtocol::udp);
      refuse(packet, udp ? find_socket_owner(m_proc.get(), SocketKind::udp, packet.source_port) : std::string());
      inject(unreachable(packet, bytes));
    }
  }

  void handle_tcp(const Packet& packet, std::span<std::uint8_t> bytes) {
    const bool v6 = packet.source.is_v6();
    const auto& peer = v6 ? m_peer_v6 : m_peer_v4;
    const std::uint16_t listener = v6 ? m_listener_v6 : m_listener_v4;
    if (packet.destination == peer && packet.source_port == listener) {
      if (const auto ends = m_table.ends_of(packet.destination_port)) {
        rewrite_tcp(packet, bytes, {ends->destination, ends->destination_port, ends->source, ends->source_port});
        inject(bytes.first(packet.length));
      }
      return;
    }
    const Ends ends{packet.source, packet.source_port, packet.destination, packet.destination_port};
    const auto found = m_table.find(ends);
    if (packet.opens_connection() && (!found || found->state == ConnectionTable::State::open)) {
      if (open(packet, bytes, ends)) {
        return;
      }
    }
    if (!found) {
      if (!packet.rst && !packet.opens_connection()) {
        inject(tcp_reset(packet));
      }
    } else if (found->state == ConnectionTable::State::open) {
      rewrite_tcp(packet, bytes, {peer, found->port, packet.source, listener});
      inject(bytes.first(packet.length));
      if (packet.rst) {
        m_table.set_reset(found->port);
      }
    }
  }

  // False where the packet is one more of a connection that is known.
  bool open(const Packet& packet, std::span<const std::uint8_t> bytes, const Ends& ends) {
    const auto target = m_reach->destination(packet.destination, packet.destination_port);
    if (!target) {
      // Before the answer: who asked waits for it, and may be gone after it.
      refuse(packet, find_socket_owner(m_proc.get(), SocketKind::tcp, packet.source_port));
      inject(tcp_reset(packet));
      return true;
    }
    const auto port = m_table.add(ends);
    if (!port) {
      return false;
    }
    const bool started = m_tasks.start([this, packet, target = *target, port = *port,
                                        copy = Bytes(bytes.begin(), bytes.end())]() mutable {
      auto outside = connect_to(target, packet.destination_port, m_tasks.stopped());
      if (!outside) {
        m_table.remove(port);
        inject(tcp_reset(packet));
        return;
      }
      m_table.set_outside(port, std::move(*outside));
      const bool v6 = packet.source.is_v6();
      rewrite_tcp(packet, copy, {v6 ? m_peer_v6 : m_peer_v4, port, packet.source, v6 ? m_listener_v6 : m_listener_v4});
      inject(std::span(copy).first(packet.length));
    });
    if (!started) {
      m_table.remove(*port);
      inject(tcp_reset(packet));
    }
    return true;
  }

  void accept_from(std::size_t watched) {
    const bool passes_through = watched >= 4;
    const Fd& listener = watched == 2   ? m_network.listener_v4
                         : watched == 3 ? m_network.listener_v6
                                        : m_network.loopback[watched - 4];
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    Fd accepted(accept4(listener.get(), reinterpret_cast<sockaddr*>(&storage), &length, SOCK_CLOEXEC));
    if (!accepted) {
      if (errno == EMFILE || errno == ENFILE) {
        std::this_thread::sleep_for(k_rest);  // it is ready until it can be accepted
      }
      return;
    }
    const auto inside = std::make_shared<Fd>(std::move(accepted));
    if (passes_through) {
      const auto place = place_of(listener);  // the same on both sides
      if (!place) {
        return;
      }
      m_tasks.start([this, inside, place = *place] {
        if (auto outside = connect_to(place.address, place.port, m_tasks.stopped())) {
          relay(std::move(*inside), std::move(*outside), m_tasks.stopped());
        }
      });
      return;
    }
    const auto from = base::IpAddress::from_socket(reinterpret_cast<const sockaddr*>(&storage));
    const std::uint16_t port = base::port_of(storage);
    // Whoever found the listener from inside is nobody whom we let in.
    auto outside = std::make_shared<Fd>(from == m_peer_v4 || from == m_peer_v6 ? m_table.take_outside(port) : Fd());
    if (!*outside) {
      return;
    }
    const bool started = m_tasks.start([this, inside, outside, port] {
      relay(std::move(*inside), std::move(*outside), m_tasks.stopped());
      m_table.set_ended(port);
    });
    if (!started) {
      m_table.set_ended(port);
    }
  }

  void handle_dns(const Packet& packet, std::span<const std::uint8_t> bytes) {
    const auto question = parse_dns_query(bytes.first(packet.length).subspan(packet.payload));
    if (!question) {
      return;
    }
    if (!m_reach->knows_name(question->name)) {
      m_on_refused({base::printable(question->name, 255), 0, "dns",
                    find_socket_owner(m_proc.get(), SocketKind::udp, packet.source_port)});
      inject(udp_answer(packet, dns_no_such_name(*question)));
      return;
    }
    if (question->type != DnsQuestion::k_a && question->type != DnsQuestion::k_aaaa) {
      inject(udp_answer(packet, dns_answer(*question, {})));
      return;
    }
    const bool started = m_lookup.start(question->name, [this, packet, question](const auto& addresses) {
      const auto told = m_reach->learn(question->name, addresses);
      inject(udp_answer(packet, told.empty() ? dns_failure(*question) : dns_answer(*question, told)));
    });
    if (!started) {
      inject(udp_answer(packet, dns_failure(*question)));
    }
  }

  void refuse(const Packet& packet, const std::string& process) const {
    m_on_refused({packet.destination.to_string(), packet.destination_port, protocol_name(packet), process});
  }

  const base::IpAddress m_peer_v4 = *base::IpAddress::parse(k_peer_v4);
  const base::IpAddress m_peer_v6 = *base::IpAddress::parse(k_peer_v6);
  const base::IpAddress m_resolver = *base::IpAddress::parse(k_resolver);
  JobNetwork m_network;
  Fd m_proc;
  std::shared_ptr<Reach> m_reach;
  std::function<void(const Refusal&)> m_on_refused;
  std::uint16_t m_listener_v4;
  std::uint16_t m_listener_v6;
  std::vector<std::uint8_t> m_buffer = std::vector<std::uint8_t>(k_packet);
  ConnectionTable m_table;
  TaskThreads m_tasks;  // after all that its threads use
  NameLookup m_lookup;  // as well
  std::thread m_thread;
};

Gateway::Gateway(JobNetwork network, Fd proc, std::shared_ptr<Reach> reach,
                 std::function<void(const Refusal&)> on_refused)
    : m_impl(std::make_unique<Impl>(std::move(network), std::move(proc), std::move(reach), std::move(on_refused))) {}

Gateway::~Gateway() = default;

}  // namespace airlock::agent
