// What a bundle brought of a version, which may be anything: the first line is its document, the rest its notes.
#include "base/error.hpp"
#include "ecosystem/npm/version_document.hpp"
#include "ecosystem/npm/version_facts.hpp"
#include "fuzz_target.hpp"

using namespace airlock;
using namespace airlock::ecosystem::npm;

namespace {

constexpr std::string_view k_base = "http://mirror.site.example:8480/npm";

void serve(const base::Json& version, const base::Json& notes) {
  const base::Json served = served_version(version, notes, k_base);
  fuzz::require(served.at("dist").at("tarball").get<std::string>().starts_with(std::string(k_base) + "/"),
                "a tarball comes from this mirror");
  fuzz::require(served.at("_id").is_string(), "an id is a text");
  const base::Json abbreviated = abbreviated_version(served);
  fuzz::require(abbreviated.at("dist") == served.at("dist"), "both forms name one tarball");
  base::to_line(served);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  const std::size_t end = std::min(text.find('\n'), text.size());
  try {
    const base::Json version = base::parse_json(text.substr(0, end), "a version");
    base::Json notes;
    try {
      notes = base::parse_json(text.substr(std::min(end + 1, text.size())), "notes");
    } catch (const base::Error&) {
      notes = nullptr;
    }
    serve(version, notes);
    // What upstream says is carried, and read the same on the far side.
    serve(base::parse_json(carried_version(version, "a-1.0.0.tgz"), "carried"), notes);
    if (const auto carried = carried_notes(version, "2026-07-01T12:00:00Z")) {
      serve(version, base::parse_json(*carried, "carried notes"));
    }
    read_facts(version, "fuzz");
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::malformed || error.code() == base::ErrorCode::limit,
                  "every refusal is a mistake in the text");
  }
  return 0;
}
