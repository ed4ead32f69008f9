#include "http_fixture.hpp"
#include "support/test_certificate.hpp"

namespace airlock::http {

namespace {

Router hello_router() {
  Router router;
  router.add("GET", "/hello", [](const ServerRequest& request) {
    return ServerResponse::text(200, request.tls ? "hello over TLS" : "hello");
  });
  return router;
}

ServerOptions tls_options(const test::TestCertificate& certificate) {
  ServerOptions options;
  options.tls_certificate = certificate.certificate;
  options.tls_key = certificate.key;
  return options;
}

ClientOptions trusting(const std::filesystem::path& ca_file) {
  ClientOptions options = quick_options();
  options.hosts["127.0.0.1"].ca_file = ca_file;
  return options;
}

}  // namespace

TEST_CASE("a site's own CA is accepted for its host", "[http][client][tls]") {
  const base::TempDir directory;
  const auto certificate = test::make_certificate(directory.path(), "site");
  RunningServer server(hello_router(), tls_options(certificate));
  Client client(trusting(certificate.certificate));
  CHECK(client.send({.url = server.url("/hello")}).body == "hello over TLS");

  ClientOptions for_all = quick_options();
  for_all.ca_file = certificate.certificate;
  CHECK(Client(for_all).send({.url = server.url("/hello")}).status == 200);
}

TEST_CASE("options for host and port win over those for the host", "[http][client][tls]") {
  const base::TempDir directory;
  const auto certificate = test::make_certificate(directory.path(), "site");
  const auto other = test::make_certificate(directory.path(), "other");
  RunningServer server(hello_router(), tls_options(certificate));
  ClientOptions options = trusting(other.certificate);
  auto& exact = options.hosts["127.0.0.1:" + std::to_string(server.port())];
  exact.ca_file = certificate.certificate;
  exact.proxy = "direct";
  CHECK(Client(options).send({.url = server.url("/hello")}).status == 200);
}

TEST_CASE("a certificate of an unknown issuer is refused at once, with a hint", "[http][client][tls]") {
  const base::TempDir directory;
  const auto certificate = test::make_certificate(directory.path(), "site");
  RunningServer server(hello_router(), tls_options(certificate));
  Client client(quick_options());
  const auto error = test::error_of([&] { client.send({.url = server.url("/hello")}); });
  CHECK(error.code() == base::ErrorCode::network);
  CHECK(error.message().find("certificate was not accepted") != std::string::npos);
  CHECK(error.message().find("tries") == std::string::npos);
  CHECK(error.hint().find("ca_file") != std::string::npos);
}

TEST_CASE("a certificate for another name is refused", "[http][client][tls]") {
  const base::TempDir directory;
  const auto certificate = test::make_certificate(directory.path(), "site", {"other.example"});
  RunningServer server(hello_router(), tls_options(certificate));
  Client client(trusting(certificate.certificate));
  const auto error = test::error_of([&] { client.send({.url = server.url("/hello")}); });
  CHECK(error.code() == base::ErrorCode::network);
  CHECK(error.hint().find("another name") != std::string::npos);
}

TEST_CASE("a certificate is not checked on the user's explicit word", "[http][client][tls]") {
  const base::TempDir directory;
  const auto certificate = test::make_certificate(directory.path(), "site", {"other.example"});
  RunningServer server(hello_router(), tls_options(certificate));
  ClientOptions options = quick_options();
  options.hosts["127.0.0.1"].insecure_tls = true;
  CHECK(Client(options).send({.url = server.url("/hello")}).status == 200);
}

TEST_CASE("a CA file that cannot be used is a configuration error", "[http][client][tls]") {
  const base::TempDir directory;
  const auto empty = directory.path() / "empty.pem";
  base::write_file_atomic(empty, "nothing here\n");
  const auto absent = directory.path() / "absent.pem";
  for (const auto& path : {empty, absent}) {
    Client client(trusting(path));
    const auto error = test::error_of([&] { client.send({.url = url_of("https://127.0.0.1:1/")}); });
    CHECK(error.code() == base::ErrorCode::config);
    CHECK(error.message().find(path.filename().string()) != std::string::npos);
  }
}

TEST_CASE("a plain server behind an https URL is recognised", "[http][client][tls]") {
  RunningServer server(hello_router());
  Client client(quick_options());
  const auto error = test::error_of(
      [&] { client.send({.url = url_of("https://127.0.0.1:" + std::to_string(server.port()) + "/hello")}); });
  CHECK(error.code() == base::ErrorCode::network);
  CHECK(error.hint().find("plain_http: true") != std::string::npos);
}

TEST_CASE("a TLS server behind an http URL is an error", "[http][client][tls]") {
  const base::TempDir directory;
  RunningServer server(hello_router(), tls_options(test::make_certificate(directory.path(), "site")));
  ClientOptions options = quick_options();
  options.retries = 0;
  Client client(options);
  CHECK_THROWS_AS(client.send({.url = url_of("http://127.0.0.1:" + std::to_string(server.port()) + "/hello")}),
                  base::Error);
}

TEST_CASE("a large file and an upload go through TLS whole", "[http][client][tls]") {
  const base::TempDir directory;
  const auto certificate = test::make_certificate(directory.path(), "site");
  const std::string content = pattern_text(3'000'000);
  Router router;
  router.add("GET", "/f", [slice = file_with(content)](const ServerRequest&) {
    return ServerResponse::file(slice, "application/octet-stream", "tag");
  });
  router.add("PUT", "/f",
             [&](const ServerRequest& request) {
               return ServerResponse::text(base::read_all(*request.body, 4'000'000) == content ? 201 : 400, "");
             },
             {.body_limit = 4'000'000});
  RunningServer server(std::move(router), tls_options(certificate));
  Client client(trusting(certificate.certificate));
  base::StringSink sink(4'000'000);
  client.download({.url = server.url("/f")}, sink);
  CHECK(sink.take() == content);

  base::StringSource source(content);
  Request upload{.method = "PUT", .url = server.url("/f")};
  upload.body_source = &source;
  upload.body_length = GENERATE(std::optional<std::uint64_t>(3'000'000), std::optional<std::uint64_t>());
  CHECK(client.send(upload).status == 201);
}

}  // namespace airlock::http
