// A registry's document: every version that is offered lies within it, and is refused or becomes rows.
#include "base/error.hpp"
#include "ecosystem/npm/packument.hpp"
#include "ecosystem/npm/version_document.hpp"
#include "fuzz_target.hpp"

using namespace airlock::ecosystem::npm;
using airlock::fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = airlock::fuzz::as_text(data, size);
  try {
    const PackumentIndex index = index_packument(text, "fuzz");
    for (const auto& [version, span] : index.versions) {
      require(span.begin < span.end && span.end <= text.size(), "a version lies within the document");
    }
    auto spilled = std::make_unique<SpilledText>("fuzz", size + 1);
    spilled->write(airlock::base::as_bytes(text));
    spilled->finish();
    const Packument packument(index.name, std::move(spilled));
    const auto chosen = packument.choose({.kind = Requirement::Kind::range, .name = index.name, .wanted = "*"});
    if (chosen) {
      require(packument.has(*chosen), "what is chosen is there");
      const auto object = packument.version_object(*chosen);
      const VersionFacts facts = packument.facts(*chosen);
      const auto carried = airlock::base::parse_json(carried_version(object, "a-1.0.0.tgz"), "carried");
      abbreviated_version(served_version(carried, {}, "http://m.example/npm"));
      carried_notes(object, packument.time(*chosen));
      require(facts.limits.any() == (facts.limits.os.empty() && facts.limits.cpu.empty() && facts.limits.libc.empty()),
              "limits are what they are");
    }
  } catch (const airlock::base::Error&) {
  }
  return 0;
}
