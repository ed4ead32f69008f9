// Names that differ only in case: for which ecosystems they are one, and how they are compared.
#pragma once

#include <string>
#include <string_view>

namespace airlock::model {

// True where clients, or the file systems that they write to, take names that differ only in case for one
// (docs/formats/bundle.md, Catalog).
bool folds_case(std::string_view ecosystem);
// `path` in lower case: ASCII, Latin, Greek, Cyrillic and Armenian letters.
std::string fold_case(std::string_view path);

}  // namespace airlock::model
