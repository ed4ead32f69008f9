// The site's scanner at create.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "support/catch.hpp"
#include "unit/workflow/near_host.hpp"

namespace airlock::workflow {
namespace {

namespace fs = std::filesystem;

using base::ErrorCode;
using test::content_for;
using test::NearHost;

struct ScanningHost : NearHost {
  // Refuses what holds "MALICIOUS", and notes each call with the length of what it read.
  void scan_with(const std::string& more = "") {
    const auto program = root() / "scanner";
    base::write_file_atomic(program,
                            fmt::format("#!/bin/sh\ncat > {0}/input.$$\nwc -c < {0}/input.$$ >> {0}/calls\n"
                                        "if grep -qa MALICIOUS {0}/input.$$; then echo found it; exit 1; fi\n"
                                        "rm {0}/input.$$; echo \"seen $AIRLOCK_PATH\"\n",
                                        root().string()),
                            0755);
    base::write_file_atomic(home().config / "policy.yaml",
                            fmt::format("scan: {{ command: ['{}']{} }}\n", program.string(), more));
  }
  std::vector<std::string> calls() const {
    const auto text = base::read_file_if_exists(root() / "calls", 1 << 20).value_or("");
    return base::split(base::trim(text), '\n');
  }
  fs::path files(const std::vector<std::pair<std::string, std::string>>& files) {
    std::string text = "name: site-a\nfiles:\n";
    for (const auto& [name, content] : files) {
      base::write_file_atomic(root() / name, content);
      text += fmt::format("  - {{ source: {0}, path: {0} }}\n", name);
    }
    return manifest(text);
  }
};

const std::string k_bad = "some MALICIOUS bytes";

TEST_CASE("what the scanner refuses is in no bundle", "[workflow][create][scan]") {
  ScanningHost host;
  host.scan_with();
  const auto manifest = host.files({{"a", content_for(1, 300'000)}, {"bad", k_bad}});
  const auto error = test::error_of([&] { return host.create(host.options(manifest)); });
  CHECK(error.code() == ErrorCode::scan_refused);
  CHECK(error.message().find("file:bad") != std::string::npos);
  CHECK(error.message().find("found it") != std::string::npos);
  CHECK_FALSE(fs::exists(host.out() / "site-a-1.airlock"));

  // Without it, and only what was not scanned yet is scanned.
  const auto calls = host.calls().size();
  const auto report = host.create(host.options(host.files({{"a", content_for(1, 300'000)}, {"c", "new"}})));
  CHECK(report.sealed);
  CHECK(report.scanned == 1);
  CHECK(report.scan_remembered == 1);
  CHECK(host.calls().size() == calls + 1);

  // As a false alarm.
  host.scan_with(fmt::format(", accept: ['{}']", base::sha256(k_bad).to_string()));
  CHECK(host.create(host.options(host.files({{"bad", k_bad}}))).sealed);
}

TEST_CASE("each file is read whole from where it was written, in one file and cut across volumes",
          "[workflow][create][scan]") {
  ScanningHost host;
  host.scan_with();
  auto options = host.options(host.files({{"a", content_for(1, 900'000)}, {"b", content_for(2, 5)}}));
  SECTION("one file") {}
  SECTION("volumes") {
    options.volume_size = 300'000;
  }
  const auto report = host.create(options);
  CHECK(report.scanned == 2);
  auto calls = host.calls();
  std::ranges::sort(calls);
  CHECK(calls == std::vector<std::string>{"5", "900000"});
  const auto held = host.open(report.bundle);
  REQUIRE(held.attachments.size() == 4);
  CHECK(held.attachments.back().kind == "scan-report");
  const bundle::BlobMap map = bundle::BlobMap::scan(bundle::Head::read(report.bundle), {});
  bundle::BlobSource source(map.find(held.attachments.back().sha256).value());
  const auto document = base::read_all(source, 1 << 20);
  CHECK(document.find("seen a") != std::string::npos);
  CHECK(document.find("\"files\":2") != std::string::npos);
}

TEST_CASE("the same answers of a scanner give the same bundle", "[workflow][create][scan]") {
  std::vector<std::string> heads;
  for (int i = 0; i < 2; ++i) {
    ScanningHost host;
    host.scan_with();
    const auto report = host.create(host.options(host.files({{"a", content_for(1, 1000)}})));
    const auto attachments = host.open(report.bundle).attachments;
    heads.push_back(attachments.back().sha256.hex());
  }
  CHECK(heads.front() == heads.back());
}

}  // namespace
}  // namespace airlock::workflow
