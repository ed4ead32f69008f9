#include "ecosystem/go/module_source.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "ecosystem/go/limits.hpp"

namespace airlock::ecosystem::go {

using base::Error;
using base::ErrorCode;
using model::Verified;

namespace {

[[noreturn]] void refuse(const Module& module, std::string_view file, std::string_view found, std::string_view expected,
                         std::string_view says) {
  throw Error(ErrorCode::tampered, fmt::format("the {} of {} has the hash {}, and {} says {}", file, module.to_string(),
                                               found, says, expected))
      .with_hint("the proxy gave other content than was recorded when the module was first used; find out which of the "
                 "two is right before going on");
}

}  // namespace

const ModuleSums* ModuleSource::database_sums(const Module& module) {
  std::string exempt = value_of(m_env, "GONOSUMDB");
  if (exempt.empty()) {
    exempt = value_of(m_env, "GOPRIVATE");
  }
  if (matches_patterns(exempt, module.path)) {
    return nullptr;
  }
  const std::string database = value_of(m_env, "GOSUMDB");
  if (database.empty() || database == "off") {
    throw Error(ErrorCode::config,
                fmt::format("nothing proves {}: no go.sum names it, and {}", module.to_string(),
                            database.empty() ? "GOSUMDB names no checksum database" : "GOSUMDB is off"))
        .with_hint("complete the project's go.sum with `go mod tidy`, set GOSUMDB, or name the module in GONOSUMDB to "
                   "take it unproved");
  }
  ChecksumDatabase& checksums = *m_database.get(0, [&] { return std::make_unique<ChecksumDatabase>(m_proxy, m_env); });
  return &m_looked_up.get(module, [&] { return checksums.lookup(module); });
}

const ModFile& ModuleSource::mod_file(const Module& module) {
  return m_mods.get(module, [&] {
    ProxyAnswer answer = m_proxy.get(module, ".mod", k_largest_mod);
    ModFile file;
    const std::string hash = hash_of_go_mod(answer.body);
    const ModuleSums* listed = m_sums.find(module);
    if (listed != nullptr && !listed->mod.empty()) {
      if (listed->mod != hash) {
        refuse(module, "go.mod", hash, listed->mod, "go.sum");
      }
      file.pin = hash;
      file.verified = Verified::upstream_digest;
    } else if (const ModuleSums* recorded = database_sums(module)) {
      if (recorded->mod != hash) {
        refuse(module, "go.mod", hash, recorded->mod, "the checksum database");
      }
      file.pin = hash;
      file.verified = Verified::checksum_database;
    }
    file.mod = parse_go_mod(answer.body, module.to_string() + "/go.mod", GoModFor::dependency);
    file.content = std::move(answer.body);
    file.url = std::move(answer.url);
    return file;
  });
}

ZipProof ModuleSource::zip_proof(const Module& module) {
  const ModuleSums* listed = m_sums.find(module);
  if (listed != nullptr && !listed->zip.empty()) {
    return {.pin = listed->zip, .verified = Verified::upstream_digest};
  }
  const ModuleSums* recorded = database_sums(module);
  if (recorded == nullptr) {
    return {};
  }
  if (recorded->zip.empty()) {
    throw Error(ErrorCode::not_found, fmt::format("the checksum database has no hash of {}", module.to_string()));
  }
  if (listed != nullptr && !listed->mod.empty() && !recorded->mod.empty() && listed->mod != recorded->mod) {
    refuse(module, "go.mod", listed->mod, recorded->mod, "the checksum database");
  }
  return {.pin = recorded->zip, .verified = Verified::checksum_database};
}

}  // namespace airlock::ecosystem::go
