#include "base/url.hpp"

#include "support/errors.hpp"

using namespace airlock::base;
using airlock::test::code_of;
using airlock::test::error_of;

TEST_CASE("a URL is taken into its parts", "[base][url]") {
  const Url url = Url::parse("HTTPS://User:pa%40ss@Example.EXAMPLE:8443/a%2Fb/c.txt?x=1&y#fragment");
  CHECK(url.scheme() == "https");
  CHECK(url.user_info() == "User:pa%40ss");
  CHECK(url.host() == "example.example");
  CHECK(url.port() == 8443);
  CHECK(url.has_port());
  CHECK(url.path() == "/a%2Fb/c.txt");
  CHECK(url.query() == "x=1&y");
  CHECK(url.host_port() == "example.example:8443");
  CHECK(url.origin() == "https://example.example:8443");
  CHECK(url.to_string() == "https://example.example:8443/a%2Fb/c.txt?x=1&y");
  CHECK(url.file_name() == "c.txt");
}

TEST_CASE("the scheme's own port is known and not printed", "[base][url]") {
  CHECK(Url::parse("http://a.example").port() == 80);
  CHECK(Url::parse("https://a.example").port() == 443);
  CHECK(Url::parse("https://a.example").origin() == "https://a.example:443");
  CHECK(Url::parse("https://a.example:443/x").to_string() == "https://a.example/x");
  CHECK(Url::parse("https://a.example:/x").to_string() == "https://a.example/x");
  CHECK(Url::parse("http://a.example:443/x").host_port() == "a.example:443");
  CHECK(Url::parse("https://a.example").path() == "/");
  CHECK(Url::parse("https://a.example?x=1").to_string() == "https://a.example/?x=1");
}

TEST_CASE("IPv6 addresses stand in brackets", "[base][url]") {
  const Url url = Url::parse("http://[2001:DB8::1]:8080/x");
  CHECK(url.host() == "2001:db8::1");
  CHECK(url.port() == 8080);
  CHECK(url.to_string() == "http://[2001:db8::1]:8080/x");
  CHECK(Url::parse("http://[::1]/").host_port() == "[::1]");
  CHECK(Url::parse("http://[::ffff:192.0.2.1]/").host() == "::ffff:192.0.2.1");
}

TEST_CASE("file URLs name a path on this host", "[base][url]") {
  const Url url = Url::parse("file:///srv/some%20file.tar");
  CHECK(url.scheme() == "file");
  CHECK(url.path() == "/srv/some%20file.tar");
  CHECK(url.file_name() == "some file.tar");
  CHECK(url.to_string() == "file:///srv/some%20file.tar");
  CHECK(url.port() == 0);
  CHECK(Url::parse("file://localhost/x").path() == "/x");
  CHECK(code_of([] { return Url::parse("file://other.example/x"); }) == ErrorCode::malformed);
  CHECK(code_of([] { return Url::parse("file:/x"); }) == ErrorCode::malformed);
}

TEST_CASE("what is no acceptable URL is refused", "[base][url]") {
  const std::string bad = GENERATE(values<std::string>({"",
                                                        "a",
                                                        "/x",
                                                        "//a.example/x",
                                                        "ftp://a.example/",
                                                        "javascript:alert(1)",
                                                        "https:",
                                                        "https:/a.example",
                                                        "https://",
                                                        "https:///x",
                                                        "https://a b.example/",
                                                        "https://a.example/a b",
                                                        "https://a.example/\n",
                                                        "https://a.example/\x7F",
                                                        "https://a.example\\@b.example/",
                                                        "https://a.example:0/",
                                                        "https://a.example:65536/",
                                                        "https://a.example:x/",
                                                        "https://a.example:-1/",
                                                        "https://a.example: 80/",
                                                        "https://a.example:99999999999/",
                                                        "https://[::1/",
                                                        "https://[]/",
                                                        "https://[x]/",
                                                        "https://[::1]x/",
                                                        "https://[fe80::1%25eth0]/",
                                                        "https://::1/",
                                                        "https://a.example/%",
                                                        "https://a.example/%2",
                                                        "https://a.example/%zz",
                                                        "https://a%20b.example/",
                                                        "https://a..example/",
                                                        "https://ä.example/",
                                                        "https://a.example,b.example/",
                                                        "https://u%@a.example/",
                                                        "https://a.example:80:80/",
                                                        "https://<a>/",
                                                        "h ttps://a.example/"}));
  CAPTURE(bad);
  CHECK(code_of([&] { return Url::parse(bad); }) == ErrorCode::malformed);
}

TEST_CASE("a NUL is refused in a URL", "[base][url]") {
  CHECK(code_of([] { return Url::parse(std::string_view("https://a.example/\0x", 20)); }) == ErrorCode::malformed);
}

TEST_CASE("no message shows the user info of a URL that cannot be parsed", "[base][url]") {
  for (const char* const bad : {"https://user:hunter2@a.example:0/", "https://user:hunter2@a b/", "user:hunter2@host",
                                "https://user:hunt/hunter2@a.example/", "https:\\\\user:hunter2@a.example/",
                                "https://a.example:0/?token=hunter2"}) {
    CAPTURE(bad);
    CHECK(error_of([&] { return Url::parse(bad); }).message().find("hunter2") == std::string::npos);
  }
}

TEST_CASE("the redacted form has neither user info nor query values", "[base][url]") {
  const Url url = Url::parse("https://user:secret@a.example/x?token=abc&plain&b=");
  CHECK(url.redacted() == "https://a.example/x?token=…&…&b=…");
  CHECK(Url::parse("https://a.example/x").redacted() == "https://a.example/x");
  CHECK(url.to_string().find("secret") == std::string::npos);
}

TEST_CASE("references resolve as in RFC 3986, section 5.4", "[base][url]") {
  const Url base = Url::parse("http://a/b/c/d;p?q");
  const auto [reference, expected] = GENERATE(table<std::string, std::string>({{"g", "http://a/b/c/g"},
                                                                               {"./g", "http://a/b/c/g"},
                                                                               {"g/", "http://a/b/c/g/"},
                                                                               {"/g", "http://a/g"},
                                                                               {"//g", "http://g/"},
                                                                               {"?y", "http://a/b/c/d;p?y"},
                                                                               {"g?y", "http://a/b/c/g?y"},
                                                                               {"#s", "http://a/b/c/d;p?q"},
                                                                               {"g#s", "http://a/b/c/g"},
                                                                               {"g?y#s", "http://a/b/c/g?y"},
                                                                               {";x", "http://a/b/c/;x"},
                                                                               {"g;x", "http://a/b/c/g;x"},
                                                                               {"g;x?y#s", "http://a/b/c/g;x?y"},
                                                                               {"", "http://a/b/c/d;p?q"},
                                                                               {".", "http://a/b/c/"},
                                                                               {"./", "http://a/b/c/"},
                                                                               {"..", "http://a/b/"},
                                                                               {"../", "http://a/b/"},
                                                                               {"../g", "http://a/b/g"},
                                                                               {"../..", "http://a/"},
                                                                               {"../../", "http://a/"},
                                                                               {"../../g", "http://a/g"},
                                                                               {"../../../g", "http://a/g"},
                                                                               {"../../../../g", "http://a/g"},
                                                                               {"/./g", "http://a/g"},
                                                                               {"/../g", "http://a/g"},
                                                                               {"g.", "http://a/b/c/g."},
                                                                               {".g", "http://a/b/c/.g"},
                                                                               {"g..", "http://a/b/c/g.."},
                                                                               {"..g", "http://a/b/c/..g"},
                                                                               {"./../g", "http://a/b/g"},
                                                                               {"./g/.", "http://a/b/c/g/"},
                                                                               {"g/./h", "http://a/b/c/g/h"},
                                                                               {"g/../h", "http://a/b/c/h"},
                                                                               {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
                                                                               {"g;x=1/../y", "http://a/b/c/y"},
                                                                               {"g?y/./x", "http://a/b/c/g?y/./x"},
                                                                               {"g?y/../x", "http://a/b/c/g?y/../x"},
                                                                               {"https://h/x/../y", "https://h/y"},
                                                                               {"g//h", "http://a/b/c/g//h"}}));
  CAPTURE(reference);
  CHECK(base.resolve(reference).to_string() == expected);
}

TEST_CASE("user info stays with its own host when a reference is resolved", "[base][url]") {
  const Url base = Url::parse("https://user:pw@a.example/x/y");
  CHECK(base.resolve("z").user_info() == "user:pw");
  CHECK(base.resolve("//b.example/z").user_info().empty());
  CHECK(base.resolve("https://a.example/z").user_info().empty());
}

TEST_CASE("a resolved URL is checked like a parsed one", "[base][url]") {
  const Url base = Url::parse("https://a.example/x");
  for (const char* const bad : {"a b", "a\\b", "//b c/", "ftp://b.example/", "mailto:x@b.example", "%zz", "x\n"}) {
    CAPTURE(bad);
    CHECK(code_of([&] { return base.resolve(bad); }) == ErrorCode::malformed);
  }
}

TEST_CASE("percent encoding goes both ways", "[base][url]") {
  CHECK(percent_encode("a b/ä~") == "a%20b%2F%C3%A4~");
  CHECK(percent_encode("@scope/name", "@/") == "@scope/name");
  CHECK(percent_decode("a%20b%2f%C3%A4+") == "a b/ä+");
  const std::string all = [] {
    std::string text;
    for (int i = 1; i < 256; ++i) {
      text += static_cast<char>(i);
    }
    return text;
  }();
  CHECK(percent_decode(percent_encode(all)) == all);
}

TEST_CASE("bad escapes and NUL are refused when decoding", "[base][url]") {
  for (const char* const bad : {"%", "%4", "%zz", "%00", "a%0", "% 41", "%-1"}) {
    CAPTURE(bad);
    CHECK(code_of([&] { return percent_decode(bad); }) == ErrorCode::malformed);
  }
  CHECK(code_of([] { return percent_decode(std::string_view("a\0", 2)); }) == ErrorCode::malformed);
}
