// Names that differ only in case, or in how their letters are composed: where they are one, and how they are compared.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace airlock::model {

// True where clients, or the file systems that they write to, take names that differ only in case for one
// (docs/formats/bundle.md, Catalog). What is composed differently (é in one character or in two) is one name
// everywhere.
bool folds_case(std::string_view ecosystem);

// The same text for all names that differ only in case or composition: Unicode's full case folding, composed (NFC).
// What is no UTF-8 comes back as it is. At most eight times as long as `name`; the time grows with the square of its
// longest row of marks.
std::string fold_name(std::string_view name);

// True where `name` is as Unicode composes it (NFC), or no UTF-8. Two different names that are differ in more than
// that.
bool is_composed(std::string_view name);

// How many combining marks (accents that stand on the letter before them) follow each other at most.
std::size_t longest_mark_row(std::string_view name);

}  // namespace airlock::model
