#include "output/table.h"

#include <algorithm>

#include "base/check.h"

namespace quorate::output {
namespace {

constexpr std::size_t kCellWidth = 30;  // a longer cell is broken where it has spaces

using Lines = std::vector<std::string>;

Lines Wrap(const std::string& cell) {
  if (cell.size() <= kCellWidth) return {cell};
  Lines lines = {""};
  std::size_t begin = 0;
  while (begin < cell.size()) {
    const std::size_t end = std::min(cell.find(' ', begin), cell.size());
    const std::string word = cell.substr(begin, end - begin);
    begin = end + 1;
    if (word.empty()) continue;
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > kCellWidth) {
      lines.emplace_back();
    }
    lines.back() += (lines.back().empty() ? "" : " ") + word;
  }
  return lines;
}

std::string Capitals(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return text;
}

std::string Rule(const std::vector<std::size_t>& widths) {
  std::string out = "+";
  for (const std::size_t width : widths) out += std::string(width + 2, '-') + "+";
  return out + "\n";
}

std::string Spaces(std::size_t count) {
  return std::string(count, ' ');
}

}  // namespace

std::string RenderTable(const std::vector<std::string>& headings,
                        const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& heading : headings) widths.push_back(heading.size());
  std::vector<std::vector<Lines>> wrapped;
  for (const auto& row : rows) {
    CHECK(row.size() == headings.size());
    auto& cells = wrapped.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i) {
      cells.push_back(Wrap(row[i]));
      for (const auto& line : cells.back()) widths[i] = std::max(widths[i], line.size());
    }
  }
  std::string out = Rule(widths) + "|";
  for (std::size_t i = 0; i < headings.size(); ++i) {
    const std::size_t gap = widths[i] - headings[i].size();
    out += " " + Spaces(gap / 2) + Capitals(headings[i]) + Spaces(gap - gap / 2) + " |";
  }
  out += "\n" + Rule(widths);
  for (const auto& cells : wrapped) {
    std::size_t height = 1;
    for (const auto& lines : cells) height = std::max(height, lines.size());
    for (std::size_t line = 0; line < height; ++line) {
      out += "|";
      for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string text = line < cells[i].size() ? cells[i][line] : "";
        out += " " + Spaces(widths[i] - text.size()) + text + " |";
      }
      out += "\n";
    }
  }
  return out + Rule(widths);
}

}  // namespace quorate::output
