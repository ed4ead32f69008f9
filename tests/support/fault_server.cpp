#include "support/fault_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <ctime>
#include <iomanip>
#include <list>
#include <map>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "support/fault_wire.hpp"

namespace airlock::test {

namespace {

void apply_range(const FaultRequest& request, FaultAnswer& answer) {
  const auto range = request.field("Range");
  const auto condition = request.field("If-Range");
  if (!range || answer.range == FaultRange::ignore || answer.status != 200 ||
      (condition && condition != find_field(answer.fields, "ETag"))) {
    return;
  }
  const std::size_t dash = range->find('-');
  const std::size_t first = std::stoul(range->substr(6));
  const std::size_t total = answer.body.size();
  if (first >= total) {
    answer.status = 416;
    answer.fields.emplace_back("Content-Range", "bytes */" + std::to_string(total));
    answer.body.clear();
    return;
  }
  const std::string last_text = range->substr(dash + 1);
  const std::size_t last = last_text.empty() ? total - 1 : std::min(std::stoul(last_text), total - 1);
  answer.status = 206;
  answer.fields.emplace_back("Content-Range", "bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" +
                                                  std::to_string(total));
  answer.body = answer.body.substr(first, last - first + 1);
}

std::string http_date(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts = {};
  gmtime_r(&seconds, &parts);
  std::ostringstream text;
  text << std::put_time(&parts, "%a, %d %b %Y %H:%M:%S GMT");
  return text.str();
}

}  // namespace

FaultServer::Script overrun_for(std::chrono::seconds wait, RetryAfter form, FaultAnswer then) {
  using Clock = std::chrono::system_clock;
  struct Opening {
    std::mutex mutex;
    std::optional<Clock::time_point> time;
  };
  return [wait, form, then = std::move(then), opening = std::make_shared<Opening>()](const FaultRequest&, std::size_t) {
    const std::lock_guard lock(opening->mutex);
    const auto now = Clock::now();
    if (!opening->time) {
      // A date has whole seconds.
      opening->time =
          wait + (form == RetryAfter::date ? Clock::time_point(std::chrono::ceil<std::chrono::seconds>(now)) : now);
    }
    if (now >= *opening->time) {
      return then;
    }
    const std::string asked = form == RetryAfter::date ? http_date(*opening->time) : std::to_string(wait.count());
    return FaultAnswer{.status = 429, .fields = {{"Retry-After", asked}}};
  };
}

std::optional<std::string> FaultRequest::field(std::string_view name) const {
  return find_field(fields, name);
}

struct FaultServer::Impl {
  struct Peer {
    int fd = -1;
    std::thread thread;
  };

  void accept_loop();
  void serve(int fd);
  bool reply(Wire& wire, const FaultRequest& request, FaultAnswer answer);
  FaultAnswer next_answer(const FaultRequest& request);

  int listener = -1;
  std::uint16_t port = 0;
  std::thread acceptor;

  mutable std::mutex mutex;
  std::condition_variable stop_changed;
  bool stopping = false;
  std::list<Peer> peers;
  std::map<std::string, Script, std::less<>> scripts;
  std::map<std::string, std::size_t, std::less<>> counts;
  std::vector<FaultRequest> requests;
  std::size_t connections = 0;
  std::atomic<std::uint64_t> bytes_sent = 0;
  int at_once = 0;
  int most_at_once = 0;
};

FaultAnswer FaultServer::Impl::next_answer(const FaultRequest& request) {
  const std::string path = request.target.substr(0, request.target.find('?'));
  Script script;
  std::size_t count = 0;
  {
    const std::lock_guard lock(mutex);
    requests.push_back(request);
    count = counts[path]++;
    const auto found = scripts.find(path);
    if (found == scripts.end()) {
      return {.status = 404, .body = "no script"};
    }
    script = found->second;
  }
  return script(request, count);
}

bool FaultServer::Impl::reply(Wire& wire, const FaultRequest& request, FaultAnswer answer) {
  if (answer.silent) {
    while (wire.fill()) {
    }
    return false;
  }
  if (answer.hang_up) {
    return false;
  }
  if (!answer.raw.empty()) {
    wire.write(answer.raw);
    return false;
  }
  apply_range(request, answer);
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " Scripted\r\n";
  for (const auto& [name, value] : answer.fields) {
    head += name + ": " + value + "\r\n";
  }
  if (!answer.no_length && !find_field(answer.fields, "Content-Length")) {
    head += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
  }
  head += "\r\n";
  if (!wire.write(head)) {
    return false;
  }
  if (request.method == "HEAD") {
    return true;
  }
  const std::string_view body = std::string_view(answer.body).substr(0, answer.cut_after.value_or(std::string::npos));
  if (answer.trickle) {
    for (const char c : body) {
      std::unique_lock lock(mutex);
      if (stop_changed.wait_for(lock, *answer.trickle, [&] { return stopping; })) {
        return false;
      }
      lock.unlock();
      if (!wire.write({&c, 1}, &bytes_sent)) {
        return false;
      }
    }
  } else if (!wire.write(body, &bytes_sent)) {
    return false;
  }
  return !answer.cut_after && !answer.no_length;
}

void FaultServer::Impl::serve(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  Wire wire(fd);
  for (bool open = true; open;) {
    const auto request = read_request(wire);
    if (!request) {
      break;
    }
    {
      const std::lock_guard lock(mutex);
      most_at_once = std::max(most_at_once, ++at_once);
    }
    open = reply(wire, *request, next_answer(*request));
    const std::lock_guard lock(mutex);
    --at_once;
  }
  ::shutdown(fd, SHUT_RDWR);  // closed when the server ends, so that the number stays its own until then
}

void FaultServer::Impl::accept_loop() {
  for (;;) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    const std::lock_guard lock(mutex);
    if (fd < 0 || stopping) {
      if (fd >= 0) {
        ::close(fd);
      }
      return;
    }
    ++connections;
    peers.push_back({fd, std::thread([this, fd] { serve(fd); })});
  }
}

FaultServer::FaultServer() : m_impl(std::make_unique<Impl>()) {
  m_impl->listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (::bind(m_impl->listener, generic, size) != 0 || ::listen(m_impl->listener, 128) != 0 ||
      ::getsockname(m_impl->listener, generic, &size) != 0) {
    throw std::runtime_error("the fault server cannot listen");
  }
  m_impl->port = ntohs(address.sin_port);
  m_impl->acceptor = std::thread([impl = m_impl.get()] { impl->accept_loop(); });
}

FaultServer::FaultServer(const std::filesystem::path& socket) : m_impl(std::make_unique<Impl>()) {
  m_impl->listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = socket.string();
  if (name.size() >= sizeof address.sun_path) {
    throw std::runtime_error("the name of the fault server's socket is too long");
  }
  name.copy(address.sun_path, name.size());
  if (::bind(m_impl->listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(m_impl->listener, 128) != 0) {
    throw std::runtime_error("the fault server cannot listen");
  }
  m_impl->acceptor = std::thread([impl = m_impl.get()] { impl->accept_loop(); });
}

FaultServer::~FaultServer() {
  {
    const std::lock_guard lock(m_impl->mutex);
    m_impl->stopping = true;
    m_impl->stop_changed.notify_all();
    for (const Impl::Peer& peer : m_impl->peers) {
      ::shutdown(peer.fd, SHUT_RDWR);
    }
  }
  ::shutdown(m_impl->listener, SHUT_RDWR);
  m_impl->acceptor.join();
  ::close(m_impl->listener);
  for (Impl::Peer& peer : m_impl->peers) {
    peer.thread.join();
    ::close(peer.fd);
  }
}

std::string FaultServer::url(std::string_view path) const {
  return "http://127.0.0.1:" + std::to_string(m_impl->port) + std::string(path);
}

std::string FaultServer::other_origin_url(std::string_view path) const {
  return "http://localhost:" + std::to_string(m_impl->port) + std::string(path);
}

void FaultServer::script(std::string path, std::vector<FaultAnswer> answers) {
  script(std::move(path), [answers = std::move(answers)](const FaultRequest&, std::size_t count) {
    return answers.at(std::min(count, answers.size() - 1));
  });
}

void FaultServer::script(std::string path, Script script) {
  const std::lock_guard lock(m_impl->mutex);
  m_impl->counts[path] = 0;
  m_impl->scripts[std::move(path)] = std::move(script);
}

std::vector<FaultRequest> FaultServer::requests(std::string_view path) const {
  const std::lock_guard lock(m_impl->mutex);
  std::vector<FaultRequest> matching;
  for (const FaultRequest& request : m_impl->requests) {
    if (path.empty() || request.target.substr(0, request.target.find('?')) == path) {
      matching.push_back(request);
    }
  }
  return matching;
}

std::size_t FaultServer::connections() const {
  const std::lock_guard lock(m_impl->mutex);
  return m_impl->connections;
}

std::uint64_t FaultServer::bytes_sent() const {
  return m_impl->bytes_sent;
}

int FaultServer::most_at_once() const {
  const std::lock_guard lock(m_impl->mutex);
  return m_impl->most_at_once;
}

}  // namespace airlock::test
