// How a row's bytes are had, from its `origin` alone.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ecosystem/ecosystem.hpp"
#include "ecosystem/oci/layout_files.hpp"
#include "ecosystem/oci/registries.hpp"
#include "ecosystem/oci/source.hpp"

namespace airlock::ecosystem::oci {

// "https://HOST/v2/REPO/blobs/DIGEST" or ".../manifests/DIGEST", taken apart.
struct RegistryOrigin {
  std::string host;  // with its port
  std::string repository;
  Source::Part part = Source::Part::blobs;
  base::Digest digest;
  PlainHttp plain = PlainHttp::no;
};
std::optional<RegistryOrigin> parse_registry_origin(std::string_view origin);

// `registry` outlives the result. `length`: of the whole, where it is known.
std::unique_ptr<Fetchable> registry_fetchable(const Registries::Registry& registry, const RegistryOrigin& origin,
                                              std::optional<std::uint64_t> length);
std::unique_ptr<Fetchable> slice_fetchable(base::FileSlice slice, std::string name);

}  // namespace airlock::ecosystem::oci
