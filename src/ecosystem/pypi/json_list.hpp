// A large JSON object of which one list holds nearly everything: its items one by one, so that no tree of the whole is
// made. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace airlock::ecosystem::pypi {

struct SplitJson {
  std::string rest;                     // the text with that list empty
  std::vector<std::string_view> items;  // texts inside it, each the length of a balanced value; not checked further
};

// Takes the items of the list that is member `key` of the outermost object out of `text`. Where there is none, or it
// is written in an unusual way, `items` is empty and `rest` is the whole text. The parts are for a strict reader: what
// was no JSON is none in parts either.
SplitJson split_json_list(std::string_view text, std::string_view key);

}  // namespace airlock::ecosystem::pypi
