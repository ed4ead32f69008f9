#include "ecosystem/pypi/client_config.hpp"

#include <fmt/format.h>

namespace airlock::ecosystem::pypi {

namespace {

std::string pip_conf(const std::string& index, const std::string& host, bool plain, const std::string& ca) {
  std::string text = fmt::format("# The mirror is the only index.\n[global]\nindex-url = {}\nextra-index-url =\n"
                                 "find-links =\ndisable-pip-version-check = true\nno-input = true\n",
                                 index);
  text += plain ? fmt::format("trusted-host = {}\n", host) : "";
  text += ca.empty() ? "" : fmt::format("cert = {}\n", ca);
  return text;
}

std::string uv_toml(const std::string& index, const std::string& host, bool plain) {
  std::string text = fmt::format("# The mirror is the only index, and no Python is downloaded.\n"
                                 "python-downloads = \"never\"\n");
  text += plain ? fmt::format("allow-insecure-host = [\"{}\"]\n", host) : "";
  text += fmt::format("\n[[index]]\nurl = \"{}\"\ndefault = true\n", index);
  return text;
}

}  // namespace

ClientConfig client_config(const ClientConfigRequest& request) {
  const std::string host = request.mirror.host_port();
  const std::string index = fmt::format("{}://{}/pypi/simple/", request.mirror.scheme(), host);
  const bool plain = request.mirror.scheme() == "http";
  const std::string ca = request.ca_file.string();
  ClientConfig config;
  config.environment = {
      {"PIP_INDEX_URL", index}, {"PIP_EXTRA_INDEX_URL", ""},
      {"PIP_FIND_LINKS", ""},   {"PIP_DISABLE_PIP_VERSION_CHECK", "1"},
      {"PIP_NO_INPUT", "1"},    {"UV_DEFAULT_INDEX", index},
      {"UV_INDEX_URL", index},  // what uv before 0.4.23 reads
      {"UV_INDEX", ""},         {"UV_EXTRA_INDEX_URL", ""},
      {"UV_FIND_LINKS", ""},    {"UV_PYTHON_DOWNLOADS", "never"},
  };
  if (request.folder.empty()) {
    config.environment["PIP_CONFIG_FILE"] = "/dev/null";  // pip then reads no file at all
  } else {
    config.environment["PIP_CONFIG_FILE"] = (request.folder / "pypi/pip.conf").string();
    config.environment["UV_CONFIG_FILE"] = (request.folder / "pypi/uv.toml").string();
  }
  if (plain) {
    config.environment["PIP_TRUSTED_HOST"] = host;
    config.environment["UV_INSECURE_HOST"] = host;
  }
  if (!ca.empty()) {
    config.environment["PIP_CERT"] = ca;
    config.environment["REQUESTS_CA_BUNDLE"] = ca;
    config.environment["SSL_CERT_FILE"] = ca;
  }
  config.files = {
      {"pip.conf", pip_conf(index, host, plain, ca), "/etc/pip.conf"},
      {"uv.toml", uv_toml(index, host, plain), "/etc/uv/uv.toml"},
  };
  config.notes = {
      "lines such as --index-url, --extra-index-url, --find-links, and requirements at an address (git+https, "
      "NAME @ URL) in a project's own files lead past every setting: take them out.",
      fmt::format("uv.lock and pylock.toml carry the addresses of files, and `uv sync --frozen` goes there: lock "
                  "again against {}.",
                  index),
      "[[tool.uv.index]] and [tool.uv.sources] of a project are asked beside the default index; UV_NO_SOURCES=1 "
      "ignores the latter.",
      "poetry has no setting for its default index: the project needs a [[tool.poetry.source]] of this mirror "
      "with priority primary.",
      "building a source archive installs what its pyproject.toml names in an environment of its own: those "
      "packages must be in the bundle.",
  };
  if (plain) {
    config.notes.emplace_back(
        "the mirror is reached without TLS: whoever is on the network in between can change what is installed.");
  }
  return config;
}

}  // namespace airlock::ecosystem::pypi
