#include "ecosystem/terraform/resolver.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/checksums.hpp"
#include "ecosystem/openpgp.hpp"
#include "ecosystem/remote_file.hpp"
#include "ecosystem/task_group.hpp"
#include "ecosystem/terraform/registry_client.hpp"
#include "ecosystem/terraform/signers.hpp"
#include "ecosystem/terraform/wishes.hpp"
#include "model/purl.hpp"

namespace airlock::ecosystem::terraform {

using base::Digest;
using base::Error;
using base::ErrorCode;
using base::Url;
using model::Verified;

namespace {

constexpr std::size_t k_threads = 8;                        // providers that are asked for at the same time
constexpr std::size_t k_checksums_limit = 4 * 1024 * 1024;  // bytes
constexpr std::size_t k_signature_limit = 1024 * 1024;
constexpr std::string_view k_keys_ending = "_SHA256SUMS.asc";  // of the file that the registry's keys travel in

// What the checksums of one version are proven by.
struct Proof {
  Url checksums_url, document;
  std::string checksums;
  std::optional<Url> signature_url;
  std::string signature, keys;
  Verified verified = Verified::upstream_digest;
};

// The keys are part of the registry's answer about a package.
class KeysFetchable : public Fetchable {
 public:
  KeysFetchable(const ResolveContext& context, const model::FileRow& row) : m_context(context), m_row(row) {}
  void fetch(std::uint64_t offset, std::optional<std::uint64_t> length, base::ByteSink& sink) override {
    const Url url = Url::parse(m_row.origin);
    const auto body = fetch_text(m_context, url, k_checksums_limit);
    if (!body) {
      throw Error(ErrorCode::not_found, fmt::format("there is no {}", url.redacted()));
    }
    const auto parts = base::split(url.path(), '/');  // …/download/OS/ARCH
    const model::Platform platform{.os = parts[parts.size() - 2], .arch = parts.back(), .variant = {}};
    const std::string keys = parse_package(*body, url, platform).keys;
    const std::string_view rest = std::string_view(keys).substr(std::min<std::size_t>(offset, keys.size()));
    sink.write(base::as_bytes(rest.substr(0, length.value_or(rest.size()))));
  }

 private:
  const ResolveContext& m_context;
  model::FileRow m_row;
};

// One provider in one version, on its way to rows.
class Release {
 public:
  Release(const ResolveContext& context, RegistryClient& registry, const Signers& signers, const Choice& choice,
          const Resolver::Emit& emit)
      : m_context(context), m_registry(registry), m_signers(signers), m_choice(choice), m_emit(emit) {}

  void resolve(const std::vector<model::Platform>& platforms) {
    for (const model::Platform& platform : platforms) {
      base::with_context(
          [&] {
            return fmt::format("while resolving provider '{}' {} for {}", m_choice.provider.to_string(),
                               m_choice.version, platform.to_string());
          },
          [&] { resolve_for(platform); });
    }
  }

 private:
  void resolve_for(const model::Platform& platform) {
    const Package package = m_registry.package(m_choice.provider, m_choice.version, platform);
    const Proof& proof = this->proof(package);
    const auto stated = find_checksum(proof.checksums, ChecksumFormat::sha256sums, package.file_name);
    if (!stated || *stated != package.sha256) {
      throw Error(ErrorCode::untrusted,
                  fmt::format("{} says that '{}' is {}, but {} {}", package.document.host_port(), package.file_name,
                              package.sha256.hex(), package.checksums.redacted(),
                              stated ? "says " + stated->hex() : std::string("does not name it")))
          .at(m_choice.position);
    }
    check_lock(package);
    model::FileRow row = new_row(file_name(m_choice.provider, m_choice.version, platform.os, platform.arch),
                                 package.archive, model::Kind::file);
    row.platform = platform.to_string();
    row.media_type = "application/zip";
    row.sha256 = package.sha256;
    row.pin = package.sha256.to_string();
    row.verified = proof.verified;
    row.length = probe_length(m_context, package.archive);
    m_emit({.row = std::move(row), .content = std::nullopt});
  }

  // A lock file's hashes are those of every platform together.
  void check_lock(const Package& package) const {
    const auto has_it = [&](const std::vector<Digest>& hashes) {
      return std::find(hashes.begin(), hashes.end(), package.sha256) != hashes.end();
    };
    const auto& locked = m_choice.zip_hashes;
    if (!std::all_of(locked.begin(), locked.end(), has_it)) {
      throw Error(ErrorCode::tampered,
                  fmt::format("'{}' of '{}' {} is {}, which the lock file does not have", package.file_name,
                              m_choice.provider.to_string(), m_choice.version, package.sha256.hex()))
          .at(m_choice.position)
          .with_hint(
              "upstream changed it, or the lock file was made for other platforms from a mirror; make it anew on "
              "a host that you trust with `providers lock -platform=…`");
    }
    if (locked.empty() && m_choice.has_directory_hashes) {
      m_context.reporter.note(fmt::format("provider '{}': its lock file has h1: hashes only, which the client compares "
                                          "when it installs",
                                          m_choice.provider.to_string()));
    }
  }

  const Proof& proof(const Package& package) {
    if (m_proof && m_proof->checksums_url == package.checksums) {
      return *m_proof;
    }
    Proof proof;
    proof.checksums_url = package.checksums;
    proof.document = package.document;
    proof.keys = package.keys;
    auto checksums = fetch_text(m_context, package.checksums, k_checksums_limit);
    if (!checksums) {
      throw Error(ErrorCode::not_found, fmt::format("there is no checksum file {}", package.checksums.redacted()));
    }
    proof.checksums = std::move(*checksums);
    check_signature(package, proof);
    m_proof = std::move(proof);
    emit_proof();
    return *m_proof;
  }

  void check_signature(const Package& package, Proof& proof) {
    const std::vector<std::string> wanted = m_signers.of(m_choice.provider);
    const std::string name = fmt::format("'{}' {}", m_choice.provider.to_string(), m_choice.version);
    if (package.keys.empty()) {
      if (!wanted.empty()) {
        throw Error(ErrorCode::untrusted,
                    fmt::format("the registry names no key for {}, but the manifest says who must "
                                "have signed it",
                                name))
            .at(m_choice.position);
      }
      m_context.reporter.warning(
          fmt::format("provider {}: its registry names no key, so nothing but the digest that it "
                      "states proves it",
                      name));
      return;
    }
    if (package.signature) {
      proof.signature_url = package.signature;
      proof.signature = fetch_text(m_context, *package.signature, k_signature_limit).value_or("");
    }
    if (proof.signature.empty()) {
      throw Error(ErrorCode::untrusted,
                  fmt::format("the registry promises a signature of {}, but there is none{}", name,
                              package.signature ? " at " + package.signature->redacted() : ""))
          .at(m_choice.position);
    }
    const OpenPgpVerdict verdict = verify_openpgp(proof.checksums, proof.signature, package.keys);
    if (!verdict.good) {
      throw Error(ErrorCode::untrusted, fmt::format("the signature of {} is refused: {}", name, verdict.reason))
          .at(m_choice.position);
    }
    const auto made_by = [&](const std::string& key) {
      return std::find(wanted.begin(), wanted.end(), key) != wanted.end();
    };
    if (!wanted.empty() && std::none_of(verdict.fingerprints.begin(), verdict.fingerprints.end(), made_by)) {
      throw Error(ErrorCode::untrusted, fmt::format("{} is signed by {}, but the manifest wants {}", name,
                                                    verdict.reason, base::join(wanted, " or ")))
          .at(m_choice.position)
          .with_hint("compare the new key with its owner's own page before changing `signers`");
    }
    m_context.reporter.note(fmt::format("provider {}: checksums signed by {}", name, verdict.reason));
    proof.verified = Verified::upstream_signature;
  }

  // Once for the version: the mirror protocol has no signatures, so this is how they can be checked again later.
  void emit_proof() {
    const std::string stem =
        fmt::format("terraform-provider-{}_{}_SHA256SUMS", m_choice.provider.type, m_choice.version);
    emit_text(stem, m_proof->checksums_url, m_proof->checksums, m_proof->verified);
    if (m_proof->signature_url) {
      emit_text(stem + ".sig", *m_proof->signature_url, m_proof->signature, Verified::none);
      emit_text(stem + ".asc", m_proof->document, m_proof->keys, Verified::none);
    }
  }

  void emit_text(const std::string& name, const Url& url, const std::string& content, Verified verified) {
    model::FileRow row = new_row(name, url, model::Kind::meta);
    row.media_type = name.ends_with("SUMS") ? "text/plain" : "application/pgp-signature";
    row.length = content.size();
    row.sha256 = base::sha256(content);
    row.verified = verified == Verified::upstream_signature ? verified : Verified::none;
    m_emit({.row = std::move(row), .content = content});
  }

  model::FileRow new_row(const std::string& name, const Url& url, model::Kind kind) const {
    const Provider& provider = m_choice.provider;
    model::FileRow row;
    row.ecosystem = "terraform";
    row.kind = kind;
    row.path = folder_of(provider) + name;
    model::check_path(row.path, fmt::format("provider '{}'", provider.to_string()));
    row.origin = url.to_string();
    row.artifact = model::Purl{.type = "terraform",
                               .namespace_ = fmt::format("{}/{}", host_in_path(provider.host), provider.namespace_),
                               .name = provider.type,
                               .version = m_choice.version,
                               .qualifiers = {}}
                       .to_string();
    return row;
  }

  const ResolveContext& m_context;
  RegistryClient& m_registry;
  const Signers& m_signers;
  const Choice& m_choice;
  const Resolver::Emit& m_emit;
  std::optional<Proof> m_proof;
};

class TerraformResolver : public Resolver {
 public:
  explicit TerraformResolver(const ResolveContext& context) : m_context(context), m_registry(m_context) {}

  void resolve(const model::Entry& entry, const Emit& emit) override {
    std::vector<model::Platform> platforms = entry.platforms();
    if (platforms.empty()) {
      platforms.push_back(model::Platform::host());
    }
    const Signers signers(entry.texts("signers"), entry.position_of("signers"));
    const std::vector<Choice> choices = choose(wishes_of(entry, m_context.reporter), m_registry, m_context.reporter);
    TaskGroup tasks(k_threads);
    for (const Choice& choice : choices) {
      tasks.add([&] {
        try {
          Release(m_context, m_registry, signers, choice, emit).resolve(platforms);
        } catch (Error& error) {
          if (!error.position()) {
            error.at(choice.position);
          }
          throw;
        }
      });
    }
    tasks.wait();
  }

  std::unique_ptr<Fetchable> fetchable(const model::FileRow& row) override {
    if (row.path.ends_with(k_keys_ending)) {
      return std::make_unique<KeysFetchable>(m_context, row);
    }
    return std::make_unique<RemoteFile>(m_context, Url::parse(row.origin), row.length);
  }

 private:
  const ResolveContext m_context;
  RegistryClient m_registry;
};

}  // namespace

std::unique_ptr<Resolver> make_resolver(const ResolveContext& context) {
  return std::make_unique<TerraformResolver>(context);
}

}  // namespace airlock::ecosystem::terraform
