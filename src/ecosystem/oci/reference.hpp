// Image references as people write them, and how each is spelled in rows and in the mirror's URLs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/digest.hpp"

namespace airlock::ecosystem::oci {

inline constexpr std::string_view k_docker_hub = "docker.io";

// HOST/REPOSITORY[:TAG][@DIGEST]. Short names are Docker Hub's, as with docker: "nginx" is
// "docker.io/library/nginx". The host is lower case and may carry a port.
struct Reference {
  std::string host;                    // "docker.io", "registry.example:5000", "[::1]:5000"
  std::string repository;              // "library/debian"; distribution-spec 1.1, "Pulling manifests": <name>
  std::string tag;                     // empty where none is given
  std::optional<base::Digest> digest;  // sha256 or sha512

  std::string name() const;       // "HOST/REPOSITORY"
  std::string to_string() const;  // with tag and digest where they are there
  bool operator==(const Reference&) const = default;
};

// Throws malformed, with a hint where the mistake is a common one. "docker://" and "oci://" in front are
// passed over.
Reference parse_reference(std::string_view text);

// distribution-spec 1.1, "Pulling manifests": the grammars of <name> and of <reference> as a tag.
bool is_repository(std::string_view text);
bool is_tag(std::string_view text);
// A digest of a kind that content here may be known by (sha256, sha512); nullopt otherwise.
std::optional<base::Digest> parse_content_digest(std::string_view text);

// A host as one path component of the mirror: "registry.example:5000" is "registry.example_5000",
// "[fd00::1]:5000" is "ip6-fd00--1_5000". `host_from_path` is the way back.
std::string host_to_path(std::string_view host);
std::string host_from_path(std::string_view component);
// Whether the first component of a reference is a host rather than a namespace of Docker Hub: it has a dot or
// a port, or is "localhost".
bool looks_like_host(std::string_view component);
// "localhost", 127.0.0.0/8 and ::1, with or without a port; such a registry may speak plain HTTP, as with
// docker.
bool is_loopback(std::string_view host);

}  // namespace airlock::ecosystem::oci
