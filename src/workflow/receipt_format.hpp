// What writing and reading of receipts share (docs/formats/receipt.md).
#pragma once

#include <string_view>

namespace airlock::workflow {

inline constexpr int k_receipt_format = 1;
inline constexpr std::string_view k_receipt_kind = "airlock-receipt";
inline constexpr std::string_view k_need_kind = "airlock-need";

}  // namespace airlock::workflow
