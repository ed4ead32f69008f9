// Signed metadata from a medium: every parser over every input. Nothing but base::Error may come out, and
// what was read must survive being written and read again.
#include "base/error.hpp"
#include "fuzz_target.hpp"
#include "trust/canonical.hpp"
#include "trust/metadata.hpp"

namespace {

using namespace airlock;

constexpr std::size_t k_limit = 1 << 20;

template <typename Function>
void tolerate_errors(Function&& function) {
  try {
    function();
  } catch (const base::Error&) {
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  tolerate_errors([&] {
    const auto file = trust::parse_signed(std::string(text), "file", k_limit);
    fuzz::require(file.bytes == text, "the bytes received are kept");
    for (const auto check : {trust::KeyidCheck::enforce, trust::KeyidCheck::tolerate}) {
      tolerate_errors([&] {
        const auto root = trust::parse_root(file, check);
        for (const auto& [name, role] : root.roles) {
          fuzz::require(trust::count_signers(file, role, root.keys) <= role.keyids.size(), "signers are listed keys");
        }
      });
      tolerate_errors([&] {
        const auto targets = trust::parse_targets(file, check);
        for (const auto& role : targets.roles) {
          trust::delegates(role, "a/b/c");
          fuzz::require(trust::metadata_file_name(role.name, 1).find('/') == std::string::npos,
                        "no role name is a path");
        }
        const auto written = trust::to_signed_part(targets);
        const auto again = trust::parse_signed(trust::sign_role(written, {}), "file", 8 * k_limit);
        fuzz::require(again.canonical == trust::canonical_json(written), "one canonical form");
        fuzz::require(trust::to_signed_part(trust::parse_targets(again, check)) == written, "targets print and parse");
      });
    }
    tolerate_errors([&] {
      const auto written = trust::to_signed_part(trust::parse_timestamp(file));
      fuzz::require(!trust::canonical_json(written).empty(), "a timestamp has a canonical form");
    });
    tolerate_errors([&] {
      const auto snapshot = trust::parse_snapshot(file);
      for (const auto& [name, meta] : snapshot.meta) {
        trust::matches(meta, text);
      }
    });
  });
  return 0;
}
