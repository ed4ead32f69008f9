#include "ecosystem/plain_tree.hpp"

#include "base/json.hpp"
#include "ecosystem/file/file.hpp"
#include "mirror_fixture.hpp"

namespace airlock::ecosystem {

namespace {

bool has_field(const std::string& response, const std::string& line) {
  return response.find("\r\n" + line + "\r\n") != std::string::npos;
}

}  // namespace

TEST_CASE("files are served with type, digest tag and ranges", "[ecosystem][plain_tree]") {
  MirrorHome home;
  home.add(plain_row("file", "docs/guide one.txt"), "0123456789");
  home.activate();
  MirrorServer server(home, file::descriptor());

  const std::string whole = server.raw("GET", "/files/docs/guide%20one.txt");
  CHECK(http::status_of_response(whole) == 200);
  CHECK(http::body_of_response(whole) == "0123456789");
  CHECK(has_field(whole, "Content-Type: text/plain"));
  CHECK(has_field(whole, "Content-Length: 10"));
  CHECK(has_field(whole, "X-Content-Type-Options: nosniff"));
  const std::string tag = "\"" + base::sha256("0123456789").hex() + "\"";
  CHECK(has_field(whole, "ETag: " + tag));

  const std::string part = server.raw("GET", "/files/docs/guide%20one.txt", "Range: bytes=2-4\r\n");
  CHECK(http::status_of_response(part) == 206);
  CHECK(http::body_of_response(part) == "234");
  CHECK(http::status_of_response(server.raw("GET", "/files/docs/guide%20one.txt", "If-None-Match: " + tag + "\r\n")) ==
        304);
  const std::string head = server.raw("HEAD", "/files/docs/guide%20one.txt");
  CHECK(has_field(head, "Content-Length: 10"));
  CHECK(http::body_of_response(head).empty());
  CHECK(server.status("POST", "/files/docs/guide%20one.txt") == 405);
}

TEST_CASE("what is missing, only known or refused is told apart, and only the first two are wanted",
          "[ecosystem][plain_tree]") {
  MirrorHome home;
  home.add(plain_row("file", "refused", model::Kind::withheld), "x");
  home.add_row(plain_row("file", "known", model::Kind::known));
  home.activate();
  MirrorServer server(home, file::descriptor());
  CHECK(server.status("GET", "/files/absent") == 404);
  CHECK(server.status("GET", "/files/known") == 404);
  CHECK(server.status("GET", "/files/refused") == 403);
  using Missing = std::vector<std::pair<std::string, std::string>>;
  CHECK(home.missing() == Missing{{"file", "absent"}, {"file", "known"}});
}

TEST_CASE("checksums of a folder leave out what is blocked, and are refused where nothing is left",
          "[ecosystem][plain_tree]") {
  MirrorHome home;
  home.add(plain_row("file", "half/a"), "x");
  for (const char* path : {"gone/a", "half/b"}) {
    home.add(plain_row("file", path, model::Kind::withheld), "x", "blocked on this side: bad");
  }
  home.activate();
  MirrorServer server(home, file::descriptor());
  CHECK(server.body("/files/half/SHA256SUMS") == base::sha256("x").hex() + "  a\n");
  CHECK(server.status("GET", "/files/gone/SHA256SUMS") == 403);
  CHECK(server.body("/files/gone/SHA256SUMS") == "'gone/' is blocked on this side: bad\n");
  CHECK(server.body("/files/gone/a") == "'gone/a' is blocked on this side: bad\n");
  CHECK(home.missing().empty());
}

TEST_CASE("the listing has pages", "[ecosystem][plain_tree]") {
  MirrorHome home;
  for (int i = 0; i < 5; ++i) {
    home.add(plain_row("file", "d/f" + std::to_string(i)), "content");
  }
  home.add(plain_row("file", "other"), "content");
  home.activate();
  MirrorServer server(home, file::descriptor());

  const base::Json all = base::parse_json(server.body("/files/"), "listing");
  CHECK(all.at("format") == 1);
  CHECK(all.at("files").size() == 6);
  CHECK(all.at("files")[0].at("path") == "d/f0");
  CHECK(all.at("files")[0].at("length") == 7);
  CHECK_FALSE(all.contains("next"));

  std::vector<std::string> paths;
  std::string target = "/files/?prefix=d/&limit=2";
  for (int pages = 0; pages < 10 && !target.empty(); ++pages) {
    const base::Json page = base::parse_json(server.body(target), "listing");
    for (const auto& file : page.at("files")) {
      paths.push_back(file.at("path"));
    }
    target = page.value("next", "");
  }
  CHECK(paths == std::vector<std::string>{"d/f0", "d/f1", "d/f2", "d/f3", "d/f4"});
}

TEST_CASE("a folder's checksums are made from the catalog unless it brought its own", "[ecosystem][plain_tree]") {
  MirrorHome home;
  home.add(plain_row("file", "made/a"), "a");
  home.add(plain_row("file", "made/sub/b"), "b");
  home.add(plain_row("file", "own/SHA256SUMS"), "as upstream wrote it");
  home.activate();
  MirrorServer server(home, file::descriptor());
  CHECK(server.body("/files/made/SHA256SUMS") ==
        base::sha256("a").hex() + "  a\n" + base::sha256("b").hex() + "  sub/b\n");
  CHECK(server.body("/files/own/SHA256SUMS") == "as upstream wrote it");
  CHECK(server.status("GET", "/files/absent/SHA256SUMS") == 404);
  CHECK(server.body("/files/SHA256SUMS").find("  made/sub/b\n") != std::string::npos);
}

TEST_CASE("a blob that the store lost is an error of this side, and nothing of the disk is told",
          "[ecosystem][plain_tree]") {
  MirrorHome home;
  home.add(plain_row("file", "a"), "content");
  home.activate();
  home.blobs().remove(base::sha256("content"));
  MirrorServer server(home, file::descriptor());
  const std::string response = server.raw("GET", "/files/a");
  CHECK(http::status_of_response(response) == 500);
  CHECK(response.find(home.path().string()) == std::string::npos);
}

}  // namespace airlock::ecosystem
