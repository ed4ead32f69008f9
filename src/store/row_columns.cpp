#include "store/row_columns.hpp"

#include <limits>
#include <string>

#include <fmt/format.h>

#include "base/error.hpp"

namespace airlock::store {

using base::Digest;
using base::Error;
using base::ErrorCode;

std::int64_t to_integer(std::uint64_t number) {
  if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    throw Error(ErrorCode::limit, fmt::format("the number {} is too large to be stored", number));
  }
  return static_cast<std::int64_t>(number);
}

void bind_digest(base::Statement& statement, int index, const Digest& sha256) {
  if (sha256.algorithm() != base::HashAlgorithm::sha256) {
    throw Error(ErrorCode::internal, "a blob is known by its SHA-256 only");
  }
  statement.bind_blob(index, std::as_bytes(sha256.bytes()));
}

Digest read_digest(const base::Statement& statement, int column) {
  const std::string bytes = statement.blob(column);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes of one kind seen as bytes of another
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  return Digest(base::HashAlgorithm::sha256, std::span(data, bytes.size()));
}

void bind_row(base::Statement& statement, int first, const model::FileRow& row) {
  statement.bind(first, std::string_view(row.ecosystem))
      .bind(first + 1, std::string_view(row.path))
      .bind(first + 2, std::string_view(row.artifact))
      .bind(first + 3, model::to_string(row.kind))
      .bind(first + 4, std::string_view(row.media_type))
      .bind(first + 5, std::string_view(row.platform))
      .bind(first + 6, std::string_view(row.origin))
      .bind(first + 7, std::string_view(row.pin))
      .bind(first + 8, model::to_string(row.verified));
  if (row.length) {
    statement.bind(first + 9, to_integer(*row.length));
  } else {
    statement.bind_null(first + 9);
  }
  if (row.sha256) {
    bind_digest(statement, first + 10, *row.sha256);
  } else {
    statement.bind_null(first + 10);
  }
}

void read_row(const base::Statement& statement, int first, model::FileRow& row) {
  row.ecosystem = statement.text(first);
  row.path = statement.text(first + 1);
  row.artifact = statement.text(first + 2);
  row.kind = model::parse_kind(statement.text(first + 3));
  row.media_type = statement.text(first + 4);
  row.platform = statement.text(first + 5);
  row.origin = statement.text(first + 6);
  row.pin = statement.text(first + 7);
  row.verified = model::parse_verified(statement.text(first + 8));
  row.length.reset();
  row.sha256.reset();
  if (!statement.is_null(first + 9)) {
    row.length = static_cast<std::uint64_t>(statement.number(first + 9));
  }
  if (!statement.is_null(first + 10)) {
    row.sha256 = read_digest(statement, first + 10);
  }
}

}  // namespace airlock::store
