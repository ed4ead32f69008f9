// A home, and the machines of people who hold keys.
#pragma once

#include <memory>
#include <string>

#include "base/files.hpp"
#include "support/catch.hpp"
#include "workflow/key_pair_files.hpp"
#include "workflow/keys.hpp"
#include "workflow/root_change.hpp"

namespace airlock::test {

class Keyholders {
 public:
  // `split`: root's keys lie in safe(), away from the home.
  explicit Keyholders(std::uint64_t threshold = 1, bool split = false) {
    workflow::init_keys(home, {.threshold = threshold, .root_key_folder = split ? safe() : std::filesystem::path()},
                        clock);
  }

  std::filesystem::path at(const std::string& name) const { return folder.path() / name; }
  std::filesystem::path safe() const { return at("safe"); }

  // A key pair of somebody's own.
  trust::PublicKeyFile person(const std::string& name, const std::string& role) const {
    workflow::make_key_pair({.role = role, .name = name, .private_key = at(name + ".pem")});
    return workflow::read_public_key(at(name + ".pub.json"));
  }
  std::unique_ptr<trust::Signer> open(const std::filesystem::path& file) const {
    return trust::load_private_key(file, std::nullopt);
  }

  workflow::RootProgress change(const workflow::RootChange& what, const workflow::RootAccess& access = {}) const {
    return workflow::change_root(home, what, access, clock);
  }
  trust::Root root() const { return workflow::parse_own_root(workflow::read_own_roots(home).back()); }
  std::string only_key(const std::string& role) const { return root().roles.at(role).keyids.front(); }
  std::size_t signers(const std::string& role) const {
    const workflow::KeyRing ring(home, std::nullopt);
    const auto set = ring.signing_set();
    const auto found = set.signers.find(role);
    return found == set.signers.end() ? 0 : found->second.size();
  }
  // The chain as a site walks it, from the first root.
  std::uint64_t walked_version() const {
    const auto roots = workflow::read_own_roots(home);
    trust::Root at_hand = trust::check_pinnable(roots.front(), {}).root;
    for (std::size_t i = 1; i < roots.size(); ++i) {
      at_hand = trust::verify_next_root(workflow::parse_own_root_file(roots[i]), at_hand);
    }
    return at_hand.version;
  }
  // What a holder does on a machine of his own with the folder that was carried to him.
  std::filesystem::path sign_elsewhere(const std::filesystem::path& key, const std::string& name) const {
    const std::filesystem::path carried = at("carried-" + name);
    std::filesystem::copy(home.keys() / "pending", carried, std::filesystem::copy_options::recursive);
    const auto to_sign = workflow::read_root_to_sign(carried / workflow::pending_root(home)->root.filename(), {});
    CHECK(to_sign.before);
    base::write_file_atomic(at(name), trust::to_text(workflow::sign_root(to_sign, *open(key))));
    return at(name);
  }

  base::TempDir folder;
  workflow::Home home{.root = folder.path() / "home", .config = folder.path() / "home"};
  base::FixedClock clock{base::parse_rfc3339("2026-07-01T12:00:00Z")};
};

}  // namespace airlock::test
