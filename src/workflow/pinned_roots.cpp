#include "workflow/pinned_roots.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "trust/metadata.hpp"
#include "trust/root_chain.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

std::vector<fs::path> files_in(const fs::path& folder, std::string_view suffix) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator entries(folder, error), end; !error && entries != end; entries.increment(error)) {
    if (entries->path().filename().string().ends_with(suffix)) {
      files.push_back(entries->path());
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    throw base::system_error(error.value(), fmt::format("cannot list {}", folder.string()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

// "7.root.json" -> 7; 0 for anything else.
std::uint64_t version_in_name(const fs::path& file) {
  const auto name = file.filename().string();
  std::uint64_t version = 0;
  const auto [end, status] = std::from_chars(name.data(), name.data() + name.size(), version);
  return status == std::errc{} && std::string_view(end) == ".root.json" ? version : 0;
}

std::optional<base::Digest> fingerprint_in_head(const bundle::Head& head, std::uint64_t version) {
  const auto bytes = head.metadata(fmt::format("{}.root.json", version));
  if (!bytes) {
    return std::nullopt;
  }
  try {
    return trust::identity(trust::parse_signed(*bytes, "root.json", trust::k_root_limit));
  } catch (const Error&) {
    return std::nullopt;  // what it is, verify_head says; it only cannot be chosen by
  }
}

}  // namespace

void check_for_pinning(const PinnedRoot& root, const trust::Policy& policy) {
  try {
    trust::check_policy(root.root.root, policy);
  } catch (Error& error) {
    error.with_hint("pin a newer root of this producer that keeps to the policy; `airlock trust policy` shows this "
                    "site's values and where each comes from");
    throw;
  }
}

PinnedRoot read_root(const fs::path& file) {
  return base::with_context([&] { return fmt::format("reading the root {}", file.string()); },
                            [&] {
                              auto bytes = base::read_file(file, trust::k_root_limit);
                              auto root = trust::check_pinnable(bytes, {});
                              return PinnedRoot{.bytes = std::move(bytes), .file = file, .root = std::move(root)};
                            });
}

std::vector<PinnedRoot> read_pinned_roots(const Home& home) {
  std::vector<PinnedRoot> roots;
  for (const auto& file : files_in(home.pinned_roots(), ".json")) {
    roots.push_back(read_root(file));
  }
  // The oldest first: with two roots of one chain, the state stays with the one that was pinned before.
  std::stable_sort(roots.begin(), roots.end(),
                   [](const auto& a, const auto& b) { return a.root.root.version < b.root.root.version; });
  return roots;
}

std::optional<PinnedRoot> read_own_root(const Home& home) {
  const auto files = files_in(home.keys(), ".root.json");
  const auto first = std::min_element(
      files.begin(), files.end(), [](const auto& a, const auto& b) { return version_in_name(a) < version_in_name(b); });
  if (first == files.end()) {
    return std::nullopt;
  }
  return read_root(*first);
}

bool may_be_own_producer(const Home& home, std::string_view producer) {
  const auto files = files_in(home.keys(), ".root.json");
  return files.empty() || std::ranges::any_of(files, [&](const fs::path& file) {
           auto bytes = base::read_file(file, trust::k_root_limit);
           return trust::identity(trust::parse_signed(std::move(bytes), "root.json", trust::k_root_limit))
               .hex()
               .starts_with(producer);
         });
}

const PinnedRoot* find_root_for(const bundle::Head& head, const std::vector<PinnedRoot>& roots) {
  for (const auto& root : roots) {
    if (fingerprint_in_head(head, root.root.root.version) == root.root.fingerprint) {
      return &root;
    }
  }
  return nullptr;
}

const PinnedRoot& require_root_for(const bundle::Head& head, const std::vector<PinnedRoot>& roots, const Home& home) {
  if (const auto* root = find_root_for(head, roots)) {
    return *root;
  }
  if (roots.empty()) {
    throw Error(ErrorCode::untrusted,
                fmt::format("no root is pinned in {}, so no bundle can be trusted", home.pinned_roots().string()))
        .with_hint("get root.json and its fingerprint from the producer by another way than the bundle, then run "
                   "`airlock trust init root.json`");
  }
  const auto first = fingerprint_in_head(head, 1);
  throw Error(ErrorCode::untrusted,
              fmt::format("the bundle was not made under a root that is pinned here ({} pinned)", roots.size()))
      .with_hint(fmt::format("`airlock trust show` lists the pinned roots; the bundle names the root {}",
                             first ? base::group_digits(first->hex()) : "of nobody"));
}

const PinnedRoot* find_producer(const std::vector<PinnedRoot>& roots, std::string_view producer) {
  const auto found =
      std::find_if(roots.begin(), roots.end(), [&](const PinnedRoot& root) { return root.producer() == producer; });
  return found == roots.end() ? nullptr : &*found;
}

std::optional<PinnedRoot> find_pinned(const Home& home, const PinnedRoot& root) {
  for (auto& pinned : read_pinned_roots(home)) {
    if (pinned.root.fingerprint == root.root.fingerprint) {
      return std::move(pinned);
    }
  }
  return std::nullopt;
}

trust::SignedFile root_in_force(const PinnedRoot& pinned, const store::StateDb& state) {
  if (auto accepted = state.roots(pinned.producer()); !accepted.empty()) {
    auto newest = trust::parse_signed(std::move(accepted.back()), "root.json", trust::k_root_limit);
    if (trust::parse_root(newest).version > pinned.root.root.version) {
      return newest;
    }
  }
  return pinned.root.file;
}

PinnedRoot pin_root(const Home& home, std::string_view bytes, const trust::Policy& policy) {
  PinnedRoot pinned{.bytes = std::string(bytes), .file = {}, .root = trust::check_pinnable(bytes, {})};
  pinned.file = home.pinned_roots() / (pinned.producer() + ".json");
  for (const auto& other : read_pinned_roots(home)) {
    if (other.root.fingerprint == pinned.root.fingerprint) {
      throw Error(ErrorCode::conflict, fmt::format("this root is pinned already, in {}", other.file.string()))
          .with_hint("nothing more is to be done; to raise its floors, `airlock trust floor`");
    }
    const bool same_names = other.root.root.channel == pinned.root.root.channel;
    const auto& theirs = other.root.root.keys;
    const bool shares_a_key = std::any_of(theirs.begin(), theirs.end(), [&](const auto& entry) {
      const auto& ours = pinned.root.root.keys;
      return std::any_of(ours.begin(), ours.end(),
                         [&](const auto& mine) { return mine.second.same_key(entry.second); });
    });
    if (same_names && shares_a_key) {
      throw Error(ErrorCode::conflict, fmt::format("another root of this producer is pinned, version {} in {}",
                                                   other.root.root.version, other.file.string()))
          .with_hint("newer roots arrive with bundles and need no pinning; where this one's keys are lost or stolen, "
                     "`airlock trust remove` ends it first");
    }
  }
  check_for_pinning(pinned, policy);
  base::make_directories(home.pinned_roots());
  base::write_file_atomic(pinned.file, bytes, 0444);
  return pinned;
}

}  // namespace airlock::workflow
