#include "ecosystem/openpgp.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/process.hpp"
#include "base/text.hpp"

namespace airlock::ecosystem {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::string_view k_begin = "-----BEGIN PGP ";
constexpr std::string_view k_end = "-----END PGP ";

// One armoured block: headers up to an empty line, base64, perhaps "=" and four characters of CRC24, which recent
// writers leave out and nobody needs here.
std::optional<std::string> dearmor_block(std::string_view body) {
  std::string base64;
  bool in_headers = true;
  for (const std::string& raw : base::split(body, '\n')) {
    const std::string_view line = base::trim(raw);
    if (in_headers) {
      if (line.empty()) {
        in_headers = false;
        continue;
      }
      if (line.find(": ") != std::string_view::npos) {
        continue;
      }
      in_headers = false;  // no headers, and no empty line either
    }
    if (!line.starts_with('=')) {
      base64 += line;
    }
  }
  return base64.empty() ? std::nullopt : base::base64_decode(base64);
}

}  // namespace

OpenPgpVerdict read_gpgv_status(std::string_view status) {
  std::string fingerprint;
  std::vector<std::string> fingerprints;
  std::string refused;  // what forbids trust whatever else is there
  std::string missing;  // what is merely not good
  bool good = false;    // GOODSIG was said of the signature at hand
  for (const std::string& line : base::split(status, '\n')) {
    const std::vector<std::string> words = base::split(line, ' ');
    if (words.size() < 2 || words[0] != "[GNUPG:]") {
      continue;
    }
    const std::string& word = words[1];
    if (word == "NEWSIG") {
      good = false;
    } else if (word == "GOODSIG") {
      good = true;
    } else if (word == "VALIDSIG" && good && words.size() > 2) {
      constexpr std::size_t primary = 11;
      fingerprint = base::printable(words[2]);
      fingerprints.push_back(fingerprint);
      if (words.size() > primary) {
        fingerprints.push_back(base::printable(words[primary]));
      }
    } else if (word == "BADSIG") {
      refused = "the signature does not fit the content";
    } else if (word == "REVKEYSIG") {
      refused = "the key was revoked";
    } else if (word == "EXPSIG" || word == "EXPKEYSIG") {
      missing = "the signature or its key has expired";
    } else if (word == "NO_PUBKEY") {
      missing = fmt::format("it was made by another key ({})", words.size() > 2 ? base::printable(words[2]) : "?");
    }
  }
  if (!refused.empty()) {
    return {.good = false, .reason = refused, .fingerprints = {}};
  }
  if (fingerprint.empty()) {
    return {.good = false,
            .reason = missing.empty() ? "it holds no signature that can be checked" : missing,
            .fingerprints = {}};
  }
  return {.good = true, .reason = fingerprint, .fingerprints = std::move(fingerprints)};
}

std::optional<std::string> dearmor(std::string_view text) {
  std::size_t begin = text.find(k_begin);
  if (begin == std::string_view::npos) {
    return std::string(text);
  }
  std::string packets;
  while (begin != std::string_view::npos) {
    const std::size_t line_end = text.find('\n', begin);
    const std::size_t end = text.find(k_end, begin);
    if (line_end == std::string_view::npos || end == std::string_view::npos || end < line_end ||
        text.substr(begin, line_end - begin).find("PRIVATE") != std::string_view::npos) {
      return std::nullopt;
    }
    const auto block = dearmor_block(text.substr(line_end + 1, end - line_end - 1));
    if (!block) {
      return std::nullopt;
    }
    packets += *block;
    begin = text.find(k_begin, end);
  }
  return packets;
}

std::optional<std::string> parse_fingerprint(std::string_view text) {
  constexpr std::size_t version_4 = 40;
  constexpr std::size_t version_6 = 64;
  std::string digits;
  for (const char c : text) {
    if (c == ' ' || c == ':') {
      continue;
    }
    const bool is_digit = c >= '0' && c <= '9';
    const bool is_letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (!is_digit && !is_letter) {
      return std::nullopt;
    }
    digits += is_letter && c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return digits.size() == version_4 || digits.size() == version_6 ? std::optional(digits) : std::nullopt;
}

OpenPgpVerdict verify_openpgp(std::string_view data, std::string_view signature, std::string_view public_keys) {
  const auto keys = dearmor(public_keys);
  const auto packets = dearmor(signature);
  // Every OpenPGP packet begins with the highest bit set (RFC 9580, 4.2).
  if (!keys || keys->empty() || (static_cast<unsigned char>(keys->front()) & 0x80U) == 0) {
    throw Error(ErrorCode::malformed, "the key that is to check a signature is not an OpenPGP public key")
        .with_hint("export it with `gpg --armor --export KEY`");
  }
  if (!packets || packets->empty()) {
    return {.good = false, .reason = "it is not an OpenPGP signature", .fingerprints = {}};
  }
  if (!base::program_exists("gpgv")) {
    throw Error(ErrorCode::unsupported, "gpgv, which checks OpenPGP signatures, is not installed")
        .with_hint("install it (Debian: apt install gpgv)");
  }
  const base::TempDir folder;
  const auto file = [&](const char* name, std::string_view content) {
    const base::fs::path path = folder.path() / name;
    base::write_file_atomic(path, content, 0600);
    return path.string();
  };
  base::ProcessOptions options;
  options.argv = {"gpgv",
                  "--homedir",
                  folder.path().string(),
                  "--status-fd",
                  "1",
                  "--keyring",
                  file("keys.gpg", *keys),
                  file("signature", *packets),
                  file("data", data)};
  options.environment = {{"GNUPGHOME", folder.path().string()}, {"LC_ALL", "C"}};
  return read_gpgv_status(base::run_process(options).output);
}

}  // namespace airlock::ecosystem
