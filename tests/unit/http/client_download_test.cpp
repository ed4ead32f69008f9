#include <fmt/format.h>

#include "http_fixture.hpp"
#include "support/fault_server.hpp"

namespace airlock::http {

using test::FaultAnswer;
using test::FaultRange;
using test::FaultServer;

namespace {

struct Got {
  std::string content;
  Downloaded downloaded;
  std::vector<std::uint64_t> lengths;  // what on_length was told
};

Got fetch(const Download& download, const ClientOptions& options = quick_options()) {
  Client client(options);
  Got got;
  base::FunctionSink sink([&](std::span<const std::byte> data) {
    got.content.append(reinterpret_cast<const char*>(data.data()), data.size());
  });
  got.downloaded = client.download(download, sink, [&](std::uint64_t total) {
    CHECK(got.content.empty());
    got.lengths.push_back(total);
  });
  return got;
}

const std::string& content() {
  static const std::string text = pattern_text(100'000);
  return text;
}

}  // namespace

TEST_CASE("a download brings the whole and tells its length", "[http][client][download]") {
  FaultServer server;
  server.script("/f", {{.fields = {{"ETag", "\"v1\""}}, .body = content()}});
  const Got got = fetch({.url = url_of(server.url("/f"))});
  CHECK(got.content == content());
  CHECK(got.lengths == std::vector<std::uint64_t>{100'000});
  CHECK(got.downloaded.received == 100'000);
  CHECK(got.downloaded.headers.find("etag") == "\"v1\"");
  CHECK_FALSE(server.requests().front().field("Range").has_value());
}

TEST_CASE("an empty file is a file", "[http][client][download]") {
  FaultServer server;
  server.script("/f", {{.body = ""}});
  Download download{.url = url_of(server.url("/f"))};
  CHECK(fetch(download).content.empty());
  download.total = 0;
  CHECK(fetch(download).lengths == std::vector<std::uint64_t>{0});
}

TEST_CASE("a part is asked for and brought", "[http][client][download]") {
  FaultServer server;
  server.script("/f", {{.body = content()}});
  Download download{.url = url_of(server.url("/f")), .offset = 1000, .length = 500};
  const Got part = fetch(download);
  CHECK(part.content == content().substr(1000, 500));
  CHECK(part.lengths == std::vector<std::uint64_t>{100'000});
  CHECK(server.requests().front().field("Range") == "bytes=1000-1499");

  download.length.reset();
  CHECK(fetch(download).content == content().substr(1000));
  download.offset = 100'000;
  download.total = 100'000;
  CHECK(fetch(download).content.empty());
  download.length = 0;
  CHECK(fetch(download).content.empty());
}

TEST_CASE("a whole that is known to be one is asked for without Range", "[http][client][download]") {
  FaultServer server;
  server.script("/f", {{.body = content()}});
  CHECK(fetch({.url = url_of(server.url("/f")), .length = 100'000, .total = 100'000}).content == content());
  CHECK_FALSE(server.requests().front().field("Range").has_value());
}

TEST_CASE("a body that breaks off goes on where it stopped", "[http][client][download]") {
  FaultServer server;
  const auto tag = std::pair<std::string, std::string>{"ETag", "\"v1\""};
  server.script("/f", {{.fields = {tag}, .body = content(), .cut_after = 30'000},
                       {.fields = {tag}, .body = content(), .cut_after = 20'000},
                       {.fields = {tag}, .body = content()}});
  const Got got = fetch({.url = url_of(server.url("/f"))});
  CHECK(got.content == content());
  CHECK(got.downloaded.received == 100'000);
  CHECK(got.lengths.size() == 1);
  const auto requests = server.requests();
  REQUIRE(requests.size() == 3);
  CHECK(requests[1].field("Range") == "bytes=30000-");
  CHECK(requests[1].field("If-Range") == "\"v1\"");
  CHECK(requests[2].field("Range") == "bytes=50000-");
}

TEST_CASE("a download survives more breaks than it has retries while each brings something",
          "[http][client][download]") {
  FaultServer server;
  server.script("/f", {{.body = content(), .cut_after = 5000}});
  CHECK(fetch({.url = url_of(server.url("/f"))}).content == content());
  CHECK(server.requests().size() == 20);
}

TEST_CASE("breaks that bring nothing end the download with the number of tries", "[http][client][download]") {
  FaultServer server;
  server.script("/f", {{.body = content(), .cut_after = 40'000}, {.body = content(), .cut_after = 0}});
  const auto error = test::error_of([&] { fetch({.url = url_of(server.url("/f"))}); });
  CHECK(error.code() == base::ErrorCode::network);
  CHECK(error.message().find("tries") != std::string::npos);
}

TEST_CASE("a server that ignores Range is read again and skipped by count", "[http][client][download]") {
  FaultServer server;
  server.script("/f", {{.body = content(), .range = FaultRange::ignore, .cut_after = 30'000},
                       {.body = content(), .range = FaultRange::ignore}});
  const Got got = fetch({.url = url_of(server.url("/f"))});
  CHECK(got.content == content());
  CHECK(got.downloaded.received == 130'000);

  const Download part{.url = url_of(server.url("/f")), .offset = 1000, .length = 500};
  CHECK(fetch(part).content == content().substr(1000, 500));
}

TEST_CASE("a sink that can do without the whole is told before it comes", "[http][client][download]") {
  struct Asked : std::exception {};
  class Choosy : public PartSink {
   public:
    explicit Choosy(bool refuses) : m_refuses(refuses) {}
    void on_whole() override {
      ++told;
      received_before = content.size();
      if (m_refuses) {
        throw Asked();
      }
    }
    void write(std::span<const std::byte> data) override {
      content.append(reinterpret_cast<const char*>(data.data()), data.size());
    }
    int told = 0;
    std::size_t received_before = 0;
    std::string content;

   private:
    bool m_refuses;
  };
  FaultServer server;
  Client client(quick_options());
  Download part{.url = url_of(server.url("/f")), .offset = 1000, .length = 500};
  SECTION("and may end it, with nothing read") {
    server.script("/f", {{.body = content(), .range = FaultRange::ignore}});
    Choosy sink(true);
    CHECK_THROWS_AS(client.download(part, sink), Asked);
    CHECK(sink.content.empty());
    CHECK(client.bytes_received() == 0);
    CHECK(server.requests().size() == 1);
  }
  SECTION("or take it") {
    server.script("/f", {{.body = content(), .range = FaultRange::ignore}});
    Choosy sink(false);
    part.offset = GENERATE(std::uint64_t{0}, std::uint64_t{1000});
    client.download(part, sink);
    CHECK(sink.told == 1);
    CHECK(sink.content == content().substr(part.offset, 500));
  }
  SECTION("also where the range is that of what is left after a break") {
    server.script("/f", {{.body = content(), .cut_after = 30'000}, {.body = content(), .range = FaultRange::ignore}});
    part.offset = 0;
    part.length.reset();
    Choosy sink(true);
    CHECK_THROWS_AS(client.download(part, sink), Asked);
    CHECK(sink.received_before == 30'000);
  }
  SECTION("not where the part comes, or the whole is wanted") {
    server.script("/f", {{.body = content()}});
    server.script("/whole", {{.body = content(), .range = FaultRange::ignore}});
    Choosy sink(true);
    client.download(part, sink);
    client.download({.url = url_of(server.url("/whole"))}, sink);
    client.download({.url = url_of(server.url("/whole")), .length = 100'000}, sink);
    CHECK(sink.told == 0);
  }
}

TEST_CASE("a part that comes in smaller parts is put together", "[http][client][download]") {
  FaultServer server;
  server.script("/f", [](const test::FaultRequest&, std::size_t count) {
    const std::size_t first = count * 40'000;
    const std::size_t last = std::min<std::size_t>(first + 40'000, 100'000) - 1;
    return FaultAnswer{.status = 206,
                       .fields = {{"Content-Range", fmt::format("bytes {}-{}/100000", first, last)}},
                       .body = content().substr(first, last - first + 1)};
  });
  CHECK(fetch({.url = url_of(server.url("/f")), .length = 100'000}).content == content());
  CHECK(server.requests().size() == 3);
}

TEST_CASE("a body without a length ends with the connection", "[http][client][download]") {
  FaultServer server;
  server.script("/f", {{.body = content(), .no_length = true}});
  const Got got = fetch({.url = url_of(server.url("/f"))});
  CHECK(got.content == content());
  CHECK(got.lengths.empty());
}

TEST_CASE("a body without a length that is too short for the known whole is resumed", "[http][client][download]") {
  FaultServer server;
  server.script("/f", {{.body = content(), .cut_after = 30'000, .no_length = true}, {.body = content()}});
  const Got got = fetch({.url = url_of(server.url("/f")), .total = 100'000});
  CHECK(got.content == content());
}

TEST_CASE("statuses become errors of their kind", "[http][client][download]") {
  const auto [status, code] = GENERATE(table<int, base::ErrorCode>({{404, base::ErrorCode::not_found},
                                                                    {410, base::ErrorCode::not_found},
                                                                    {401, base::ErrorCode::auth},
                                                                    {403, base::ErrorCode::auth},
                                                                    {400, base::ErrorCode::upstream},
                                                                    {501, base::ErrorCode::upstream},
                                                                    {204, base::ErrorCode::upstream},
                                                                    {503, base::ErrorCode::upstream}}));
  FaultServer server;
  server.script("/f", {{.status = status,
                        .fields = {{"Content-Type", "text/plain"}},
                        .body = "the reason",
                        .no_length = status == 204}});
  const auto error = test::error_of([&] { fetch({.url = url_of(server.url("/f"))}); });
  CHECK(error.code() == code);
  CHECK(error.message().find(std::to_string(status)) != std::string::npos);
  if (status != 204) {
    CHECK(error.message().find("the reason") != std::string::npos);
  }
}

TEST_CASE("overload in the middle is waited for", "[http][client][download]") {
  FaultServer server;
  server.script("/f", {{.status = 429, .fields = {{"Retry-After", "0"}}},
                       {.body = content(), .cut_after = 10'000},
                       {.status = 503},
                       {.body = content()}});
  CHECK(fetch({.url = url_of(server.url("/f"))}).content == content());
}

TEST_CASE("a download waits for what Retry-After asks", "[http][client][download]") {
  FaultServer server;
  const auto form = GENERATE(test::RetryAfter::seconds, test::RetryAfter::date);
  server.script("/f", test::overrun_for(std::chrono::seconds(2), form, {.body = content()}));
  CHECK(fetch({.url = url_of(server.url("/f"))}).content == content());
  CHECK(server.requests("/f").size() == 2);
}

TEST_CASE("authorization is asked for before each try and again after a 401", "[http][client][download]") {
  FaultServer server;
  server.script("/f", [](const test::FaultRequest& request, std::size_t count) {
    if (request.field("Authorization") != "Bearer fresh") {
      return FaultAnswer{.status = 401, .fields = {{"WWW-Authenticate", "Bearer realm=\"r\""}}, .body = "no"};
    }
    return FaultAnswer{.body = content(), .cut_after = count < 3 ? std::optional<std::size_t>(20'000) : std::nullopt};
  });
  std::vector<std::string> calls;
  Download download{.url = url_of(server.url("/f"))};
  download.authorize = [&](const Response* unauthorized) {
    calls.push_back(unauthorized == nullptr ? "" : unauthorized->headers.find("WWW-Authenticate").value_or("?"));
    return base::Secret(unauthorized == nullptr && calls.size() == 1 ? "" : "Bearer fresh");
  };
  CHECK(fetch(download).content == content());
  REQUIRE(calls.size() >= 3);
  CHECK(calls[0].empty());
  CHECK(calls[1] == "Bearer realm=\"r\"");
  CHECK(calls[2].empty());
}

TEST_CASE("credentials that are refused twice are an error", "[http][client][download]") {
  FaultServer server;
  server.script("/f", {{.status = 401}});
  Download download{.url = url_of(server.url("/f"))};
  download.authorize = [](const Response*) { return base::Secret("Bearer t"); };
  CHECK(test::code_of([&] { fetch(download); }) == base::ErrorCode::auth);
  CHECK(server.requests().size() == 2);
}

TEST_CASE("what the sink throws comes out as it is", "[http][client][download]") {
  FaultServer server;
  server.script("/f", {{.body = content()}});
  Client client(quick_options());
  base::StringSink small(10);
  const Download download{.url = url_of(server.url("/f"))};
  CHECK(test::code_of([&] { client.download(download, small); }) == base::ErrorCode::limit);
  CHECK(server.requests().size() == 1);
  base::StringSink large(200'000);  // the client is still good
  client.download(download, large);
  CHECK(large.take() == content());
}

TEST_CASE("a trickle is given up and resumed", "[http][client][download]") {
  const auto pause = GENERATE(std::chrono::milliseconds(30'000), std::chrono::milliseconds(100));
  FaultServer server;
  server.script("/f", {{.body = content(), .trickle = pause}, {.body = content()}});
  ClientOptions options = quick_options();
  options.stall_timeout = std::chrono::seconds(1);
  CHECK(fetch({.url = url_of(server.url("/f"))}, options).content == content());
}

TEST_CASE("a rate limit loses nothing", "[http][client][download]") {
  FaultServer server;
  server.script("/f", {{.body = content()}});
  ClientOptions options = quick_options();
  options.rate_limit = 400'000;
  CHECK(fetch({.url = url_of(server.url("/f"))}, options).content == content());
}

}  // namespace airlock::http
