// A provider's address, constraint and archive name, one a line; what is read is stable.
#include "base/text.hpp"
#include "ecosystem/terraform/constraint.hpp"
#include "ecosystem/terraform/endpoints.hpp"
#include "ecosystem/terraform/provider.hpp"
#include "fuzz_target.hpp"

using namespace airlock;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ecosystem::terraform;
  const auto lines = base::split(fuzz::as_text(data, size), '\n');
  const auto provider = parse_provider(lines[0]);
  if (provider) {
    fuzz::require(parse_provider(provider->to_string()) == provider, "an address is read as it is written");
    fuzz::require(folder_of(*provider).find("..") == std::string::npos, "a folder stays where it belongs");
  }
  const auto constraint = lines.size() > 1 ? Constraint::parse(lines[1]) : std::nullopt;
  const auto version = lines.size() > 2 ? model::Version::parse(lines[2]) : std::nullopt;
  if (constraint && version) {
    static_cast<void>(constraint->allows(*version));
    fuzz::require(Constraint::parse(constraint->text()).has_value(), "a constraint's own text is one");
  }
  if (provider && lines.size() > 2) {
    if (const auto file = parse_file_name(*provider, lines[2])) {
      fuzz::require(file_name(*provider, file->version, file->os, file->arch) == lines[2], "a name is made as it was");
    }
  }
  if (const auto wanted = ecosystem::terraform::wanted(lines[0]); wanted.request) {
    fuzz::require(provider || lines[0].find('@') != std::string::npos, "what is wanted has an address");
  }
  return 0;
}
