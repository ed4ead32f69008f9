#include "workflow/changed_upstream.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;

// What is read at most only to name a digest.
constexpr std::uint64_t k_read_limit = 1u << 30;  // bytes

// The client's words for a length that does not fit.
bool is_about_length(const Error& error) {
  return error.code() == ErrorCode::upstream && error.message().find(" bytes") != std::string::npos;
}

}  // namespace

std::string name_of(const model::FileRow& row) {
  return fmt::format("{} {}", row.ecosystem, base::printable(row.path, 200));
}

std::string origin_of(const model::FileRow& row) {
  return row.origin.empty() ? "an unknown place" : base::printable(row.origin, 300);
}

Error changed_upstream(const model::FileRow& row, const std::string& difference, DigestsFrom from) {
  Error error(ErrorCode::tampered,
              fmt::format("{} from {} is not what {}: {}", name_of(row), origin_of(row),
                          from == DigestsFrom::given_lock ? "the lock says" : "was resolved", difference));
  if (from == DigestsFrom::given_lock) {
    return std::move(error).with_hint("the tag or file changed upstream since the lock was made, or something on the "
                                      "way rewrites it; find out which, "
                                      "and accept a real change with `airlock bundle lock`");
  }
  return std::move(error).with_hint("it changed upstream since it was resolved, or something on the way rewrites it; "
                                    "find out which, and resolve anew "
                                    "with --restart");
}

void CheckedUpstream::fetch(std::uint64_t offset, std::optional<std::uint64_t> length, base::ByteSink& sink) {
  try {
    m_inner->fetch(offset, length, sink);
  } catch (const Error& error) {
    if (m_row.sha256 && m_row.length && is_about_length(error)) {
      explain(error);
    }
    throw;
  }
}

// Throws changed_upstream when the whole content, whatever its length, has another digest; returns otherwise.
void CheckedUpstream::explain(const Error& failure) const {
  model::FileRow row = m_row;
  row.length.reset();
  base::NullSink nothing;
  base::HashingSink hashing(nothing);
  std::uint64_t left = k_read_limit;
  base::FunctionSink limited([&](std::span<const std::byte> data) {
    if (data.size() > left) {
      throw changed_upstream(m_row, fmt::format("expected sha256:{}, {}", m_row.sha256->hex(), failure.message()),
                             m_from);
    }
    left -= data.size();
    hashing.write(data);
  });
  try {
    m_make(row)->fetch(0, std::nullopt, limited);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::tampered) {
      throw;
    }
    return;
  }
  const base::Digest found = hashing.finish();
  if (found != *m_row.sha256) {
    throw changed_upstream(m_row, fmt::format("expected sha256:{}, found sha256:{}", m_row.sha256->hex(), found.hex()),
                           m_from);
  }
}

}  // namespace airlock::workflow
