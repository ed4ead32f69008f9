#include "ecosystem/oci/served_name.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace airlock::ecosystem::oci {

namespace {

// Docker Hub keeps what has one component under "library/".
void add_hub(std::vector<std::string>& result, std::string_view name) {
  const std::string hub(k_docker_hub);
  if (name.find('/') == std::string_view::npos) {
    result.push_back(hub + "/library/" + std::string(name));
  }
  result.push_back(hub + "/" + std::string(name));
}

bool is_hub(std::string_view host) {
  return host == k_docker_hub || host == "index.docker.io" || host == "registry-1.docker.io";
}

void add_inside(std::vector<std::string>& result, const std::string& host, std::string_view name) {
  if (is_hub(host)) {
    add_hub(result, name);
  } else {
    result.push_back(host_to_path(host) + "/" + std::string(name));
  }
}

}  // namespace

std::vector<std::string> served_repositories(std::string_view name, std::string_view ns) {
  std::vector<std::string> result;
  if (!is_repository(name)) {
    return result;
  }
  const std::size_t slash = name.find('/');
  const std::string host = host_from_path(name.substr(0, slash));
  const bool has_host = slash != std::string_view::npos && looks_like_host(host);
  if (!ns.empty()) {
    const std::string wanted = base::to_lower(ns);
    if (!is_repository(host_to_path(wanted))) {
      return result;  // no host; nothing can stand below it
    }
    // With a path in its hosts.toml a client sends both, the host in the name and `ns`.
    if (has_host && (host == wanted || (is_hub(host) && is_hub(wanted)))) {
      add_inside(result, wanted, name.substr(slash + 1));
    }
    add_inside(result, wanted, name);
    return result;
  }
  if (has_host) {
    add_inside(result, host, name.substr(slash + 1));
  } else {
    add_hub(result, name);
  }
  return result;
}

std::string upstream_name(std::string_view repository) {
  const std::size_t slash = repository.find('/');
  return slash == std::string_view::npos
             ? std::string(repository)
             : host_from_path(repository.substr(0, slash)) + std::string(repository.substr(slash));
}

}  // namespace airlock::ecosystem::oci
