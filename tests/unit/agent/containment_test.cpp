// A job's walls with real namespaces and real programs in them. Needs root, or a kernel that lets others make user
// namespaces.
#include <netinet/in.h>
#include <sys/socket.h>

#include <thread>

#include "agent/cell_support.hpp"
#include "support/catch.hpp"

namespace airlock {
namespace {

using test::TestCell;

// Answers each connection with what it was sent, in capitals, until dropped.
class Echo {
 public:
  explicit Echo(const char* address = "127.0.0.1") {
    m_socket = base::Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage storage{};
    const auto length = base::IpAddress::parse(address)->to_socket(0, storage);
    REQUIRE(bind(m_socket.get(), reinterpret_cast<sockaddr*>(&storage), length) == 0);
    REQUIRE(listen(m_socket.get(), 16) == 0);
    socklen_t size = sizeof storage;
    getsockname(m_socket.get(), reinterpret_cast<sockaddr*>(&storage), &size);
    m_port = ntohs(reinterpret_cast<sockaddr_in&>(storage).sin_port);
    m_thread = std::thread([this] {
      while (true) {
        const base::Fd client(accept4(m_socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!client) {
          return;
        }
        std::array<char, 65536> buffer{};
        ssize_t got = 0;
        while ((got = read(client.get(), buffer.data(), buffer.size())) > 0) {
          base::write_all(client.get(), std::as_bytes(std::span(buffer).first(static_cast<std::size_t>(got))), "echo");
        }
      }
    });
  }
  ~Echo() {
    shutdown(m_socket.get(), SHUT_RDWR);
    m_thread.join();
  }
  std::string port() const { return std::to_string(m_port); }
  std::uint16_t number() const { return m_port; }

 private:
  base::Fd m_socket;
  std::uint16_t m_port = 0;
  std::thread m_thread;
};

const char* const k_connect = "import socket,sys\n"
                              "s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 20)\n"
                              "s.sendall(b'x' * int(sys.argv[3])); s.shutdown(1)\n"
                              "n = 0\n"
                              "while (b := s.recv(65536)): n += len(b)\n"
                              "print(n)\n";

TEST_CASE("a job runs as its own user in its own tree", "[containment]") {
  TestCell cell;
  const auto out =
      cell.shell("id -un; id -u; echo $$; ls / | tr '\\n' ' '; hostname; ls -A /run /var /proc/1/fd 2>&1; "
                 "cat /proc/self/status | grep -E 'CapEff|CapBnd|NoNewPrivs|Seccomp:'; touch /usr/x; true");
  INFO(out.output);
  CHECK(out.exit_code == 0);
  CHECK(out.output.starts_with("job\n64123\n2\n"));
  CHECK(out.output.find("airlock-job") != std::string::npos);
  CHECK(out.output.find("CapBnd:\t0000000000000000") != std::string::npos);
  CHECK(out.output.find("NoNewPrivs:\t1") != std::string::npos);
  CHECK(out.output.find("Seccomp:\t2") != std::string::npos);
  CHECK(out.output.find("Read-only file system") != std::string::npos);
}

TEST_CASE("a command ends although what it left writes without pause", "[containment]") {
  TestCell cell;
  const auto out = cell.shell("yes & yes >&2 & sleep 0.2; echo last words");
  CHECK(out.exit_code == 0);
  CHECK(out.output.find("last words\n") != std::string::npos);
  CHECK(cell.shell("echo next").output == "next\n");
}

TEST_CASE("what is not allowed is refused at once and recorded", "[containment]") {
  TestCell cell;
  const auto out = cell.run({"python3", "-c",
                             "import socket\n"
                             "for f, t, a in ((socket.AF_INET, socket.SOCK_STREAM, ('10.9.8.7', 443)),\n"
                             "                (socket.AF_INET6, socket.SOCK_STREAM, ('2001:4860::8888', 80)),\n"
                             "                (socket.AF_INET, socket.SOCK_DGRAM, ('192.0.2.9', 123))):\n"
                             "  s = socket.socket(f, t)\n"
                             "  try:\n"
                             "    s.connect(a); s.send(b'x'); s.recv(1)\n"
                             "  except OSError as e: print(e.errno)\n"
                             "try: socket.getaddrinfo('nowhere.example', 80)\n"
                             "except socket.gaierror as e: print(e)\n"});
  INFO(out.output);
  CHECK(out.output == "111\n111\n111\n[Errno -2] Name or service not known\n");
  CHECK(cell.was_refused("tcp", "10.9.8.7", 443));
  CHECK(cell.was_refused("tcp", "2001:4860::8888", 80));
  CHECK(cell.was_refused("udp", "192.0.2.9", 123));
  CHECK(cell.was_refused("dns", "nowhere.example", 0));
  REQUIRE(!cell.refused().empty());
  CHECK(cell.refused().front().process == "python3 (pid 2)");
}

TEST_CASE("what is allowed is carried, by loopback, by name and by range", "[containment]") {
  Echo echo;
  TestCell cell({"127.0.0.1:" + echo.port()});
  const auto out = cell.run({"python3", "-c", k_connect, "127.0.0.1", echo.port(), "3000000"});
  CHECK(out.output == "3000000\n");
  const auto other = cell.run({"python3", "-c", k_connect, "127.0.0.1", std::to_string(echo.number() ^ 1), "1"});
  CHECK(other.output.find("ConnectionRefusedError") != std::string::npos);
}

TEST_CASE("a loopback service is the one that the rule names", "[containment]") {
  Echo echo("127.0.0.2");
  TestCell cell({"127.0.0.2:" + echo.port()});
  CHECK(cell.run({"python3", "-c", k_connect, "127.0.0.2", echo.port(), "1000"}).output == "1000\n");
}

}  // namespace
}  // namespace airlock
