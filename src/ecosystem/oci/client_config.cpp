#include "ecosystem/oci/client_config.hpp"

#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/json.hpp"

namespace airlock::ecosystem::oci {

namespace {

// Registries that public images come from. Others are added by whoever uses them; the file says how.
constexpr const char* k_registries[] = {
    "docker.io",          "quay.io",           "ghcr.io",        "registry.k8s.io",     "gcr.io",
    "k8s.gcr.io",         "mcr.microsoft.com", "public.ecr.aws", "registry.gitlab.com", "registry.access.redhat.com",
    "registry.redhat.io", "nvcr.io",
};

// podman and its kin know no pattern for "everything else"; these cover what images commonly come from.
constexpr const char* k_blocked_domains[] = {"*.io", "*.com", "*.org", "*.net", "*.dev", "*.aws", "*.cloud", "*.app"};

std::string without_trailing_slash(std::string text) {
  while (text.ends_with('/')) {
    text.pop_back();
  }
  return text;
}

// containers-registries.conf(5): `location` without a mirror list never falls back to the original.
std::string registries_conf(const std::string& host, bool plain) {
  std::string text = "# Every listed registry is read from the mirror only, never from its own address.\n"
                     "# For another registry, add a block; a port is written with \"_\" in the location.\n"
                     "unqualified-search-registries = [\"docker.io\"]\nshort-name-mode = \"disabled\"\n";
  const std::string insecure = plain ? "insecure = true\n" : "";
  for (const char* registry : k_registries) {
    text += fmt::format("\n[[registry]]\nprefix = \"{0}\"\nlocation = \"{1}/{0}\"\n{2}", registry, host, insecure);
  }
  text += fmt::format("\n# The mirror itself.\n[[registry]]\nlocation = \"{}\"\n{}", host, insecure);
  text += "\n# Everything else is refused before a name is looked up. A longer prefix above wins over these.\n";
  for (const char* domain : k_blocked_domains) {
    text += fmt::format("\n[[registry]]\nprefix = \"{}\"\nblocked = true\n", domain);
  }
  return text;
}

// containerd, registry host configuration: `server` is what is tried last; naming the mirror there closes the way to
// the original.
std::string hosts_toml(const std::string& mirror, const std::string& ca_file) {
  const std::string ca = ca_file.empty() ? "" : fmt::format("  ca = \"{}\"\n", ca_file);
  const std::string server_ca = ca_file.empty() ? "" : fmt::format("ca = \"{}\"\n", ca_file);
  return fmt::format("# All registries: the mirror is asked with ?ns=REGISTRY and is also the last resort.\n"
                     "server = \"{0}\"\ncapabilities = [\"pull\", \"resolve\"]\n{2}\n[host.\"{0}\"]\n"
                     "  capabilities = [\"pull\", \"resolve\"]\n{1}",
                     mirror, ca, server_ca);
}

std::string daemon_json(const std::string& mirror, const std::string& host, bool plain) {
  base::Json config = {{"registry-mirrors", {mirror}}};
  if (plain) {
    config["insecure-registries"] = {host};
  }
  return config.dump(2) + "\n";
}

std::string buildkitd_toml(const std::string& host, bool plain, const std::string& ca_file) {
  std::string text = "# BuildKit has a list of its own. It falls back to the original registry on a miss.\n";
  for (const char* registry : k_registries) {
    text += fmt::format("\n[registry.\"{0}\"]\n  mirrors = [\"{1}/{0}\"]\n", registry, host);
  }
  text += fmt::format("\n[registry.\"{}\"]\n", host);
  text += plain ? "  http = true\n" : "";
  text += ca_file.empty() ? "" : fmt::format("  ca = [\"{}\"]\n", ca_file);
  return text;
}

}  // namespace

ClientConfig client_config(const ClientConfigRequest& request) {
  const std::string mirror = without_trailing_slash(request.mirror.to_string());
  const std::string host = request.mirror.host_port();
  const bool plain = request.mirror.scheme() == "http";
  const std::string ca_file = request.ca_file.string();
  ClientConfig config;
  if (!ca_file.empty()) {
    // Go programs: crane, oras, cosign, helm, skopeo, nerdctl.
    config.environment["SSL_CERT_FILE"] = ca_file;
  }
  config.files = {
      {"registries.conf", registries_conf(host, plain), "/etc/containers/registries.conf.d/50-airlock.conf"},
      {"certs.d/_default/hosts.toml", hosts_toml(mirror, ca_file), "/etc/containerd/certs.d/_default/hosts.toml"},
      {"daemon.json", daemon_json(mirror, host, plain), "/etc/docker/daemon.json"},
      {"buildkitd.toml", buildkitd_toml(host, plain, ca_file), "/etc/buildkit/buildkitd.toml"},
  };
  config.notes = {
      fmt::format("Any client can name the mirror itself, without configuration: {0}/docker.io/library/debian:12, "
                  "{0}/quay.io/…; a registry's port is written with '_'.",
                  host),
      "docker's registry-mirrors is for Docker Hub only, and dockerd goes on to Docker Hub when the mirror "
      "does not "
      "have an image: block the way out, or name the mirror in the reference.",
      "containerd reads certs.d only where its configuration says config_path = \"/etc/containerd/certs.d\" "
      "(for "
      "Kubernetes in the CRI plugin's registry section); the sandbox (pause) image is named there too and "
      "must be "
      "carried.",
      "podman, buildah, skopeo and CRI-O refuse what is blocked and read the rest from the mirror only; a "
      "registry "
      "under a domain that is not listed needs a block of its own.",
      "A '# syntax=' line and FROM lines of a Dockerfile name images too; with BuildKit they fall back to "
      "their own "
      "registry on a miss.",
      "Clients that check signatures may still ask public transparency logs; with cosign use --offline or "
      "--insecure-ignore-tlog=true and a key.",
  };
  if (!ca_file.empty()) {
    config.notes.push_back(
        fmt::format("dockerd and podman take the mirror's certificate authority from "
                    "/etc/docker/certs.d/{0}/ca.crt and /etc/containers/certs.d/{0}/ca.crt: copy {1} "
                    "there.",
                    host, ca_file));
  }
  if (plain) {
    config.notes.push_back("The mirror is reached without TLS: whoever is on the network in between can change what "
                           "is pulled by tag.");
  }
  return config;
}

}  // namespace airlock::ecosystem::oci
