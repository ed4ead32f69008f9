#include "ecosystem/terraform/provider.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"

namespace airlock::ecosystem::terraform {

namespace {

constexpr std::size_t k_longest_part = 128;  // characters of a namespace, type, host or version
constexpr std::string_view k_default_namespace = "hashicorp";
constexpr std::string_view k_zip = ".zip";

bool is_plain(char c) {
  return base::is_lower(c) || base::is_digit(c);
}

bool is_part(std::string_view part) {
  return !part.empty() && part.size() <= k_longest_part && is_plain(part.front()) && is_plain(part.back()) &&
         std::all_of(part.begin(), part.end(), [](char c) { return is_plain(c) || c == '-' || c == '_'; });
}

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), base::is_digit);
}

bool is_host(std::string_view host) {
  const std::size_t colon = host.find(':');
  if (colon != std::string_view::npos && (!is_number(host.substr(colon + 1)) || host.size() - colon > 6)) {
    return false;
  }
  const std::string_view name = host.substr(0, colon);
  if (name.size() > k_longest_part || (name.find('.') == std::string_view::npos && name != "localhost")) {
    return false;
  }
  const auto parts = base::split(name, '.');
  return std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
    return !part.empty() && is_plain(part.front()) && is_plain(part.back()) &&
           std::all_of(part.begin(), part.end(), [](char c) { return is_plain(c) || c == '-'; });
  });
}

}  // namespace

std::string Provider::to_string() const {
  return fmt::format("{}{}{}/{}", host, host.empty() ? "" : "/", namespace_, type);
}

std::optional<Provider> parse_provider(std::string_view text) {
  const auto parts = base::split(base::to_lower(text), '/');
  Provider provider;
  provider.type = parts.back();
  provider.namespace_ = parts.size() > 1 ? parts[parts.size() - 2] : std::string(k_default_namespace);
  provider.host = parts.size() > 2 ? parts.front() : std::string();
  if (parts.size() > 3 || !is_part(provider.type) || !is_part(provider.namespace_) ||
      (parts.size() == 3 && !is_host(provider.host))) {
    return std::nullopt;
  }
  return provider;
}

bool is_built_in(const Provider& provider) {
  return provider.namespace_ == "builtin" && (provider.host == "terraform.io" || provider.host.empty());
}

std::string host_in_path(std::string_view host) {
  std::string part(host);
  std::replace(part.begin(), part.end(), ':', '_');
  return part;
}

std::string host_of_path(std::string_view part) {
  std::string host(part);
  if (const std::size_t at = host.rfind('_'); at != std::string::npos) {
    host[at] = ':';
  }
  return host;
}

std::string folder_of(const Provider& provider) {
  return fmt::format("providers/{}/{}/{}/", host_in_path(provider.host), provider.namespace_, provider.type);
}

bool is_provider_version(std::string_view text) {
  const std::string_view numbers = text.substr(0, text.find_first_of("-+"));
  const auto parts = base::split(numbers, '.');
  const std::string_view rest = text.substr(numbers.size());
  return text.size() <= k_longest_part && parts.size() == 3 && std::all_of(parts.begin(), parts.end(), is_number) &&
         rest.size() != 1 && std::all_of(rest.begin(), rest.end(), [](char c) {
           return base::is_alphanumeric(c) || c == '-' || c == '.' || c == '+';
         });
}

std::string file_name(const Provider& provider, std::string_view version, std::string_view os, std::string_view arch) {
  return fmt::format("terraform-provider-{}_{}_{}_{}{}", provider.type, version, os, arch, k_zip);
}

std::optional<ProviderFile> parse_file_name(const Provider& provider, std::string_view name) {
  const std::string prefix = fmt::format("terraform-provider-{}_", provider.type);
  if (!name.starts_with(prefix) || !name.ends_with(k_zip) || name.size() < prefix.size() + k_zip.size()) {
    return std::nullopt;
  }
  name.remove_prefix(prefix.size());
  name.remove_suffix(k_zip.size());
  const auto parts = base::split(name, '_');
  if (parts.size() != 3 || !is_provider_version(parts[0]) || !is_part(parts[1]) || !is_part(parts[2])) {
    return std::nullopt;
  }
  return ProviderFile{.version = parts[0], .os = parts[1], .arch = parts[2]};
}

}  // namespace airlock::ecosystem::terraform
