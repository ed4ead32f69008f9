// Whose signatures a manifest takes for a provider. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "ecosystem/terraform/provider.hpp"

namespace airlock::ecosystem::terraform {

class Signers {
 public:
  // Each "[HOST/]NAMESPACE[/TYPE] FINGERPRINT". Throws manifest at `position`.
  Signers(const std::vector<std::string>& texts, const base::SourcePosition& position);

  // Fingerprints, one of which must have signed; empty: whoever the registry names.
  std::vector<std::string> of(const Provider& provider) const;

 private:
  struct Pin {
    std::string host, namespace_, type;  // empty: any
    std::string fingerprint;
  };
  std::vector<Pin> m_pins;
};

}  // namespace airlock::ecosystem::terraform
