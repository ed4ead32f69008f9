// Columns of text for a person.
#pragma once

#include <string>
#include <vector>

namespace airlock::cli {

class Table {
 public:
  explicit Table(std::vector<std::string> header) : m_header(std::move(header)) {}
  void add(std::vector<std::string> row) { m_rows.push_back(std::move(row)); }
  bool empty() const { return m_rows.empty(); }
  // Cells are taken as printable; the last column is not padded. Ends with a line break; "" for a table without rows.
  std::string text() const;

 private:
  std::vector<std::string> m_header;
  std::vector<std::vector<std::string>> m_rows;
};

}  // namespace airlock::cli
