// How a state was made: an in-toto statement (in-toto attestation framework 1.0) with SLSA provenance 1.0.
#include <set>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/url.hpp"
#include "bundle/authoring.hpp"
#include "bundle/authoring_keys.hpp"
#include "bundle/json_text.hpp"
#include "trust/dsse.hpp"

namespace airlock::bundle {

namespace {

constexpr std::string_view k_statement_type = "application/vnd.in-toto+json";

// Scheme, host and port of every place that something came from.
std::set<std::string> places(const model::Lock& lock) {
  std::set<std::string> found;
  for (const model::FileRow& row : lock.rows) {
    const std::size_t authority = row.origin.find("://");
    if (authority != std::string::npos) {
      found.insert(row.origin.substr(0, row.origin.find_first_of("/?#", authority + 3)));
    }
  }
  return found;
}

OrderedJson subjects(const std::map<std::string, std::string>& catalogs) {
  OrderedJson list = OrderedJson::array();
  for (const auto& [path, text] : catalogs) {
    list.push_back({{"name", path}, {"digest", {{"sha256", base::sha256(text).hex()}}}});
  }
  return list;
}

OrderedJson predicate(const model::Lock& lock, base::Time created, std::uint64_t serial) {
  OrderedJson materials = OrderedJson::array();
  materials.push_back({{"name", "lock"}, {"digest", {{"sha256", base::sha256(lock.to_text()).hex()}}}});
  for (const std::string& place : places(lock)) {
    materials.push_back({{"uri", place}});
  }
  OrderedJson value;
  value["buildDefinition"]["buildType"] = "urn:airlock:collect:v1";
  value["buildDefinition"]["externalParameters"] = {{"channel", lock.channel},
                                                    {"serial", serial},
                                                    {"platforms", lock.platforms},
                                                    {"request", lock.request.to_string()}};
  value["buildDefinition"]["resolvedDependencies"] = std::move(materials);
  value["runDetails"]["builder"] = {{"id", "urn:airlock:builder"}, {"version", {{"airlock", AIRLOCK_VERSION}}}};
  // The bundle id cannot stand here: this statement is part of what it is the digest of. The set id of the first
  // shipment names the same state.
  value["runDetails"]["metadata"] = {{"invocationId", set_id(lock.channel, serial, 1, created)},
                                     {"startedOn", base::to_rfc3339(created)},
                                     {"finishedOn", base::to_rfc3339(created)}};
  return value;
}

}  // namespace

std::string build_provenance(const model::Lock& lock, const std::map<std::string, std::string>& catalogs,
                             base::Time created, std::uint64_t serial, const SigningSet& keys) {
  OrderedJson statement = {{"_type", "https://in-toto.io/Statement/v1"}};
  statement["subject"] = subjects(catalogs);
  statement["predicateType"] = "https://slsa.dev/provenance/v1";
  statement["predicate"] = predicate(lock, created, serial);
  return trust::sign_envelope(k_statement_type, document_text(statement), signers_of("targets", keys));
}

}  // namespace airlock::bundle
