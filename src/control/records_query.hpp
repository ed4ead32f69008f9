// How the files of Records bind and read values.
#pragma once

#include "base/bytes.hpp"
#include "control/records.hpp"

namespace airlock::control {

class Records::Query {
 public:
  explicit Query(base::Statement& statement) : m_statement(statement) {}

  Query& text(std::string_view value) {
    m_statement->bind(++m_bound, value);
    return *this;
  }
  Query& number(std::uint64_t value) {
    m_statement->bind(++m_bound, static_cast<std::int64_t>(value));
    return *this;
  }
  Query& time(base::Time value) {
    m_statement->bind(++m_bound, static_cast<std::int64_t>(value.time_since_epoch().count()));
    return *this;
  }
  Query& bytes(std::string_view value) {
    m_statement->bind_blob(++m_bound, base::as_bytes(value));
    return *this;
  }
  Query& maybe(const std::optional<std::string>& value) { return value ? text(*value) : null(); }
  Query& maybe(const std::optional<std::uint64_t>& value) { return value ? number(*value) : null(); }
  Query& maybe(const std::optional<base::Time>& value) { return value ? time(*value) : null(); }
  Query& null() {
    m_statement->bind_null(++m_bound);
    return *this;
  }

  bool step() {
    m_read = 0;
    return m_statement->step();
  }
  void run() {
    while (m_statement->step()) {
    }
  }

  // The columns of the row, from the left.
  std::string text() { return m_statement->text(m_read++); }
  std::string bytes() { return m_statement->blob(m_read++); }
  std::uint64_t number() { return static_cast<std::uint64_t>(m_statement->number(m_read++)); }
  base::Time time() { return base::Time(std::chrono::seconds(m_statement->number(m_read++))); }
  std::optional<std::string> text_or_null() {
    return m_statement->is_null(m_read) ? (++m_read, std::nullopt) : std::optional(text());
  }
  std::optional<std::uint64_t> number_or_null() {
    return m_statement->is_null(m_read) ? (++m_read, std::nullopt) : std::optional(number());
  }
  std::optional<base::Time> time_or_null() {
    return m_statement->is_null(m_read) ? (++m_read, std::nullopt) : std::optional(time());
  }

 private:
  base::RunningStatement m_statement;
  int m_bound = 0;
  int m_read = 0;
};

}  // namespace airlock::control
