// What changed between two locks.
#include "model/lock.hpp"

namespace airlock::model {

std::vector<LockChange> diff(const Lock& before, const Lock& after) {
  std::vector<LockChange> changes;
  auto a = before.rows.begin();
  auto b = after.rows.begin();
  while (a != before.rows.end() || b != after.rows.end()) {
    if (b == after.rows.end() || (a != before.rows.end() && row_before(*a, *b))) {
      changes.push_back({.what = LockChange::What::removed, .before = *a++, .after = {}});
    } else if (a == before.rows.end() || row_before(*b, *a)) {
      changes.push_back({.what = LockChange::What::added, .before = {}, .after = *b++});
    } else {
      if (!(*a == *b)) {
        changes.push_back({.what = LockChange::What::changed, .before = *a, .after = *b});
      }
      ++a;
      ++b;
    }
  }
  return changes;
}

}  // namespace airlock::model
