// How the documents of a bundle are written and read: one text for one value. A document is accepted only when writing
// what was read from it gives the same bytes again, so nothing unknown and no second spelling can hide in one.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/json.hpp"

namespace airlock::bundle {

using OrderedJson = nlohmann::ordered_json;  // members stand as they were added: what people look for comes first

std::string document_text(const OrderedJson& value);  // indented, with a line end

// Throws tampered naming `name`.
[[noreturn]] void refuse_document(std::string_view name, const std::string& why);

// Reads a document of this format; a wrong shape becomes tampered, a newer format unsupported. `to_text` must give
// `text` again for what `read` returns.
template <typename Read>
auto read_document(std::string_view text, std::string_view name, Read&& read) {
  try {
    auto value = std::forward<Read>(read)(text);
    if (to_text(value) != text) {
      refuse_document(name, "it is not written as airlock writes it");
    }
    return value;
  } catch (const base::Error& error) {
    if (error.code() != base::ErrorCode::malformed && error.code() != base::ErrorCode::limit) {
      throw;
    }
    refuse_document(name, error.message());
  }
}

// The object in `text`, its member "format" checked.
base::Json parse_document(std::string_view text, std::string_view name);

}  // namespace airlock::bundle
