#include "ecosystem/oci/tags.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "model/version.hpp"

namespace airlock::ecosystem::oci {

std::vector<std::string> select_tags(const std::vector<std::string>& tags, std::string_view pattern,
                                     std::optional<std::uint64_t> newest) {
  std::vector<std::string> result;
  for (const std::string& tag : tags) {
    if (base::glob_match(pattern, tag) && (!is_referrers_tag(tag) || pattern.starts_with("sha"))) {
      result.push_back(tag);
    }
  }
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  if (!newest) {
    return result;
  }
  const bool flavours = pattern.find('-') != std::string_view::npos;
  std::vector<model::Version> versions;
  for (const std::string& tag : result) {
    if (std::optional<model::Version> version = model::Version::parse(tag);
        version && (flavours || !version->is_prerelease())) {
      versions.push_back(std::move(*version));
    }
  }
  // Stable over tags in byte order, so that "1.25" and "1.25.0" have a fixed order too.
  std::stable_sort(versions.begin(), versions.end(),
                   [](const model::Version& a, const model::Version& b) { return b < a; });
  result.clear();
  for (const model::Version& version : versions) {
    if (result.size() == *newest) {
      break;
    }
    result.push_back(version.text());
  }
  return result;
}

std::string referrers_tag(const base::Digest& subject) {
  // The schema cuts the encoded part at 64 characters, so that a sha512 digest fits a tag.
  return std::string(to_string(subject.algorithm())) + "-" + subject.hex().substr(0, 64);
}

bool is_referrers_tag(std::string_view tag) {
  if (!tag.starts_with("sha256-") && !tag.starts_with("sha512-")) {
    return false;
  }
  const std::string_view hex = tag.substr(7, 64);
  return base::Digest::is_sha256_hex(hex) && (tag.size() == 71 || tag[71] == '.');
}

}  // namespace airlock::ecosystem::oci
