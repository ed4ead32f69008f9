#include "ecosystem/oci/platform_choice.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::ecosystem::oci {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::string_view k_attested_digest = "vnd.docker.reference.digest";

// BuildKit gives what runs nowhere the platform unknown/unknown.
bool has_platform(const Descriptor& child) {
  return child.platform && !child.platform->os.empty() && child.platform->os != "unknown";
}

const std::string* attested_child(const Descriptor& child) {
  const auto found = child.annotations.find(std::string(k_attested_digest));
  return has_platform(child) || found == child.annotations.end() ? nullptr : &found->second;
}

std::string platform_text(const Descriptor& child) {
  return has_platform(child) ? child.platform->to_string() : "";
}

std::set<std::string> platforms_of(const Manifest& index) {
  std::set<std::string> result;
  for (const Descriptor& child : index.children) {
    if (has_platform(child)) {
      result.insert(platform_text(child));
    }
  }
  return result;
}

Error no_such_platform(const model::Platform& wish, const std::set<std::string>& available, std::string_view name) {
  std::vector<std::string> shown;
  for (const std::string& platform : available) {
    shown.push_back(base::printable(platform, 40));
  }
  return Error(ErrorCode::not_found, fmt::format("{} has nothing for {}; there is {}", name, wish.to_string(),
                                                 base::printable(base::join(shown, ", "), 1000)))
      .with_hint("set 'platforms' of this entry to what the image has");
}

void require_each_wish(const Manifest& index, const std::vector<model::Platform>& wishes,
                       const std::set<std::string>& available, std::string_view name) {
  for (const model::Platform& wish : wishes) {
    const bool served = std::any_of(index.children.begin(), index.children.end(), [&](const Descriptor& child) {
      return has_platform(child) && wish.accepts(*child.platform);
    });
    if (!served) {
      throw no_such_platform(wish, available, name);
    }
  }
}

}  // namespace

PlatformChoice choose_children(const Manifest& index, const std::vector<model::Platform>& wishes,
                               Attestations attestations, std::string_view name) {
  const std::set<std::string> available = platforms_of(index);
  const bool everything = wishes.empty() || available.size() <= 1;
  if (!everything) {
    require_each_wish(index, wishes, available, name);
  }
  std::map<std::string, std::string> platform_of;  // by digest, of what is not an attestation
  std::set<std::string> taken_digests;
  const auto wanted = [&](const Descriptor& child) {
    return everything || !has_platform(child) ||
           std::any_of(wishes.begin(), wishes.end(),
                       [&](const model::Platform& wish) { return wish.accepts(*child.platform); });
  };
  PlatformChoice result;
  for (const Descriptor& child : index.children) {
    if (attested_child(child) == nullptr) {
      platform_of[child.digest.to_string()] = platform_text(child);
      (wanted(child) ? result.taken : result.left).push_back({&child, platform_text(child), false});
      if (wanted(child)) {
        taken_digests.insert(child.digest.to_string());
      }
    }
  }
  for (const Descriptor& child : index.children) {
    if (const std::string* subject = attested_child(child)) {
      const bool take = attestations == Attestations::take && taken_digests.contains(*subject);
      (take ? result.taken : result.left).push_back({&child, platform_of[*subject], true});
    }
  }
  return result;
}

}  // namespace airlock::ecosystem::oci
