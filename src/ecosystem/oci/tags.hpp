// Which tags of a repository an entry means. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"

namespace airlock::ecosystem::oci {

// Tags that match `pattern` (`*` and `?`). With `newest`, only those that are version numbers, and of these
// the highest N, highest first; pre-releases and flavours ("1.27-alpine") count only where the pattern has a
// "-". Without it, all that match, by bytes. Tags that clients use for signatures are left out unless the
// pattern names them.
std::vector<std::string> select_tags(const std::vector<std::string>& tags, std::string_view pattern,
                                     std::optional<std::uint64_t> newest);

// "sha256-HEX": where registries without a referrers API keep the list of referrers (distribution-spec 1.1,
// "Referrers Tag Schema"). With a suffix (".sig", ".att", ".sbom"), where cosign 2 keeps its signatures.
std::string referrers_tag(const base::Digest& subject);
// Whether a tag is one of those.
bool is_referrers_tag(std::string_view tag);

inline constexpr std::string_view k_cosign_suffixes[] = {".sig", ".att", ".sbom"};

}  // namespace airlock::ecosystem::oci
