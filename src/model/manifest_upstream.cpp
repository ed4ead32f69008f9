// The `upstreams` key: how hosts are reached.
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "model/manifest_reader.hpp"

namespace airlock::model {

using base::Error;
using base::ErrorCode;
using base::YamlNode;

namespace {

bool is_variable_name(std::string_view text) {
  const auto letter = [](char c) { return base::is_letter(c) || c == '_'; };
  return !text.empty() && letter(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || base::is_digit(c); });
}

std::string variable(const YamlNode& node, std::string_view what) {
  std::string name = node.as_string(what);
  if (!is_variable_name(name)) {
    // The value is not repeated: someone may have put the secret itself there.
    throw Error(ErrorCode::manifest, fmt::format("{} is not the name of an environment variable", what))
        .at(node.position())
        .with_hint("secrets never stand in a manifest; name the variable that holds one, for example SITE_TOKEN");
  }
  return name;
}

std::string address(const YamlNode& node, std::string_view what) {
  std::string text = node.as_string(what);
  try {
    const base::Url url = base::Url::parse(text);
    if (!url.user_info().empty()) {
      throw Error(ErrorCode::manifest, fmt::format("{} carries a user name or password", what))
          .at(node.position())
          .with_hint("name environment variables with username_env and password_env, or token_env");
    }
  } catch (Error& error) {
    if (error.code() == ErrorCode::manifest) {
      throw;
    }
    throw Error(ErrorCode::manifest, fmt::format("{} is not a URL: {}", what, error.message())).at(node.position());
  }
  return text;
}

}  // namespace

const std::vector<Field>& upstream_fields() {
  static const std::vector<Field> fields = {
      {.name = "url", .help = "Address that replaces the default one, for a mirror or a proxy."},
      {.name = "plain_http", .type = FieldType::flag, .help = "The host speaks HTTP without TLS."},
      {.name = "insecure_tls", .type = FieldType::flag, .help = "The host's certificate is not checked."},
      {.name = "ca_file", .type = FieldType::path, .help = "PEM file with certificates to trust for this host too."},
      {.name = "token_env", .help = "Environment variable that holds a bearer token."},
      {.name = "username_env", .help = "Environment variable that holds the user name."},
      {.name = "password_env", .help = "Environment variable that holds the password."},
      {.name = "proxy", .help = "Proxy for this host, or 'direct' for none."},
      {.name = "allow_unverified_referrers",
       .type = FieldType::flag,
       .help = "Goes on when this host cannot be asked for signatures; the bundle then says so."},
  };
  return fields;
}

Upstream read_upstream(const std::string& name, const YamlNode& node) {
  Upstream upstream;
  upstream.name = name;
  upstream.position = node.position();
  if (!node.is_mapping()) {
    throw Error(ErrorCode::manifest, fmt::format("upstream '{}' must be a mapping", base::printable(name, 80)))
        .at(node.position())
        .with_hint("for example { url: \"https://mirror.example/\" }");
  }
  std::vector<std::string> known;
  for (const Field& field : upstream_fields()) {
    known.push_back(field.name);
  }
  for (const auto& [key_node, value] : node.members()) {
    const std::string key = key_node.is_scalar() ? key_node.scalar() : std::string();
    const std::string what = fmt::format("'{}' of upstream '{}'", base::printable(key, 80), base::printable(name, 80));
    if (value.is_null() || (value.is_scalar() && value.scalar().empty())) {
      throw Error(ErrorCode::manifest, fmt::format("{} has no value", what)).at(value.position());
    }
    if (key == "url") {
      upstream.url = address(value, what);
    } else if (key == "plain_http") {
      upstream.plain_http = value.as_bool(what);
    } else if (key == "insecure_tls") {
      upstream.insecure_tls = value.as_bool(what);
    } else if (key == "ca_file") {
      const std::filesystem::path manifest = value.position().file;
      upstream.ca_file = std::filesystem::absolute(manifest.parent_path() / value.as_string(what)).lexically_normal();
    } else if (key == "token_env") {
      upstream.token_env = variable(value, what);
    } else if (key == "username_env") {
      upstream.username_env = variable(value, what);
    } else if (key == "password_env") {
      upstream.password_env = variable(value, what);
    } else if (key == "proxy") {
      upstream.proxy = value.as_string(what) == "direct" ? "direct" : address(value, what);
    } else if (key == "allow_unverified_referrers") {
      upstream.allow_unverified_referrers = value.as_bool(what);
    } else {
      throw Error(ErrorCode::manifest, fmt::format("{} is not known", what))
          .at(key_node.position())
          .with_hint(suggestion(std::find(known.begin(), known.end(), key + "_env") == known.end() ? key : key + "_env",
                                known));
    }
  }
  if (upstream.username_env.empty() != upstream.password_env.empty()) {
    throw Error(ErrorCode::manifest,
                fmt::format("upstream '{}' has only one of username_env and password_env", base::printable(name, 80)))
        .at(node.position());
  }
  if (!upstream.token_env.empty() && !upstream.username_env.empty()) {
    throw Error(ErrorCode::manifest,
                fmt::format("upstream '{}' has a token and a user name", base::printable(name, 80)))
        .at(node.position())
        .with_hint("give token_env, or username_env and password_env");
  }
  return upstream;
}

void ManifestReader::read_upstreams(const YamlNode& node) {
  if (node.is_null()) {
    return;
  }
  if (!node.is_mapping()) {
    throw Error(ErrorCode::manifest, "'upstreams' must be a mapping of hosts or ecosystems").at(node.position());
  }
  for (const auto& [key_node, value] : node.members()) {
    const std::string name = key_node.is_scalar() ? base::to_lower(key_node.scalar()) : std::string();
    const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return base::is_lower(c) || base::is_digit(c) || std::string_view(".:-_[]").find(c) != std::string_view::npos;
    });
    if (!plain) {
      throw Error(ErrorCode::manifest, fmt::format("'{}' is not a host or an ecosystem", base::printable(name, 80)))
          .at(key_node.position())
          .with_hint("write the host alone, for example \"registry.example:5000\"");
    }
    add_upstream(read_upstream(name, value));
  }
}

}  // namespace airlock::model
