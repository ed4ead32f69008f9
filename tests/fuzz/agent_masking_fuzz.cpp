// What a job prints: secrets, each ended by a form feed, then the output. However it is cut into writes the same is
// shown, and none of the secrets.
#include <algorithm>
#include <string>
#include <vector>

#include "agent/masking.hpp"
#include "base/text.hpp"
#include "fuzz_target.hpp"

using namespace airlock;

namespace {

constexpr std::string_view k_mask = "[secret]";
constexpr std::size_t k_secrets = 16;

std::string in_pieces(agent::Masker masker, std::string_view output, std::size_t piece, std::size_t most_held) {
  std::string shown;
  while (!output.empty()) {
    const auto part = output.substr(0, piece);
    shown += masker.pass(part);
    output.remove_prefix(part.size());
    fuzz::require(masker.held() < std::max<std::size_t>(most_held, 1), "no more is kept than a secret may need");
  }
  return shown + masker.finish();
}

// Whether one that is shown could come from the mask, alone or with what stands around it.
bool meets_mask(std::string_view secret) {
  return secret.find_first_of("[]") != std::string_view::npos || k_mask.find(secret) != std::string_view::npos;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = fuzz::as_text(data, size);
  std::vector<std::string> secrets;
  agent::Masker masker;
  std::size_t longest = 0;
  while (secrets.size() < k_secrets) {
    const auto end = text.find('\f');
    if (end == std::string_view::npos) {
      break;
    }
    secrets.emplace_back(text.substr(0, end));
    masker.add(base::Secret(secrets.back()));
    longest = std::max(longest, secrets.back().size());
    text.remove_prefix(end + 1);
  }
  const std::string whole = masker.mask(text);
  for (const std::string& secret : secrets) {
    fuzz::require(secret.size() < agent::k_shortest_masked || meets_mask(secret) ||
                      whole.find(secret) == std::string::npos,
                  "a secret is not shown");
  }
  // A byte takes six at most in any of the forms.
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}, longest + 1, text.size() + 1}) {
    fuzz::require(in_pieces(masker, text, piece, 6 * longest) == whole, "cuts change nothing");
  }
  return 0;
}
