#include "ecosystem/tool/resolver.hpp"

#include <map>
#include <set>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/remote_file.hpp"
#include "ecosystem/tool/proofs.hpp"
#include "ecosystem/tool/recipe_finder.hpp"
#include "model/purl.hpp"
#include "model/version.hpp"

namespace airlock::ecosystem::tool {

using base::Digest;
using base::Error;
using base::ErrorCode;
using base::Url;
using model::Verified;

namespace {

std::string media_type_of(std::string_view name) {
  if (name.ends_with(".tar.gz") || name.ends_with(".tgz")) {
    return "application/gzip";
  }
  if (name.ends_with(".zip")) {
    return "application/zip";
  }
  if (name.ends_with(".asc")) {
    return "application/pgp-signature";
  }
  return "application/octet-stream";
}

// One entry on its way to rows.
class Release {
 public:
  Release(const ResolveContext& context, const model::Entry& entry, const Resolver::Emit& emit)
      : m_context(context), m_entry(entry), m_emit(emit), m_recipe(find_recipe(entry, context.recipes)),
        m_version(exact_version(entry.text("version"), entry.position_of("version"))),
        m_proofs(context, entry, m_recipe) {
    check_since();
  }

  void resolve() {
    std::vector<model::Platform> platforms = m_entry.platforms();
    if (platforms.empty()) {
      platforms.push_back(model::Platform::host());
    }
    const bool independent = is_independent_of_platform(m_recipe);
    if (m_entry.has("sha256") && platforms.size() > 1 && !independent) {
      throw Error(ErrorCode::manifest, "one sha256 cannot be right for several platforms")
          .at(m_entry.position_of("sha256"))
          .with_hint("make an entry for each platform, or leave sha256 out");
    }
    if (independent) {
      resolve_for(platforms.front(), "");
      return;
    }
    for (const model::Platform& platform : platforms) {
      resolve_for(platform, platform.to_string());
    }
  }

 private:
  void check_since() const {
    const auto version = model::Version::parse(m_version);
    const auto since = model::Version::parse(m_recipe.since);
    if (version && since && *version < *since) {
      throw Error(ErrorCode::manifest, fmt::format("the recipe of '{}' is for {} and newer, not for {}", m_recipe.name,
                                                   m_recipe.since, m_version))
          .at(m_entry.position_of("version"))
          .with_hint("older releases are laid out differently; give the entry a `url:` and `checksums:` of its own");
    }
  }

  Variables variables(const model::Platform& platform) const {
    try {
      return variables_for(m_recipe, m_version, platform);
    } catch (Error& error) {
      error.at(m_entry.has("platforms") ? m_entry.position_of("platforms") : m_entry.position());
      throw;
    }
  }

  void resolve_for(const model::Platform& platform, const std::string& platform_name) {
    ReleaseFile file;
    file.variables = variables(platform);
    file.url = checked_url(m_recipe.url.at(platform.os).expand(file.variables, Template::For::url),
                           m_entry.has("url") ? m_entry.position_of("url") : m_entry.position());
    file.name =
        m_recipe.file.empty() ? file.url.file_name() : m_recipe.file.expand(file.variables, Template::For::name);
    const Proof proof = base::with_context(
        [&] {
          return fmt::format("while resolving tool '{}' {} for {}", m_recipe.name, m_version, platform.to_string());
        },
        [&] { return m_proofs.prove(file); });

    model::FileRow row = new_row(file.name, file.url, model::Kind::file);
    row.platform = platform_name;
    row.sha256 = proof.sha256;
    row.verified = proof.verified;
    apply_own_digest(row);
    if (row.sha256) {
      row.pin = row.sha256->to_string();
    } else {
      m_context.reporter.warning(fmt::format("tool '{}': upstream publishes no checksums; what {} sends first is taken "
                                             "as it is, unless the entry gives a sha256",
                                             m_recipe.name, file.url.host_port()));
    }
    row.length =
        base::with_context([&] { return fmt::format("while looking for tool '{}' {}", m_recipe.name, m_version); },
                           [&] { return probe_length(m_context, file.url); });
    m_emit({.row = std::move(row), .content = std::nullopt});
    for (const ProofFile& companion : proof.files) {
      emit_proof(companion);
    }
  }

  void apply_own_digest(model::FileRow& row) const {
    if (!m_entry.has("sha256")) {
      return;
    }
    const Digest own = Digest::parse_sha256_hex(m_entry.text("sha256"));
    if (row.sha256 && *row.sha256 != own) {
      throw Error(ErrorCode::tampered, fmt::format("upstream states {} for '{}', not the SHA-256 that is given",
                                                   row.sha256->hex(), row.path))
          .at(m_entry.position_of("sha256"));
    }
    row.sha256 = own;
    row.verified = std::max(row.verified, Verified::upstream_digest);
  }

  void emit_proof(const ProofFile& companion) {
    if (!m_proofs_emitted.insert(companion.url.to_string()).second) {
      return;  // one checksum file proves several platforms
    }
    model::FileRow row = new_row(companion.name, companion.url, model::Kind::meta);
    row.length = companion.content.size();
    row.sha256 = base::sha256(companion.content);
    row.verified = companion.verified;
    m_emit({.row = std::move(row), .content = companion.content});
  }

  model::FileRow new_row(const std::string& name, const Url& url, model::Kind kind) {
    model::FileRow row;
    row.ecosystem = "tool";
    row.kind = kind;
    row.path = fmt::format("{}/{}/{}", m_recipe.name, m_version, name);
    try {
      model::check_path(row.path, fmt::format("tool '{}'", m_recipe.name));
    } catch (const Error& error) {
      throw Error(ErrorCode::manifest, error.message()).at(m_entry.position());
    }
    row.origin = url.to_string();
    row.media_type = media_type_of(name);
    row.artifact =
        model::Purl{.type = "generic", .namespace_ = {}, .name = m_recipe.name, .version = m_version, .qualifiers = {}}
            .to_string();
    const auto [known, added] = m_origins.emplace(row.path, row.origin);
    if (!added && known->second != row.origin) {
      throw Error(ErrorCode::manifest,
                  fmt::format("'{}' would be the name of two files: {}, and {}", row.path, known->second, row.origin))
          .at(m_entry.position())
          .with_hint("give the recipe a `file:` with {goos} and {goarch} in it");
    }
    return row;
  }

  const ResolveContext& m_context;
  const model::Entry& m_entry;
  const Resolver::Emit& m_emit;
  Recipe m_recipe;
  std::string m_version;
  Proofs m_proofs;
  std::map<std::string, std::string> m_origins;  // by path: no two files may share one
  std::set<std::string> m_proofs_emitted;        // by URL
};

class ToolResolver : public Resolver {
 public:
  explicit ToolResolver(const ResolveContext& context) : m_context(context) {}

  void resolve(const model::Entry& entry, const Emit& emit) override { Release(m_context, entry, emit).resolve(); }

  std::unique_ptr<Fetchable> fetchable(const model::FileRow& row) override {
    return std::make_unique<RemoteFile>(m_context, Url::parse(row.origin), row.length);
  }

 private:
  const ResolveContext m_context;
};

}  // namespace

std::unique_ptr<Resolver> make_resolver(const ResolveContext& context) {
  return std::make_unique<ToolResolver>(context);
}

}  // namespace airlock::ecosystem::tool
