#include "ecosystem/oci/endpoints.hpp"

#include "ecosystem/oci/tags.hpp"
#include "fake_registry.hpp"
#include "store_fixture.hpp"
#include "support/catch.hpp"

namespace airlock::ecosystem::oci {

namespace {

using Platforms = TestHome::Platforms;

// The mounted routes behind a server; what was missed is kept.
class Served {
 public:
  explicit Served(TestHome& home, bool publish = true) {
    if (publish) {
      m_catalog = home.publish();
    }
    http::Router router;
    mount(router, {[this] { return m_catalog; }, home.blobs,
                   [this](std::string_view ecosystem, std::string_view name) {
                     missed.push_back(std::string(ecosystem) + " " + std::string(name));
                   }});
    http::ServerOptions options;
    options.port = 0;
    m_server = std::make_unique<http::Server>(std::move(options), std::move(router));
    m_server->start();
  }

  http::Response send(const std::string& method, const std::string& path, const http::Headers& headers = {}) {
    http::Request request;
    request.method = method;
    request.url = base::Url::parse("http://127.0.0.1:" + std::to_string(m_server->port()) + path);
    request.headers = headers;
    return m_client.send(request);
  }
  http::Response get(const std::string& path) { return send("GET", path); }
  Json json(const std::string& path) { return Json::parse(get(path).body); }
  std::string error_code(const std::string& path) { return json(path)["errors"][0]["code"]; }

  std::vector<std::string> missed;

 private:
  std::shared_ptr<const store::Catalog> m_catalog;
  http::Client m_client{quick_options()};
  std::unique_ptr<http::Server> m_server;
};

const TwoPlatforms k_two;

}  // namespace

TEST_CASE("a manifest is served as it was, by tag and by digest", "[oci][endpoints]") {
  TestHome home;
  home.add_image("registry.example_5000/team/app", "1", Platforms::both);
  Served served(home);
  const std::string reference =
      GENERATE_COPY(std::string("1"), digest_text(k_two.index), "sha256%3A" + digest_hex(k_two.index));
  const std::string method = GENERATE("GET", "HEAD");
  const http::Response response = served.send(method, "/v2/registry.example_5000/team/app/manifests/" + reference);
  CHECK(response.status == 200);
  CHECK(response.headers.find("Content-Type") == std::string(k_oci_index));
  CHECK(response.headers.find("Docker-Content-Digest") == digest_text(k_two.index));
  CHECK(response.headers.find("Content-Length") == std::to_string(k_two.index.size()));
  CHECK(response.headers.find("Docker-Distribution-Api-Version") == "registry/2.0");
  CHECK(response.body == (method == "GET" ? k_two.index : ""));
  CHECK(served.missed.empty());
}

TEST_CASE("a blob is served, in parts too", "[oci][endpoints]") {
  TestHome home;
  home.add_image("quay.io/a", "1", Platforms::both);
  Served served(home);
  const std::string path = "/v2/quay.io/a/blobs/" + digest_text(k_two.amd64_layer);
  CHECK(served.get(path).body == k_two.amd64_layer);
  const http::Response part = served.send("GET", path, {{"Range", "bytes=2-4"}});
  CHECK(part.status == 206);
  CHECK(part.body == k_two.amd64_layer.substr(2, 3));
  CHECK(served.send("GET", path, {{"Range", "bytes=500-"}}).status == 416);
  const std::string etag = served.get(path).headers.find("ETag").value_or("");
  CHECK(served.send("GET", path, {{"If-None-Match", etag}}).status == 304);
  // A layer of another repository is not in this one.
  CHECK(served.get("/v2/quay.io/b/blobs/" + digest_text(k_two.amd64_layer)).status == 404);
  CHECK(served.error_code("/v2/quay.io/a/manifests/" + digest_text(k_two.amd64_layer)) == "MANIFEST_UNKNOWN");
}

TEST_CASE("names are found as clients spell them", "[oci][endpoints]") {
  TestHome home;
  home.add_image("docker.io/library/debian", "12", Platforms::both);
  home.add_image("quay.io/a/b", "1", Platforms::both);
  home.add_image("registry.example_5000/x", "1", Platforms::both);
  Served served(home);
  for (const char* path : {"/v2/docker.io/library/debian/manifests/12", "/v2/library/debian/manifests/12",
                           "/v2/debian/manifests/12", "/v2/docker.io/debian/manifests/12",
                           "/v2/library/debian/manifests/12?ns=docker.io", "/v2/a/b/manifests/1?ns=quay.io",
                           "/v2/quay.io/a/b/manifests/1?ns=quay.io", "/v2/x/manifests/1?ns=registry.example:5000"}) {
    CAPTURE(path);
    CHECK(served.get(path).status == 200);
  }
  CHECK(served.get("/v2/a/b/manifests/1?ns=quay.io").headers.find("OCI-Namespace") == "quay.io");
  CHECK_FALSE(served.get("/v2/a/b/manifests/1?ns=quay%0d%0aX:%20y").headers.find("X"));
  CHECK(served.get("/v2/a/b/manifests/1").status == 404);
  CHECK(served.get("/v2/a/b/manifests/1?ns=ghcr.io").status == 404);
}

TEST_CASE("what is not here says why, and is noted", "[oci][endpoints]") {
  TestHome home;
  home.add_image("registry.example_5000/app", "1", Platforms::amd64);
  Served served(home);
  const std::string base = "/v2/registry.example_5000/app/manifests/";
  const Json left_out = served.json(base + digest_text(k_two.arm64));
  CHECK(left_out["errors"][0]["code"] == "MANIFEST_UNKNOWN");
  CHECK(left_out["errors"][0]["message"].get<std::string>().find(
            "exists upstream, not carried for platform linux/arm64") != std::string::npos);
  CHECK(served.error_code(base + "2") == "MANIFEST_UNKNOWN");
  CHECK(served.error_code("/v2/nginx/manifests/1") == "NAME_UNKNOWN");
  CHECK(served.error_code("/v2/registry.example_5000/app/blobs/" + digest_text("none")) == "BLOB_UNKNOWN");
  CHECK(served.error_code(base + "sha256:12") == "DIGEST_INVALID");
  CHECK(served.error_code("/v2/registry.example_5000/app/blobs/md5:12") == "DIGEST_INVALID");
  CHECK(served.get(base + referrers_tag(base::sha256(k_two.index)) + ".sig").status == 404);
  CHECK(served.missed == std::vector<std::string>{"oci registry.example:5000/app@" + digest_text(k_two.arm64),
                                                  "oci registry.example:5000/app:2", "oci docker.io/library/nginx:1"});
}

TEST_CASE("what was refused on import is not served", "[oci][endpoints]") {
  TestHome home;
  const std::string manifest = image("c", "l").dump();
  home.add("quay.io/a@" + digest_text(manifest), manifest, k_oci_manifest, model::Kind::withheld);
  Served served(home);
  const http::Response response = served.get("/v2/quay.io/a/manifests/" + digest_text(manifest));
  CHECK(response.status == 403);
  CHECK(response.body.find("DENIED") != std::string::npos);
}

TEST_CASE("tags that are blocked are left out of the list, which is refused where none is left", "[oci][endpoints]") {
  TestHome home;
  const std::string manifest = image("c", "l").dump();
  const std::string reason = "blocked on this side: bad";
  for (const char* path : {"quay.io/gone:1", "quay.io/half:1", "quay.io/half:3"}) {
    home.add(path, manifest, k_oci_manifest, model::Kind::withheld).reason = reason;
  }
  for (const char* path : {"quay.io/half:2", "quay.io/half:4"}) {
    home.add(path, manifest, k_oci_manifest, model::Kind::tag);
  }
  Served served(home);
  CHECK(served.get("/v2/quay.io/gone/tags/list").status == 403);
  const Json error = served.json("/v2/quay.io/gone/tags/list")["errors"][0];
  CHECK(error["code"] == "DENIED");
  CHECK(error["message"] == "quay.io/gone is blocked on this side: bad");
  CHECK(served.json("/v2/quay.io/gone/manifests/1")["errors"][0]["message"] ==
        "1 of quay.io/gone is blocked on this side: bad");
  CHECK(served.json("/v2/quay.io/half/tags/list")["tags"] == Json{"2", "4"});
  CHECK(served.get("/v2/quay.io/half/tags/list?n=0").status == 200);
  // They take up no place on a page either.
  const http::Response page = served.get("/v2/quay.io/half/tags/list?n=1");
  CHECK(Json::parse(page.body)["tags"] == Json{"2"});
  CHECK(page.headers.find("Link") == "</v2/quay.io/half/tags/list?n=1&last=2>; rel=\"next\"");
  const http::Response last = served.get("/v2/quay.io/half/tags/list?n=1&last=2");
  CHECK(Json::parse(last.body)["tags"] == Json{"4"});
  CHECK_FALSE(last.headers.find("Link"));
  CHECK(served.missed.empty());
}

TEST_CASE("a home without a catalog answers politely", "[oci][endpoints]") {
  TestHome home;
  Served served(home, false);
  CHECK(served.get("/v2/").status == 200);
  CHECK(served.get("/v2/nginx/manifests/1").status == 404);
  CHECK(served.get("/v2/nginx/tags/list").status == 404);
  CHECK(served.json("/v2/nginx/referrers/" + digest_text("x"))["manifests"].empty());
  CHECK(served.json("/v2/_catalog")["repositories"].empty());
}

TEST_CASE("tags are listed page by page", "[oci][endpoints]") {
  TestHome home;
  for (const char* tag : {"b", "a", "d", "c"}) {
    home.add_manifest("docker.io/library/x", image("c", tag).dump(), tag);
  }
  home.add_manifest("docker.io/library/x/y", image("c", "z").dump(), "z");
  Served served(home);
  CHECK(served.json("/v2/x/tags/list") == Json{{"name", "x"}, {"tags", {"a", "b", "c", "d"}}});
  const http::Response page = served.get("/v2/x/tags/list?n=2");
  CHECK(Json::parse(page.body)["tags"] == Json{"a", "b"});
  CHECK(page.headers.find("Link") == "</v2/x/tags/list?n=2&last=b>; rel=\"next\"");
  const http::Response last = served.get("/v2/x/tags/list?n=2&last=b");
  CHECK(Json::parse(last.body)["tags"] == Json{"c", "d"});
  CHECK_FALSE(last.headers.find("Link"));
  CHECK(served.json("/v2/x/tags/list?last=c")["tags"] == Json{"d"});
  const http::Response none = served.get("/v2/x/tags/list?n=0");
  CHECK(Json::parse(none.body)["tags"] == Json::array());
  CHECK_FALSE(none.headers.find("Link"));
  CHECK(served.get("/v2/x/tags/list?n=x").status == 400);
  CHECK(served.get("/v2/none/tags/list").status == 404);
  CHECK(served.get("/v2/%ff/tags/list").status == 404);
  CHECK(served.get("/v2/x/manifests/b?ns=%ff").status == 404);
  CHECK(served.error_code("/v2/x/%ff/tags/list") == "NAME_UNKNOWN");
}

TEST_CASE("a withheld tag is not listed, and no list ends at one", "[oci][endpoints]") {
  TestHome home;
  const std::string manifest = image("c", "l").dump();
  for (const char* tag : {"b", "f", "i"}) {
    home.add_manifest("quay.io/a", manifest, tag);
  }
  for (const char* tag : {"a", "c", "d", "e", "g", "h", "j", "k", "l"}) {
    home.add(std::string("quay.io/a:") + tag, manifest, k_oci_manifest, model::Kind::withheld);
  }
  Served served(home);
  const std::size_t count = GENERATE(1U, 2U, 3U, 20U);
  std::vector<std::string> all;
  std::string path = "/v2/quay.io/a/tags/list?n=" + std::to_string(count);
  for (int pages = 0; !path.empty() && pages < 10; ++pages) {
    const http::Response page = served.get(path);
    const auto names = Json::parse(page.body)["tags"].get<std::vector<std::string>>();
    const std::string link = page.headers.find("Link").value_or("");
    CHECK((names.size() == count || link.empty()));
    all.insert(all.end(), names.begin(), names.end());
    path = link.empty() ? "" : link.substr(1, link.find('>') - 1);
  }
  CHECK(path.empty());
  CHECK(all == std::vector<std::string>{"b", "f", "i"});
}

TEST_CASE("repositories are listed, also where their rows interleave", "[oci][endpoints]") {
  TestHome home;
  const std::string manifest = image("c", "l").dump();
  home.add_manifest("quay.io/a", manifest, "1");
  home.add_manifest("quay.io/a/b", manifest);
  home.add_manifest("quay.io/a", artifact("t", manifest, "x").dump());
  home.add_manifest("quay.io/a-b", manifest, "1");
  home.add_manifest("docker.io/library/z", manifest, "1");
  Served served(home);
  const Json all{"docker.io/library/z", "quay.io/a", "quay.io/a-b", "quay.io/a/b"};
  CHECK(served.json("/v2/_catalog")["repositories"] == all);
  const http::Response page = served.get("/v2/_catalog?n=3");
  CHECK(Json::parse(page.body)["repositories"].size() == 3);
  CHECK(page.headers.find("Link") == "</v2/_catalog?n=3&last=quay.io%2Fa-b>; rel=\"next\"");
  CHECK(served.json("/v2/_catalog?n=3&last=quay.io%2Fa-b")["repositories"] == Json{"quay.io/a/b"});
}

TEST_CASE("referrers are listed with their types and annotations", "[oci][endpoints]") {
  TestHome home;
  home.add_image("quay.io/a", "1", Platforms::both);
  const std::string sbom = artifact("example/sbom", k_two.index, "sbom").dump();
  Json plain = image("{}", "signature");
  plain["subject"] = descriptor(k_oci_index, k_two.index);
  home.add_manifest("quay.io/a", sbom);
  home.add_manifest("quay.io/a", plain.dump());
  Served served(home);
  const std::string path = "/v2/quay.io/a/referrers/" + digest_text(k_two.index);
  const http::Response response = served.get(path);
  CHECK(response.status == 200);
  CHECK(response.headers.find("Content-Type") == std::string(k_oci_index));
  const Json list = Json::parse(response.body);
  CHECK(list["schemaVersion"] == 2);
  CHECK(list["manifests"].size() == 2);
  const http::Response filtered = served.get(path + "?artifactType=example%2Fsbom");
  CHECK(filtered.headers.find("OCI-Filters-Applied") == "artifactType");
  const Json expected = {{"mediaType", k_oci_manifest},
                         {"digest", digest_text(sbom)},
                         {"size", sbom.size()},
                         {"artifactType", "example/sbom"},
                         {"annotations", {{"made-by", "test"}}}};
  CHECK(Json::parse(filtered.body)["manifests"] == Json::array({expected}));
  CHECK(served.json(path + "?artifactType=" + std::string(k_config_type))["manifests"].size() == 1);
  CHECK(served.json(path + "?artifactType=other")["manifests"].empty());
  CHECK(served.json("/v2/quay.io/never/referrers/" + digest_text("x"))["manifests"].empty());
  CHECK(served.get("/v2/quay.io/a/referrers/sha256:x").status == 400);
}

TEST_CASE("sha512 digests find the same content", "[oci][endpoints]") {
  TestHome home;
  const std::string manifest = image("c", "l").dump();
  base::Hasher hasher(base::HashAlgorithm::sha512);
  hasher.update(manifest);
  const base::Digest long_digest = hasher.finish();
  home.add_manifest("quay.io/a", manifest, "1");
  home.alias(long_digest, base::sha256(manifest));
  hasher.update("layer");
  const base::Digest layer = hasher.finish();
  home.add("quay.io/a@" + layer.to_string(), "layer", k_layer_type);
  Served served(home);
  const http::Response response = served.get("/v2/quay.io/a/manifests/" + long_digest.to_string());
  CHECK(response.body == manifest);
  CHECK(response.headers.find("Docker-Content-Digest") == long_digest.to_string());
  CHECK(served.get("/v2/quay.io/a/blobs/" + layer.to_string()).body == "layer");
  CHECK(served.get("/v2/quay.io/a/blobs/" + digest_text("layer")).body == "layer");
}

TEST_CASE("writes are refused as unsupported", "[oci][endpoints]") {
  TestHome home;
  home.add_image("quay.io/a", "1", Platforms::both);
  Served served(home);
  const auto [method, path] = GENERATE(table<const char*, const char*>({
      {"POST", "/v2/quay.io/a/blobs/uploads/"},
      {"PUT", "/v2/quay.io/a/manifests/2"},
      {"PATCH", "/v2/quay.io/a/blobs/uploads/x"},
      {"DELETE", "/v2/quay.io/a/manifests/1"},
  }));
  const http::Response response = served.send(method, path);
  CHECK(response.status == 405);
  CHECK(Json::parse(response.body)["errors"][0]["code"] == "UNSUPPORTED");
  CHECK(response.headers.find("Allow") == "GET, HEAD");
}

TEST_CASE("names that are none are not looked up", "[oci][endpoints]") {
  TestHome home;
  home.add_image("quay.io/a", "1", Platforms::both);
  Served served(home);
  for (const char* path : {"/v2/quay.io/A/manifests/1", "/v2/quay.io/a%2F..%2Fa/manifests/1",
                           "/v2/quay.io//a/manifests/1", "/v2/quay.io/a/manifests/1%00", "/v2/nothing"}) {
    CAPTURE(path);
    const int status = served.get(path).status;
    CHECK((status == 404 || status == 400));
  }
}

}  // namespace airlock::ecosystem::oci
