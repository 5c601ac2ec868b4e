#include "api/values.h"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>

namespace quorate::api {
namespace {

using Days = std::chrono::sys_days;

struct Suffix {
  std::string_view text;
  long double factor;
};

constexpr std::array kSuffixes = {
    Suffix{"Ki", 1024.0L},
    Suffix{"Mi", 1048576.0L},
    Suffix{"Gi", 1073741824.0L},
    Suffix{"Ti", 1099511627776.0L},
    Suffix{"Pi", 1125899906842624.0L},
    Suffix{"Ei", 1152921504606846976.0L},
    Suffix{"m", 1e-3L},
    Suffix{"", 1.0L},
    Suffix{"k", 1e3L},
    Suffix{"M", 1e6L},
    Suffix{"G", 1e9L},
    Suffix{"T", 1e12L},
    Suffix{"P", 1e15L},
    Suffix{"E", 1e18L},
};

bool IsDigit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

// Takes a fixed number of digits off the front.
std::optional<int> TakeDigits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int number = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!IsDigit(text[i])) return std::nullopt;
    number = number * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return number;
}

bool TakeChar(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::chrono::seconds> TakeOffset(std::string_view& text) {
  if (TakeChar(text, 'Z') || TakeChar(text, 'z')) return std::chrono::seconds(0);
  const bool minus = !text.empty() && text.front() == '-';
  if (!minus && (text.empty() || text.front() != '+')) return std::nullopt;
  text.remove_prefix(1);
  const auto hours = TakeDigits(text, 2);
  if (!hours || !TakeChar(text, ':')) return std::nullopt;
  const auto minutes = TakeDigits(text, 2);
  if (!minutes) return std::nullopt;
  const std::chrono::seconds offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return minus ? -offset : offset;
}

std::string TwoDigits(long number) {
  std::string text = std::to_string(number);
  return text.size() < 2 ? "0" + text : text;
}

}  // namespace

std::optional<std::int64_t> Quantity::Units() const {
  std::size_t end = 0;
  bool digits = false;
  bool point = false;
  long double number = 0;
  long double place = 1;
  for (; end < text.size(); ++end) {
    if (text[end] == '.' && !point) {
      point = true;
    } else if (IsDigit(text[end])) {
      digits = true;
      if (point) place /= 10;
      number = point ? number + place * static_cast<long double>(text[end] - '0')
                     : number * 10 + static_cast<long double>(text[end] - '0');
    } else {
      break;
    }
  }
  if (!digits) return std::nullopt;
  const std::string_view suffix = std::string_view(text).substr(end);
  for (const Suffix& known : kSuffixes) {
    if (known.text != suffix) continue;
    const long double value = std::ceil(number * known.factor - 1e-9L);
    if (value > static_cast<long double>(std::numeric_limits<std::int64_t>::max() / 2)) {
      return std::nullopt;
    }
    return static_cast<std::int64_t>(value);
  }
  return std::nullopt;
}

std::string FormatTime(Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::string year = std::to_string(static_cast<int>(date.year()));
  year.insert(0, year.size() < 4 ? 4 - year.size() : 0, '0');
  return year + "-" + TwoDigits(static_cast<unsigned>(date.month())) + "-" +
         TwoDigits(static_cast<unsigned>(date.day())) + "T" + TwoDigits(clock.hours().count()) +
         ":" + TwoDigits(clock.minutes().count()) + ":" + TwoDigits(clock.seconds().count()) + "Z";
}

std::optional<Time> ParseTime(std::string_view text) {
  const auto year = TakeDigits(text, 4);
  if (!year || !TakeChar(text, '-')) return std::nullopt;
  const auto month = TakeDigits(text, 2);
  if (!month || !TakeChar(text, '-')) return std::nullopt;
  const auto day = TakeDigits(text, 2);
  if (!day || (!TakeChar(text, 'T') && !TakeChar(text, 't'))) return std::nullopt;
  const auto hour = TakeDigits(text, 2);
  if (!hour || !TakeChar(text, ':')) return std::nullopt;
  const auto minute = TakeDigits(text, 2);
  if (!minute || !TakeChar(text, ':')) return std::nullopt;
  const auto second = TakeDigits(text, 2);
  if (!second) return std::nullopt;
  if (TakeChar(text, '.')) {
    while (!text.empty() && IsDigit(text.front())) text.remove_prefix(1);
  }
  const auto offset = TakeOffset(text);
  if (!offset || !text.empty()) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return Days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second) - *offset;
}

std::string FormatDuration(Duration duration) {
  if (duration < Duration(0)) return "-" + FormatDuration(-duration);
  std::int64_t rest = duration.count();
  std::string text;
  const auto take = [&](std::int64_t unit, std::string_view name) {
    if (rest < unit) return;
    text += std::to_string(rest / unit);
    text += name;
    rest %= unit;
  };
  take(3600'000, "h");
  take(60'000, "m");
  take(1'000, "s");
  take(1, "ms");
  return text.empty() ? "0s" : text;
}

std::optional<Duration> ParseDuration(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, long double>, 7> kUnits = {{{"ms", 1.0L},
                                                                               {"us", 1e-3L},
                                                                               {"µs", 1e-3L},
                                                                               {"ns", 1e-6L},
                                                                               {"h", 3600e3L},
                                                                               {"m", 60e3L},
                                                                               {"s", 1e3L}}};
  if (text == "0") return Duration(0);
  if (text.empty()) return std::nullopt;
  long double total = 0;
  while (!text.empty()) {
    std::size_t end = 0;
    while (end < text.size() && (IsDigit(text[end]) || text[end] == '.')) ++end;
    double number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + end, number);
    if (end == 0 || parsed.ec != std::errc() || parsed.ptr != text.data() + end) {
      return std::nullopt;
    }
    text.remove_prefix(end);
    long double unit = 0;
    for (const auto& [name, factor] : kUnits) {
      if (!text.starts_with(name)) continue;
      unit = factor;
      text.remove_prefix(name.size());
      break;
    }
    if (unit == 0) return std::nullopt;
    total += static_cast<long double>(number) * unit;
  }
  if (total > 1e15L) return std::nullopt;
  return Duration(static_cast<std::int64_t>(total + 1e-9L));
}

}  // namespace quorate::api
