// A lock that parses prints to what it was read from, and is sorted.
#include <algorithm>

#include "base/error.hpp"
#include "fuzz_target.hpp"
#include "model/lock.hpp"

using namespace airlock;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  model::Lock lock;
  try {
    lock = model::Lock::parse(fuzz::as_text(data, size), "input");
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::lock || error.code() == base::ErrorCode::limit,
                  "every refusal is a mistake in the lock");
    return 0;
  }
  fuzz::require(std::is_sorted(lock.rows.begin(), lock.rows.end(), model::row_before), "rows are sorted");
  const std::string text = lock.to_text();
  const model::Lock again = model::Lock::parse(text, "output");
  fuzz::require(again.to_text() == text && again.rows == lock.rows, "a lock prints and parses to itself");
  return 0;
}
