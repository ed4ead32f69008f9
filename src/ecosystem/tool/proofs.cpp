#include "ecosystem/tool/proofs.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "ecosystem/checksums.hpp"
#include "ecosystem/openpgp.hpp"
#include "ecosystem/remote_file.hpp"
#include "ecosystem/tool/recipe_finder.hpp"

namespace airlock::ecosystem::tool {

using base::Error;
using base::ErrorCode;
using base::Url;
using model::Verified;

namespace {

constexpr std::size_t k_checksums_limit = 4 * 1024 * 1024;  // bytes
constexpr std::size_t k_signature_limit = 1024 * 1024;

// "kubectl.sha256" beside "kubectl" is served as "kubectl-linux-amd64.sha256" beside "kubectl-linux-amd64".
std::string served_name(const Url& url, const Url& companion_url, const std::string& companion_name) {
  const std::string name = url.file_name();
  const std::string companion = companion_url.file_name();
  if (name.size() > companion.size() && name.starts_with(companion)) {
    return companion_name + name.substr(companion.size());
  }
  return name;
}

}  // namespace

Proof Proofs::prove(const ReleaseFile& file) {
  Proof proof;
  Variables variables = file.variables;
  variables["url"] = file.url.to_string();
  variables["file"] = file.url.file_name();
  if (m_recipe.checksums) {
    const Url url = checked_url(m_recipe.checksums->url.expand(variables, Template::For::url), m_entry.position());
    ReleaseFile with_urls = file;
    with_urls.variables = variables;
    const Sums& sums = this->sums(url, with_urls);
    proof.sha256 = find_checksum(sums.content, m_recipe.checksums->format, file.url.file_name());
    if (!proof.sha256) {
      throw Error(ErrorCode::upstream,
                  fmt::format("{} states no SHA-256 for '{}'", url.redacted(), file.url.file_name()))
          .with_hint("the release may lack this platform, or upstream changed its layout; see the recipe");
    }
    proof.verified = sums.verified;
    proof.files = sums.files;
  }
  if (m_recipe.signature && m_recipe.signature->of == Signed::file) {
    add_signatures(file.url, file.name, variables, nullptr, proof.files);
  }
  return proof;
}

const Proofs::Sums& Proofs::sums(const Url& url, const ReleaseFile& file) {
  const auto found = m_sums.find(url.to_string());
  if (found != m_sums.end()) {
    return found->second;
  }
  auto content = fetch_text(m_context, url, k_checksums_limit);
  if (!content) {
    throw Error(ErrorCode::not_found, fmt::format("there is no checksum file {}", url.redacted()))
        .at(m_entry.position())
        .with_hint("is that version released? Upstream's page of releases tells");
  }
  Sums sums;
  sums.content = *content;
  const std::string name = served_name(url, file.url, file.name);
  std::vector<ProofFile> signatures;
  bool proven = false;
  if (m_recipe.signature && m_recipe.signature->of == Signed::checksums) {
    Variables variables = file.variables;
    variables["checksums"] = url.to_string();
    proven = add_signatures(url, name, variables, &sums.content, signatures);
  }
  sums.verified = proven ? Verified::upstream_signature : Verified::upstream_digest;
  sums.files.push_back({.name = name,
                        .url = url,
                        .content = std::move(*content),
                        .verified = proven ? Verified::upstream_signature : Verified::none});
  sums.files.insert(sums.files.end(), signatures.begin(), signatures.end());
  return m_sums.emplace(url.to_string(), std::move(sums)).first->second;
}

bool Proofs::add_signatures(const Url& signed_url, const std::string& signed_name, const Variables& variables,
                            const std::string* content, std::vector<ProofFile>& files) {
  const SignatureSource& source = *m_recipe.signature;
  bool proven = false;
  for (const Template& url_template : source.urls) {
    const Url url = checked_url(url_template.expand(variables, Template::For::url), m_entry.position());
    const auto signature = fetch_text(m_context, url, k_signature_limit);
    if (source.kind == SignatureKind::gpg) {
      proven = check_gpg(url, signature, content);
    }
    if (signature) {
      files.push_back({.name = served_name(url, signed_url, signed_name),
                       .url = url,
                       .content = *signature,
                       .verified = Verified::none});
    }
  }
  if (source.kind != SignatureKind::gpg) {
    m_context.reporter.note(fmt::format("tool '{}': the {} signature is carried, and was not checked", m_recipe.name,
                                        source.kind == SignatureKind::cosign ? "cosign" : "minisign"));
  }
  return proven;
}

std::optional<std::string> Proofs::key() {
  if (auto key = find_key(m_entry, m_recipe, m_context.recipes)) {
    return key;
  }
  const SignatureSource& source = *m_recipe.signature;
  if (source.key_url.empty()) {
    return std::nullopt;
  }
  const Url url = checked_url(source.key_url.expand({{"version", m_entry.text("version")}}, Template::For::url),
                              m_entry.position());
  auto key = fetch_text(m_context, url, k_signature_limit);
  if (!key) {
    throw Error(ErrorCode::not_found, fmt::format("the key of '{}' is not at {}", m_recipe.name, url.redacted()))
        .at(m_entry.position())
        .with_hint(
            fmt::format("get it from upstream's own page and name the file with `key:`; its fingerprint must be {}",
                        base::join(source.key_fingerprints, " or ")));
  }
  return key;
}

bool Proofs::check_gpg(const Url& url, const std::optional<std::string>& signature, const std::string* content) {
  if (content == nullptr) {
    return false;  // a signature over the release itself; that content is not here before it is fetched
  }
  const auto key = this->key();
  if (!key) {
    if (!m_warned) {
      m_warned = true;
      const std::string name = m_recipe.signature->key;
      m_context.reporter.warning(fmt::format(
          "tool '{}': the signature of its checksums was not checked, as its public key is not here; get the key from "
          "upstream{}, compare its fingerprint with one from another source, and {}name the file with `key:`",
          m_recipe.name, m_recipe.homepage.empty() ? "" : fmt::format(" ({})", m_recipe.homepage),
          name.empty() || m_context.recipes.empty()
              ? ""
              : fmt::format("put it at {}, or ", (m_context.recipes / name).string())));
    }
    return false;
  }
  if (!signature) {
    throw Error(ErrorCode::untrusted, fmt::format("the recipe of '{}' promises a signature, but there is none at {}",
                                                  m_recipe.name, url.redacted()))
        .at(m_entry.position());
  }
  const OpenPgpVerdict verdict = verify_openpgp(*content, *signature, *key);
  if (!verdict.good) {
    throw Error(ErrorCode::untrusted,
                fmt::format("the signature of the checksums of '{}' is refused: {}", m_recipe.name, verdict.reason))
        .at(m_entry.position())
        .with_hint(fmt::format("compare {} with upstream's own page; if upstream changed its key, replace the file "
                               "after checking the new fingerprint",
                               url.redacted()));
  }
  const auto& pinned = m_recipe.signature->key_fingerprints;
  const auto is_pinned = [&](const std::string& one) {
    return std::find(pinned.begin(), pinned.end(), one) != pinned.end();
  };
  if (!pinned.empty() && std::none_of(verdict.fingerprints.begin(), verdict.fingerprints.end(), is_pinned)) {
    throw Error(ErrorCode::untrusted, fmt::format("the checksums of '{}' are signed by {}, and not by {}",
                                                  m_recipe.name, verdict.reason, base::join(pinned, " or ")))
        .at(m_entry.position())
        .with_hint("if upstream changed its key, compare the new fingerprint with upstream's own page and one other "
                   "source, then give the entry `key_fingerprint:`");
  }
  m_context.reporter.note(fmt::format("tool '{}': checksums signed by {}", m_recipe.name, verdict.reason));
  return true;
}

}  // namespace airlock::ecosystem::tool
