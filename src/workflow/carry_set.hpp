// What lies beside a bundle so that it can be carried, checked and opened elsewhere (docs/formats/bundle.md, Files of a
// set): checksums for common tools, the transfer form as text and as a page, the root for a site's first time, the
// lock; and reading it all back from the medium.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/reporter.hpp"
#include "bundle/head.hpp"
#include "workflow/create.hpp"
#include "workflow/home.hpp"

namespace airlock::workflow {

struct CarryOptions {
  std::filesystem::path head;
  std::vector<std::filesystem::path> volumes;
  std::map<std::filesystem::path, base::Digest> digests;  // of those that were hashed while they were written
  std::string stem;                                       // "site-a-7": what the small files are called
  enum class Extent { whole_set, lock_only, nothing } extent = Extent::whole_set;
  enum class Present { refuse, replace } present = Present::refuse;  // a file of ours that is there with other content
  std::string lock;                                                  // text; empty: none is written
  std::string root;                                                  // bytes of the newest root
  std::optional<bundle::Head> previous;                              // of the state before, for the transfer form
  base::Time now{};                                                  // what the form goes by
  Readback readback = Readback::removable_only;
};

struct CarryReport {
  std::vector<std::filesystem::path> files;  // that were written beside head and volumes
  std::uint64_t bytes_written = 0;
  bool read_back = false;
  bool removable = false;
};

// Throws conflict, io, no_space; tampered when the medium gives back other bytes than were written.
// The form names people as `home` knows them.
CarryReport write_carry_set(const Home& home, const CarryOptions& options, base::Reporter& reporter);

}  // namespace airlock::workflow
