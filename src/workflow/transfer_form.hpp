// What a person signs who lets a medium pass: the inspection of a bundle, as text and as a page.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "bundle/head.hpp"

namespace airlock::workflow {

struct TransferForm {
  std::string text;
  std::string html;
};

// With what changed since `before`, where there is one; `names` of people by keyid.
TransferForm make_transfer_form(const bundle::Head& head, const std::optional<bundle::Head>& before,
                                const std::map<std::string, std::string>& names, base::Time now);

}  // namespace airlock::workflow
