// Fingerprints as people type and compare them.
#pragma once

#include <string>
#include <string_view>

#include "cli/session.hpp"

namespace airlock::cli {

// 64 hex digits from what people type from paper: with blanks, colons, in capitals. Throws usage.
std::string parse_fingerprint(std::string_view text, std::string_view what = "a fingerprint");

// Asks for two groups of it, chosen now: typing them shows that a person compared, and did not only press a key. False
// where they do not match. Of one fingerprint only: whoever could put in many would find two groups among them. Throws
// usage, naming `flag_instead`, where there is no terminal.
bool ask_for_groups(Session& session, const std::string& fingerprint, std::string_view flag_instead);

}  // namespace airlock::cli
