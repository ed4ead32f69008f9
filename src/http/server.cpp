#include "http/server.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <list>
#include <mutex>
#include <thread>

#include "base/error.hpp"
#include "base/ip_address.hpp"
#include "http/broken_pipe.hpp"
#include "http/server_connection.hpp"

namespace airlock::http {

namespace {

using base::Error;
using base::ErrorCode;

constexpr int k_backlog = 1024;
constexpr std::size_t k_thread_stack = 2 * 1024 * 1024;  // bytes of address space; touched pages alone count
constexpr int k_pause_without_descriptors = 50;          // milliseconds

std::string address_text(const sockaddr_storage& peer) {
  const auto address = base::IpAddress::from_socket(reinterpret_cast<const sockaddr*>(&peer));
  return address ? address->unmapped().to_string() : std::string();
}

base::Fd listen_on(const std::string& address, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port_text = std::to_string(port);
  const int code = ::getaddrinfo(address.empty() ? nullptr : address.c_str(), port_text.c_str(), &hints, &found);
  if (code != 0) {
    throw Error(ErrorCode::io, fmt::format("cannot listen on '{}': {}", address, ::gai_strerror(code)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, &::freeaddrinfo);
  int last_error = 0;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    base::Fd socket(::socket(entry->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    if (socket && ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        ::bind(socket.get(), entry->ai_addr, entry->ai_addrlen) == 0 && ::listen(socket.get(), k_backlog) == 0) {
      return socket;
    }
    last_error = errno;
  }
  throw base::system_error(last_error, fmt::format("cannot listen on {}:{}", address, port));
}

std::uint16_t bound_port(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw base::system_error(errno, "cannot tell the port");
  }
  return base::port_of(address);
}

std::unique_ptr<TlsContext> make_tls(const ServerOptions& options) {
  if (options.tls_certificate.empty()) {
    return nullptr;
  }
  return std::make_unique<TlsContext>(options.tls_certificate, options.tls_key);
}

}  // namespace

struct Server::Impl {
  struct Worker {
    Worker(Impl& owner, base::Fd socket, const std::string& peer)
        : server(owner), connection(std::move(socket), peer), address(peer) {}
    Impl& server;
    Connection connection;
    std::string address;
    pthread_t thread{};
    bool finished = false;  // under the server's mutex
  };

  Impl(ServerOptions server_options, Router server_router);

  void accept_loop();
  void admit(base::Fd socket, const std::string& peer);
  void refuse(const base::Fd& socket, const std::string& peer) const;
  bool launch(Worker& worker);
  static void* run_worker(void* argument);
  void reap();
  void wake() const;
  void stop();

  ServerOptions options;
  Router router;
  std::unique_ptr<TlsContext> tls;
  base::Fd listener;
  base::Fd waker;
  std::uint16_t port = 0;
  std::atomic<bool> stopping{false};
  ServerContext context;
  std::thread acceptor;
  std::mutex stop_mutex;  // one stop at a time; the second finds nothing to do

  std::mutex mutex;
  std::condition_variable worker_finished;
  std::list<Worker> workers;
  std::map<std::string, int> per_address;
};

Server::Impl::Impl(ServerOptions server_options, Router server_router)
    : options(std::move(server_options)), router(std::move(server_router)), tls(make_tls(options)),
      listener(listen_on(options.address, options.port)), waker(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      port(bound_port(listener.get())), context{options, router, tls.get(), stopping, {}} {
  const bool six = options.address.find(':') != std::string::npos;
  context.own_url = fmt::format("{}://{}:{}", tls ? "https" : "http",
                                six ? fmt::format("[{}]", options.address) : options.address, port);
}

void Server::Impl::wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(waker.get(), &one, sizeof one);
}

void Server::Impl::accept_loop() {
  while (!stopping) {
    std::array<pollfd, 2> entries{{{listener.get(), POLLIN, 0}, {waker.get(), POLLIN, 0}}};
    ::poll(entries.data(), entries.size(), -1);
    if ((entries[1].revents & POLLIN) != 0) {
      std::uint64_t count = 0;
      [[maybe_unused]] const ssize_t got = ::read(waker.get(), &count, sizeof count);
    }
    reap();
    if ((entries[0].revents & POLLIN) == 0) {
      continue;
    }
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    base::Fd socket(::accept4(listener.get(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_CLOEXEC));
    if (socket) {
      admit(std::move(socket), address_text(address));
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      ::poll(&entries[1], 1, k_pause_without_descriptors);  // until a connection ends, but without spinning
    }
  }
}

void Server::Impl::admit(base::Fd socket, const std::string& peer) {
  std::unique_lock lock(mutex);
  int& from_there = per_address[peer];
  if (workers.size() >= static_cast<std::size_t>(options.max_connections) ||
      from_there >= options.max_connections_per_address) {
    if (from_there == 0) {
      per_address.erase(peer);
    }
    lock.unlock();
    refuse(socket, peer);
    return;
  }
  Worker& worker = workers.emplace_back(*this, std::move(socket), peer);
  ++from_there;
  if (!launch(worker)) {  // no thread to be had: as if the cap were reached
    if (--from_there == 0) {
      per_address.erase(peer);
    }
    workers.pop_back();
  }
}

void Server::Impl::refuse(const base::Fd& socket, const std::string& peer) const {
  if (!tls) {  // with TLS an answer would first need a handshake, which is what there is no room for
    constexpr std::string_view k_full = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n"
                                        "Connection: close\r\n\r\n";
    ::send(socket.get(), k_full.data(), k_full.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  ::shutdown(socket.get(), SHUT_WR);
  if (options.on_access) {
    options.on_access({peer, "", "", 503, 0, {}});
  }
}

bool Server::Impl::launch(Worker& worker) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, k_thread_stack);
  const int code = pthread_create(&worker.thread, &attributes, &run_worker, &worker);
  pthread_attr_destroy(&attributes);
  return code == 0;
}

void* Server::Impl::run_worker(void* argument) {
  auto& worker = *static_cast<Worker*>(argument);
  Impl& server = worker.server;
  worker.connection.serve(server.context);
  const std::lock_guard lock(server.mutex);
  worker.finished = true;
  server.worker_finished.notify_all();
  server.wake();
  return nullptr;
}

void Server::Impl::reap() {
  std::list<Worker> ended;
  {
    const std::lock_guard lock(mutex);
    for (auto worker = workers.begin(); worker != workers.end();) {
      const auto next = std::next(worker);
      if (worker->finished) {
        if (--per_address[worker->address] == 0) {
          per_address.erase(worker->address);
        }
        ended.splice(ended.end(), workers, worker);
      }
      worker = next;
    }
  }
  for (Worker& worker : ended) {
    pthread_join(worker.thread, nullptr);
  }
}

void Server::Impl::stop() {
  const std::lock_guard once(stop_mutex);
  stopping = true;
  wake();
  if (acceptor.joinable()) {
    acceptor.join();
  }
  listener = base::Fd();
  {
    std::unique_lock lock(mutex);
    for (Worker& worker : workers) {
      worker.connection.end_when_idle();
    }
    const auto all_finished = [&] {
      return std::ranges::all_of(workers, [](const Worker& worker) { return worker.finished; });
    };
    worker_finished.wait_for(lock, options.shutdown_grace, all_finished);
    for (Worker& worker : workers) {
      if (!worker.finished) {
        worker.connection.interrupt();
      }
    }
    worker_finished.wait(lock, all_finished);
  }
  reap();
}

Server::Server(ServerOptions options, Router router) {
  ignore_broken_pipes();
  m_impl = std::make_unique<Impl>(std::move(options), std::move(router));
}

Server::~Server() {
  stop();
}

std::uint16_t Server::port() const {
  return m_impl->port;
}

void Server::start() {
  if (!m_impl->acceptor.joinable() && !m_impl->stopping) {
    m_impl->acceptor = std::thread([impl = m_impl.get()] { impl->accept_loop(); });
  }
}

void Server::stop() {
  m_impl->stop();
}

void Server::reload_certificate() {
  if (m_impl->tls) {
    m_impl->tls->reload();
  }
}

}  // namespace airlock::http
