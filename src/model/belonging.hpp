// Whether a row's path is one of the artifact that it is said to be of. Each ecosystem knows for itself
// (Ecosystem::belongs); people approve names, and clients ask for paths.
#pragma once

#include <functional>

#include "model/file_row.hpp"

namespace airlock::model {

enum class Belonging {
  no,      // no such artifact has that path
  named,   // the artifact's name tells the path: whoever agreed to the one knows the other
  beside,  // it lies where that artifact's files lie, under a name of its own that an approver has to be shown
};

using BelongingRule = std::function<Belonging(const FileRow&)>;

}  // namespace airlock::model
