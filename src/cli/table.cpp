#include "cli/table.hpp"

#include <algorithm>

namespace airlock::cli {

namespace {

// Cells may hold UTF-8; its continuation bytes take no column.
std::size_t columns(const std::string& cell) {
  return static_cast<std::size_t>(std::count_if(
      cell.begin(), cell.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0) != 0x80; }));
}

}  // namespace

std::string Table::text() const {
  if (m_rows.empty()) {
    return "";
  }
  std::vector<std::size_t> widths;
  const auto measure = [&widths](const std::vector<std::string>& row) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], columns(row[i]));
    }
  };
  measure(m_header);
  for (const auto& row : m_rows) {
    measure(row);
  }
  std::string text;
  const auto print = [&](const std::vector<std::string>& row) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) {
        text.append(widths[i] - columns(row[i]) + 2, ' ');
      }
    }
    text += '\n';
  };
  print(m_header);
  for (const auto& row : m_rows) {
    print(row);
  }
  return text;
}

}  // namespace airlock::cli
