// The channels that a home makes: how far each came, until when what it sent is valid, and what waits or was
// interrupted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "bundle/head.hpp"
#include "workflow/home.hpp"

namespace airlock::workflow {

// A state that was made and not sealed.
struct DraftStatus {
  std::uint64_t serial = 0;
  std::uint64_t approvals = 0, threshold = 1;  // as far as this home knows: others may lie beside the bundle
  std::vector<std::string> missing;            // keyids of those who may approve it and have not
  base::Time expires{};                        // of its snapshot: it cannot be sealed after that
  std::filesystem::path bundle;                // where it was written; empty: not known
};

// What the same command would continue.
struct InterruptedRun {
  enum class What { create, ship, revoke } what = What::create;
  std::uint64_t serial = 0;
  std::filesystem::path head;  // the name that its output was to have
};
std::string_view to_string(InterruptedRun::What what);  // "create"

struct MadeChannel {
  std::string name;
  std::uint64_t serial = 0;                    // of the newest state; 0: none yet
  std::uint64_t sealed = 0;                    // of the newest that was sealed; 0: none
  std::map<std::string, base::Time> expiries;  // by role of that one: snapshot, targets, the newest timestamp
  std::vector<DraftStatus> drafts;             // newer than that one, newest first
  std::vector<InterruptedRun> interrupted;
  bool waits_for_newest = false;  // the next state asks for the newest bundle with --continue
};

// One channel; reads small files only, whatever it holds. While a run is at work, what it began is not interrupted.
// Throws malformed, tampered, io for a state that cannot be read.
MadeChannel look_at_channel(const Home& home, const std::string& name);
// The lock that a run holds which makes or sends a bundle of the channel.
std::filesystem::path making_lock(const Home& home, std::string_view channel);

// Role by role, until when what a head states is valid.
std::map<std::string, base::Time> expiries_of(const bundle::HeadContents& contents);

}  // namespace airlock::workflow
