#include "ecosystem/terraform/signers.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "ecosystem/openpgp.hpp"

namespace airlock::ecosystem::terraform {

using base::Error;
using base::ErrorCode;

Signers::Signers(const std::vector<std::string>& texts, const base::SourcePosition& position) {
  for (const std::string& text : texts) {
    const std::string_view trimmed = base::trim(text);
    const std::size_t space = std::min(trimmed.find(' '), trimmed.size());
    const auto fingerprint = parse_fingerprint(trimmed.substr(space));
    auto parts = base::split(base::to_lower(trimmed.substr(0, space)), '/');
    Pin pin;
    if (parts.size() > 1 && parts.front().find('.') != std::string::npos) {
      pin.host = parts.front();
      parts.erase(parts.begin());
    }
    if (!fingerprint || parts.empty() || parts.size() > 2 || parts.front().empty()) {
      throw Error(ErrorCode::manifest, fmt::format("'{}' names no signer", base::printable(text, 200)))
          .at(position)
          .with_hint(
              "[HOST/]NAMESPACE[/TYPE] and, after a space, the whole OpenPGP fingerprint (40 hexadecimal digits)");
    }
    pin.namespace_ = parts.front();
    pin.type = parts.size() == 2 ? parts.back() : std::string();
    pin.fingerprint = *fingerprint;
    m_pins.push_back(std::move(pin));
  }
}

std::vector<std::string> Signers::of(const Provider& provider) const {
  std::vector<std::string> fingerprints;
  for (const Pin& pin : m_pins) {
    if ((pin.host.empty() || pin.host == provider.host) && pin.namespace_ == provider.namespace_ &&
        (pin.type.empty() || pin.type == provider.type)) {
      fingerprints.push_back(pin.fingerprint);
    }
  }
  return fingerprints;
}

}  // namespace airlock::ecosystem::terraform
