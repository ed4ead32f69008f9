#include "mirror/mirror.hpp"

#include <mutex>

#include <fmt/format.h>

#include "base/files.hpp"
#include "base/json.hpp"
#include "http/client.hpp"
#include "mirror/wants.hpp"
#include "store/blob_store.hpp"
#include "store/catalog.hpp"
#include "support/catch.hpp"

namespace airlock::mirror {

namespace {

const std::string k_manifest =
    R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"a/b","digest":)"
    R"("sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]})";

// A home, a mirror on a free port, a client.
class Running {
 public:
  explicit Running(std::filesystem::path ca = {}) {
    MirrorOptions options;
    options.home = m_home.path();
    options.server.port = 0;
    options.ca_certificate = std::move(ca);
    options.access_log = [this](std::string_view line) {
      const std::lock_guard lock(m_mutex);
      m_log.emplace_back(line);
    };
    options.mount_more = [](http::Router& router, const ecosystem::MirrorContext&) {
      router.add("GET", "/api/more",
                 [](const http::ServerRequest&) { return http::ServerResponse::text(200, "more"); });
    };
    mirror = std::make_unique<Mirror>(std::move(options));
    mirror->start();
  }

  ~Running() { mirror.reset(); }  // its threads write to the log until then
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  http::Response get(const std::string& path) {
    http::Request request;
    request.url = base::Url::parse(base() + path);
    return m_client.send(request);
  }
  std::string base() const { return fmt::format("http://127.0.0.1:{}", mirror->port()); }
  const std::filesystem::path& home() const { return m_home.path(); }
  std::vector<std::string> log() {
    const std::lock_guard lock(m_mutex);
    return m_log;
  }
  void activate() {
    const store::BlobStore blobs(home() / "blobs");
    store::BlobStore::Writer writer(blobs, base::sha256(k_manifest), k_manifest.size());
    writer.write(base::as_bytes(k_manifest));
    writer.finish();
    store::CatalogRow row;
    row.ecosystem = "oci";
    row.path = "docker.io/library/x@" + base::sha256(k_manifest).to_string();
    row.artifact = "pkg:oci/x";
    row.media_type = "application/vnd.oci.image.manifest.v1+json";
    row.origin = "https://docker.io/v2/library/x";
    row.length = k_manifest.size();
    row.sha256 = base::sha256(k_manifest);
    row.channel = "site<a>";
    row.generation = 1;
    store::CatalogBuilder builder(home(), 1);
    builder.add(row);
    row.path = "docker.io/library/x:1";
    row.kind = model::Kind::tag;
    builder.add(row);
    builder.publish();
  }

  std::unique_ptr<Mirror> mirror;

 private:
  static http::ClientOptions client_options() {
    http::ClientOptions options;
    options.retries = 0;
    options.hosts["127.0.0.1"].proxy = "direct";
    return options;
  }

  base::TempDir m_home;
  std::mutex m_mutex;
  std::vector<std::string> m_log;
  http::Client m_client{client_options()};
};

}  // namespace

TEST_CASE("a mirror is ready once something was imported", "[mirror]") {
  Running running;
  CHECK(running.get("/healthz").status == 200);
  CHECK(running.get("/readyz").status == 503);
  CHECK(running.get("/").body.find("Nothing was imported yet") != std::string::npos);
  CHECK(running.get("/v2/x/manifests/1").status == 404);
  running.activate();
  CHECK(running.get("/readyz").status == 200);
  CHECK(running.get("/v2/x/manifests/1").body == k_manifest);
  const std::string page = running.get("/").body;
  CHECK(page.find("site&lt;a&gt;") != std::string::npos);
  CHECK(running.get("/").headers.find("Content-Security-Policy"));
}

TEST_CASE("what is missed is kept for the way back", "[mirror]") {
  Running running;
  running.get("/v2/nginx/manifests/1.27");
  running.get("/v2/nginx/manifests/1.27");
  running.mirror->stop();
  const std::vector<Want> wants = read_wants(running.home());
  REQUIRE(wants.size() == 1);
  CHECK(wants[0].ecosystem == "oci");
  CHECK(wants[0].name == "docker.io/library/nginx:1.27");
  CHECK(wants[0].count == 2);
}

TEST_CASE("requests are counted and logged", "[mirror]") {
  Running running;
  running.activate();
  running.get("/healthz");
  running.get("/v2/nothing/manifests/1");
  const std::string text = running.get("/metrics").body;
  CHECK(text.find("airlock_http_requests_total{class=\"2xx\"} 1\n") != std::string::npos);
  CHECK(text.find("airlock_http_requests_total{class=\"4xx\"} 1\n") != std::string::npos);
  CHECK(text.find("airlock_missing_total 1\n") != std::string::npos);
  CHECK(text.find("airlock_catalog_number 1\n") != std::string::npos);
  CHECK(text.find("airlock_catalog_rows{ecosystem=\"oci\"} 2\n") != std::string::npos);
  REQUIRE(running.log().size() >= 2);
  CHECK(running.log()[0].find("\"GET /healthz\" 200") != std::string::npos);
}

TEST_CASE("clients are told how to use only this mirror", "[mirror]") {
  Running running;
  const base::Json setup = base::Json::parse(running.get("/setup/").body);
  CHECK(setup["format"] == 1);
  CHECK(setup["mirror"] == running.base());
  CHECK_FALSE(setup.contains("ca"));
  const base::Json& files = setup["ecosystems"]["oci"]["files"];
  REQUIRE_FALSE(files.empty());
  for (const base::Json& file : files) {
    const std::string url = file["url"];
    CHECK(url.starts_with(running.base()));
    const http::Response response = running.get(url.substr(running.base().size()));
    CHECK(response.status == 200);
    CHECK(response.body.find("127.0.0.1") != std::string::npos);
  }
  CHECK(running.get("/setup/oci/absent").status == 404);
  CHECK(running.get("/setup/absent/x").status == 404);
  CHECK(running.get("/setup/ca.pem").status == 404);
  CHECK(running.get("/setup/env.sh").status == 200);
}

TEST_CASE("the certificate authority is handed out and written into configurations", "[mirror]") {
  base::TempDir folder;
  base::write_file_atomic(folder.path() / "ca.pem", "-----BEGIN CERTIFICATE-----\n");
  Running running(folder.path() / "ca.pem");
  CHECK(running.get("/setup/ca.pem").body == "-----BEGIN CERTIFICATE-----\n");
  CHECK(base::Json::parse(running.get("/setup/").body)["ca"] == running.base() + "/setup/ca.pem");
  CHECK(running.get("/setup/env.sh").body.find("SSL_CERT_FILE='/usr/local/share/ca-certificates/airlock.crt'") !=
        std::string::npos);
  CHECK(running.get("/setup/env.sh?ca=/my/ca.pem").body.find("SSL_CERT_FILE='/my/ca.pem'") != std::string::npos);
  CHECK(running.get("/setup/env.sh?ca=%27%3breboot").body.find("reboot") == std::string::npos);
  CHECK(base::Json::parse(running.get("/setup/?ca=/my/ca.pem").body)["ca_install_as"] == "/my/ca.pem");
  for (const char* odd : {"%ff", "%27%3breboot"}) {
    const auto overview = running.get(std::string("/setup/?ca=") + odd);
    REQUIRE(overview.status == 200);
    CHECK(base::Json::parse(overview.body)["ca_install_as"] == "/usr/local/share/ca-certificates/airlock.crt");
  }
}

TEST_CASE("others can add routes", "[mirror]") {
  Running running;
  CHECK(running.get("/api/more").body == "more");
}

}  // namespace airlock::mirror
