#include "trust/public_key_file.hpp"

#include "base/error.hpp"
#include "base/text.hpp"
#include "trust/key_material.hpp"

namespace airlock::trust {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::string_view k_public_key_type = "airlock-public-key";
constexpr std::size_t k_longest_name = 200;  // bytes

PublicKeyFile parse_own_form(std::string_view text, std::string_view name) {
  const base::Json json =
      base::parse_json(text, name, {.bytes = k_public_key_limit, .depth = 6}, base::Numbers::integers);
  if (base::string_member(json, "type", name) != k_public_key_type || base::uint_member(json, "format", name) != 1) {
    throw Error(ErrorCode::malformed, std::string(name) + " is not a public key of format 1")
        .with_hint("`airlock keys new` writes one beside the private key, with the extension .pub.json");
  }
  PublicKeyFile file;
  file.role = base::string_member_or(json, "role", "", name);
  file.name = base::printable(base::string_member_or(json, "name", "", name), k_longest_name);
  file.key = PublicKey::from_json(base::member(json, "key", name));
  return file;
}

}  // namespace

std::string to_text(const PublicKeyFile& file) {
  base::Json json = {{"format", 1}, {"type", k_public_key_type}, {"role", file.role}, {"key", file.key.json()}};
  if (!file.name.empty()) {
    json["name"] = file.name;
  }
  return json.dump(2) + "\n";
}

PublicKeyFile parse_public_key_file(std::string_view text, std::string_view name) {
  if (text.size() > k_public_key_limit) {
    throw Error(ErrorCode::limit, std::string(name) + " is longer than any public key");
  }
  if (text.find("PRIVATE KEY-----") != std::string_view::npos) {
    throw Error(ErrorCode::malformed, std::string(name) + " is a private key, and a public one is wanted")
        .with_hint("a private key stays where it was made; take it away from any place where others can read it");
  }
  return base::with_context([&] { return "reading the public key " + std::string(name); },
                            [&] {
                              const std::string_view trimmed = base::trim(text);
                              if (trimmed.starts_with('{')) {
                                return parse_own_form(text, name);
                              }
                              return PublicKeyFile{.role = {}, .name = {}, .key = public_key_from_pem(text)};
                            });
}

PublicKey public_key_from_pem(std::string_view pem) {
  const NamedKey named = load_any_public_pem(pem);
  return public_key_of(named.key.get(), named.scheme);
}

}  // namespace airlock::trust
