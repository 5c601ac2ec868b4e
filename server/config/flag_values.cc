#include "config/flag_values.h"

#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace quorate::config {
namespace {

Error Bad(std::string text) {
  return Error{Code::kInvalidArgument, std::move(text)};
}

template <typename Number>
Result<Number> ParseNumber(std::string_view text, const char* what) {
  Number number{};
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) {
    return Bad(std::string("expected ") + what);
  }
  return number;
}

// The unit at the front of text, longest first; its length in nanoseconds.
std::pair<std::string_view, double> UnitAt(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, double>, 6> kUnits = {
      {{"ms", 1e6}, {"us", 1e3}, {"ns", 1.0}, {"h", 3.6e12}, {"m", 6e10}, {"s", 1e9}}};
  for (const auto& [name, length] : kUnits) {
    if (text.starts_with(name)) return {name, length};
  }
  return {"", 0.0};
}

}  // namespace

Result<bool> ParseBool(std::string_view text) {
  for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (text == yes) return true;
  }
  for (const char* no : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (text == no) return false;
  }
  return Bad("expected true or false");
}

Result<std::uint64_t> ParseUnsigned(std::string_view text) {
  return ParseNumber<std::uint64_t>(text, "a whole number, not negative");
}

Result<std::int64_t> ParseSigned(std::string_view text) {
  return ParseNumber<std::int64_t>(text, "a whole number");
}

Result<std::chrono::nanoseconds> ParseDuration(std::string_view text) {
  constexpr const char* kExpected = "expected a duration such as 300ms, 10s, 1m30s or 2h";
  if (text == "0") return std::chrono::nanoseconds(0);
  if (text.empty()) return Bad(kExpected);
  double total = 0;
  while (!text.empty()) {
    double amount = 0;
    const auto parsed =
        std::from_chars(text.data(), text.data() + text.size(), amount, std::chars_format::fixed);
    if (parsed.ec != std::errc{} || amount < 0 || text.front() == '-') return Bad(kExpected);
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()));
    const auto [unit, length] = UnitAt(text);
    if (unit.empty()) return Bad(kExpected);
    text.remove_prefix(unit.size());
    total += amount * length;
  }
  if (total > 9.2e18) return Bad("the duration is too long (292 years at most)");
  return std::chrono::nanoseconds(static_cast<std::int64_t>(total));
}

std::vector<std::string> SplitCommas(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace quorate::config
