// go.mod, go.work and go.sum: every refusal is a mistake in the text, and what passes names modules only.
#include "base/error.hpp"
#include "ecosystem/go/go_mod.hpp"
#include "ecosystem/go/go_sum.hpp"
#include "fuzz_target.hpp"

using namespace airlock;
using namespace airlock::ecosystem::go;

namespace {

template <typename Function>
void try_it(Function&& function) {
  try {
    function();
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::malformed || error.code() == base::ErrorCode::limit ||
                      error.code() == base::ErrorCode::conflict,
                  "every refusal is a mistake in the text");
  }
}

void check(const Module& module) {
  fuzz::require(!module_problem(module), "only modules pass");
  const auto parsed = parse_file_path(file_path(module, ".zip"));
  fuzz::require(parsed && parsed->module == module, "a module's path leads back to it");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::as_text(data, size);
  try_it([&] { static_cast<void>(parse_go_mod(text, "input", GoModFor::main)); });
  try_it([&] { static_cast<void>(parse_go_mod(text, "input", GoModFor::work)); });
  try_it([&] {
    const GoMod mod = parse_go_mod(text, "input", GoModFor::dependency);
    for (const Module& module : mod.requirements) {
      check(module);
    }
    static_cast<void>(is_retracted(mod, "v1.0.0"));
  });
  try_it([&] {
    GoSum sums;
    sums.add(text, "input");
    for (const auto& [module, hashes] : sums.all()) {
      check(module);
    }
  });
  return 0;
}
