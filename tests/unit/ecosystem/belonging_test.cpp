// Which paths an artifact's name may fill. What each ecosystem's create really writes is in its own tests; here are the
// rows that nobody honest writes beside it.
#include "base/digest.hpp"
#include "ecosystem/ecosystem.hpp"
#include "support/catch.hpp"

namespace airlock::ecosystem {

using model::Belonging;
using model::FileRow;
using model::Kind;

namespace {

FileRow row(const std::string& ecosystem, const std::string& path, const std::string& artifact, Kind kind = Kind::file,
            std::optional<base::Digest> sha256 = base::sha256("x")) {
  return {.ecosystem = ecosystem, .path = path, .artifact = artifact, .kind = kind, .length = 1, .sha256 = sha256};
}

Belonging of(const std::string& ecosystem, const std::string& path, const std::string& artifact,
             Kind kind = Kind::file) {
  return belongs(row(ecosystem, path, artifact, kind));
}

}  // namespace

TEST_CASE("no path belongs to what is no package URL, or to another type's", "[ecosystem][belonging]") {
  for (const Ecosystem* const ecosystem : all_ecosystems()) {
    INFO(ecosystem->id);
    for (const std::string artifact : {"", "pkg:", "pkg:generic/%ff", "pkg:deb/debian/attr@1", "left-pad"}) {
      INFO(artifact);
      CHECK(of(ecosystem->id, "left-pad/-/left-pad-1.3.0.tgz", artifact) == Belonging::no);
    }
  }
  CHECK(of("cargo", "anything", "pkg:cargo/serde@1") == Belonging::beside);  // not known here: shown to approvers
}

TEST_CASE("a file is where its name says", "[ecosystem][belonging]") {
  CHECK(of("file", "docs/guide.pdf", "pkg:generic/docs/guide.pdf") == Belonging::named);
  CHECK(of("file", "guide one.pdf", "pkg:generic/guide%20one.pdf?download_url=https://a.example/g") ==
        Belonging::named);
  CHECK(of("file", "installers/prod-root-ca.sh", "pkg:generic/release-notes.txt@1.0.0") == Belonging::no);
  CHECK(of("file", "docs/guide.pdf", "pkg:generic/guide.pdf") == Belonging::no);
  CHECK(of("file", "docs/guide.pdf", "pkg:generic/docs/guide.pdf", Kind::layout) == Belonging::no);
}

TEST_CASE("a tool's files are in its version's folder, and are shown", "[ecosystem][belonging]") {
  const std::string artifact = "pkg:generic/k3s@1.30.4%2Bk3s1";
  CHECK(of("tool", "k3s/1.30.4+k3s1/k3s-arm64", artifact) == Belonging::beside);
  CHECK(of("tool", "k3s/1.30.4+k3s1/", artifact) == Belonging::no);
  CHECK(of("tool", "k3s/1.30.4/k3s-arm64", artifact) == Belonging::no);
  CHECK(of("tool", "helm/1.30.4+k3s1/k3s-arm64", artifact) == Belonging::no);
  CHECK(of("tool", "k3s//x", "pkg:generic/k3s") == Belonging::no);
}

TEST_CASE("a package of npm has its tarball, its version and its tags", "[ecosystem][belonging]") {
  const std::string scoped = "pkg:npm/%40pulumi/pulumi@3.200.0";
  CHECK(of("npm", "@pulumi/pulumi/-/pulumi-3.200.0.tgz", scoped) == Belonging::named);
  CHECK(of("npm", "@pulumi/pulumi/3.200.0", scoped, Kind::meta) == Belonging::named);
  CHECK(of("npm", "@pulumi/pulumi/-/notes/3.200.0", scoped, Kind::tag) == Belonging::named);
  CHECK(of("npm", "@pulumi/pulumi/latest", scoped, Kind::tag) == Belonging::beside);
  CHECK(of("npm", "@pulumi/pulumi/-/odd_name.tgz", scoped) == Belonging::beside);
  CHECK(of("npm", "@pulumi/pulumi/-/pulumi-3.200.0-fixed.tgz", scoped) == Belonging::beside);
  CHECK(of("npm", "@pulumi/pulumi/-/pulumi-3.201.0.tgz", scoped) == Belonging::no);  // another version's
  CHECK(of("npm", "@pulumi/pulumi/3.201.0", scoped, Kind::meta) == Belonging::no);
  CHECK(of("npm", "@pulumi/pulumi/3.201.0", scoped, Kind::tag) == Belonging::no);
  CHECK(of("npm", "@pulumi/pulumi/latest", scoped, Kind::file) == Belonging::no);
  CHECK(of("npm", "@pulumi/pulumi/-/notes/3.201.0", scoped, Kind::tag) == Belonging::no);
  CHECK(of("npm", "@pulumi/aws/-/pulumi-3.200.0.tgz", scoped) == Belonging::no);
  CHECK(of("npm", "pulumi/-/pulumi-3.200.0.tgz", scoped) == Belonging::no);
  CHECK(of("npm", "left-pad/-/left-pad-1.3.0.tgz", "pkg:npm/left@1.3.0") == Belonging::no);
}

TEST_CASE("a project's files say its name and version", "[ecosystem][belonging]") {
  const std::string artifact = "pkg:pypi/pulumi-command@1.2.1";
  const std::string wheel = "pulumi-command/pulumi_command-1.2.1-py3-none-any.whl";
  CHECK(of("pypi", wheel, artifact) == Belonging::named);
  CHECK(of("pypi", wheel + ".json", artifact, Kind::meta) == Belonging::named);
  CHECK(of("pypi", wheel + ".metadata", artifact, Kind::meta) == Belonging::named);
  CHECK(of("pypi", "pulumi-command/pulumi_command-1.2.1.tar.gz", artifact) == Belonging::named);
  CHECK(of("pypi", "pulumi-command/pulumi_command-1.2.2-py3-none-any.whl", artifact) == Belonging::no);
  CHECK(of("pypi", "pulumi/pulumi_command-1.2.1-py3-none-any.whl", artifact) == Belonging::no);
  CHECK(of("pypi", "pulumi-command/evil.sh", artifact) == Belonging::no);
  CHECK(of("pypi", wheel, "pkg:pypi/pulumi@1.2.1") == Belonging::no);
}

TEST_CASE("a module's files are those of a proxy", "[ecosystem][belonging]") {
  const std::string artifact = "pkg:golang/github.com/Masterminds/semver/v3@v3.2.1";
  for (const std::string ending : {".zip", ".mod", ".info"}) {
    CHECK(of("go", "github.com/!masterminds/semver/v3/@v/v3.2.1" + ending, artifact) == Belonging::named);
    CHECK(of("go", "github.com/!masterminds/semver/v3/@v/v3.2.2" + ending, artifact) == Belonging::no);
    CHECK(of("go", "github.com/masterminds/semver/v3/@v/v3.2.1" + ending, artifact) == Belonging::no);
  }
  CHECK(of("go", "github.com/!masterminds/semver/v3/@v/list", artifact) == Belonging::no);
}

TEST_CASE("a provider's files are its packages and what proves them", "[ecosystem][belonging]") {
  const std::string artifact = "pkg:terraform/registry.opentofu.org/hashicorp/null@3.2.2";
  const std::string folder = "providers/registry.opentofu.org/hashicorp/null/";
  CHECK(of("terraform", folder + "terraform-provider-null_3.2.2_linux_amd64.zip", artifact) == Belonging::named);
  for (const std::string ending : {"", ".sig", ".asc"}) {
    CHECK(of("terraform", folder + "terraform-provider-null_3.2.2_SHA256SUMS" + ending, artifact, Kind::meta) ==
          Belonging::named);
  }
  CHECK(of("terraform", folder + "terraform-provider-null_3.2.3_linux_amd64.zip", artifact) == Belonging::no);
  CHECK(of("terraform", folder + "terraform-provider-aws_3.2.2_linux_amd64.zip", artifact) == Belonging::no);
  CHECK(of("terraform", folder + "evil.sh", artifact) == Belonging::no);
  CHECK(of("terraform", "providers/registry.terraform.io/hashicorp/null/terraform-provider-null_3.2.2_linux_amd64.zip",
           artifact) == Belonging::no);
  CHECK(of("terraform", "providers/registry.example_5000/a/b/terraform-provider-b_1.0.0_linux_amd64.zip",
           "pkg:terraform/registry.example_5000/a/b@1.0.0") == Belonging::named);
}

TEST_CASE("a plugin's files are its archives and its checksums", "[ecosystem][belonging]") {
  const std::string artifact = "pkg:generic/pulumi/resource/random@4.18.0";
  CHECK(of("pulumi", "plugins/pulumi-resource-random-v4.18.0-linux-amd64.tar.gz", artifact) == Belonging::named);
  CHECK(of("pulumi", "plugins/pulumi-random_4.18.0_checksums.txt", artifact, Kind::meta) == Belonging::named);
  CHECK(of("pulumi", "plugins/pulumi-resource-random-v4.18.1-linux-amd64.tar.gz", artifact) == Belonging::no);
  CHECK(of("pulumi", "plugins/pulumi-resource-random-v4.18.0-rc.1-linux-amd64.tar.gz", artifact) == Belonging::no);
  CHECK(of("pulumi", "plugins/pulumi-language-random-v4.18.0-linux-amd64.tar.gz", artifact) == Belonging::no);
  CHECK(of("pulumi", "plugins/pulumi-resource-aws-v4.18.0-linux-amd64.tar.gz", artifact) == Belonging::no);
  CHECK(of("pulumi", "sdk/pulumi-v3.200.0-linux-x64.tar.gz", artifact) == Belonging::no);
  CHECK(of("pulumi", "plugins/evil.sh", artifact) == Belonging::no);
}

TEST_CASE("an image has its tag, and in its repository what is named by its own digest", "[ecosystem][belonging]") {
  const std::string digest = base::sha256("x").to_string();
  const std::string repository = "registry.example_5000/team/app";
  const std::string artifact = "pkg:oci/app@" + digest + "?repository_url=registry.example:5000/team/app&tag=1.2";
  CHECK(of("oci", repository + ":1.2", artifact, Kind::tag) == Belonging::named);
  CHECK(of("oci", repository + "@" + digest, artifact) == Belonging::named);
  CHECK(of("oci", repository + "/referrers/sha256:" + std::string(64, 'a') + "/" + digest, artifact, Kind::meta) ==
        Belonging::named);
  CHECK(of("oci", repository + ":1.2+layout", artifact, Kind::layout) == Belonging::named);
  CHECK(of("oci", repository + ":sha256-" + std::string(64, 'a') + ".sig", artifact, Kind::tag) == Belonging::beside);
  CHECK(of("oci", repository + "@sha512:" + std::string(128, 'a'), artifact) == Belonging::beside);
  CHECK(belongs(row("oci", repository + "@sha256:" + std::string(64, 'a'), artifact, Kind::known, std::nullopt)) ==
        Belonging::named);

  CHECK(of("oci", repository + "@sha256:" + std::string(64, 'a'), artifact) == Belonging::no);  // of other bytes
  CHECK(of("oci", repository + "/referrers/" + digest + "/sha256:" + std::string(64, 'a'), artifact, Kind::meta) ==
        Belonging::no);
  CHECK(of("oci", repository + ":1.3", artifact, Kind::tag) == Belonging::no);
  CHECK(belongs(row("oci", repository + ":1.2", artifact, Kind::tag, base::sha256("y"))) == Belonging::no);
  CHECK(of("oci", repository + ":latest", "pkg:oci/app@" + digest + "?repository_url=registry.example:5000/team/app",
           Kind::tag) == Belonging::no);
  CHECK(of("oci", "registry.example_5000/team/other:1.2", artifact, Kind::tag) == Belonging::no);
  CHECK(of("oci", "registry.example_5000/team/other@" + digest, artifact) == Belonging::no);
  CHECK(of("oci", "other.example/team/app@" + digest, artifact) == Belonging::no);
  CHECK(of("oci", repository + ":1.2", artifact, Kind::layout) == Belonging::no);
  CHECK(of("oci", repository + "@" + digest, "pkg:oci/app@" + digest) == Belonging::no);
  CHECK(of("oci", repository + "@" + digest,
           "pkg:oci/harmless@" + digest + "?repository_url=registry.example:5000/team/app") == Belonging::no);
}

}  // namespace airlock::ecosystem
