#include "backup/cron.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <vector>

namespace quorate::backup {
namespace {

using std::chrono::days;
using std::chrono::seconds;

constexpr auto kEveryMin = seconds(10);
constexpr auto kHorizon = days(3653);

struct FieldKind {
  std::string_view name;
  int min;
  int max;
  std::string_view words;  // three letters each, from min on; "": none
};

constexpr FieldKind kMinute{"minute", 0, 59, ""};
constexpr FieldKind kHour{"hour", 0, 23, ""};
constexpr FieldKind kDay{"day of month", 1, 31, ""};
constexpr FieldKind kMonth{"month", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"};
constexpr FieldKind kWeekday{"weekday", 0, 7, "SUNMONTUEWEDTHUFRISAT"};

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kNames = {
    {{"@yearly", "0 0 1 1 *"},
     {"@annually", "0 0 1 1 *"},
     {"@monthly", "0 0 1 * *"},
     {"@weekly", "0 0 * * 0"},
     {"@daily", "0 0 * * *"},
     {"@midnight", "0 0 * * *"},
     {"@hourly", "0 * * * *"}}};

Error Wrong(const FieldKind& kind, std::string_view text) {
  return {Code::kInvalidArgument, "schedule: " + std::string(kind.name) + " \"" +
                                      std::string(text) + "\" must be " + std::to_string(kind.min) +
                                      " to " + std::to_string(kind.max) +
                                      ", with lists (1,2), ranges (1-5) and steps (*/5)"};
}

std::vector<std::string_view> SplitAt(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::optional<int> ToNumber(std::string_view text) {
  if (text.empty() || text.size() > 4) return std::nullopt;
  int number = 0;
  for (const char c : text) {
    if (!std::isdigit(static_cast<unsigned char>(c))) return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

// A number, or one of the field's words.
std::optional<int> ToValue(const FieldKind& kind, std::string_view text) {
  if (const auto number = ToNumber(text)) {
    return *number >= kind.min && *number <= kind.max ? number : std::nullopt;
  }
  if (text.size() != 3) return std::nullopt;
  std::string word(text);
  for (char& c : word) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  for (std::size_t i = 0; i < kind.words.size(); i += 3) {
    if (kind.words.substr(i, 3) == word) return kind.min + static_cast<int>(i / 3);
  }
  return std::nullopt;
}

// One part of a list: "*", "*/5", "3", "1-5", "1-20/4", "3/10".
template <typename Set>
Status AddPart(const FieldKind& kind, std::string_view part, Set add) {
  const auto slash = part.find('/');
  const std::string_view span = part.substr(0, slash);
  int step = 1;
  if (slash != std::string_view::npos) {
    const auto number = ToNumber(part.substr(slash + 1));
    if (!number || *number < 1) return Wrong(kind, part);
    step = *number;
  }
  int first = kind.min;
  int last = kind.max;
  if (span != "*" && span != "?") {
    const auto dash = span.find('-');
    const auto from = ToValue(kind, span.substr(0, dash));
    const auto to = dash == std::string_view::npos ? from : ToValue(kind, span.substr(dash + 1));
    if (!from || !to || *from > *to) return Wrong(kind, part);
    first = *from;
    last = dash == std::string_view::npos && slash != std::string_view::npos ? kind.max : *to;
  }
  for (int value = first; value <= last; value += step) add(static_cast<std::size_t>(value));
  return {};
}

template <typename Set>
Status AddField(const FieldKind& kind, std::string_view field, Set add) {
  for (const std::string_view part : SplitAt(field, ',')) TRY(AddPart(kind, part, add));
  return {};
}

bool BeginsWithStar(std::string_view field) {
  return field.starts_with('*') || field == "?";
}

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  for (const std::string_view word : SplitAt(text, ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

}  // namespace

Result<Cron> Cron::Parse(std::string_view text) {
  std::vector<std::string_view> words = Words(text);
  Cron cron;
  if (words.size() == 2 && words[0] == "@every") {
    const auto period = api::ParseDuration(words[1]);
    if (!period || *period < kEveryMin) {
      return Error{Code::kInvalidArgument,
                   "schedule: @every takes a duration of at least 10s, such as @every 6h"};
    }
    cron.every_ = std::chrono::duration_cast<seconds>(*period);
    return cron;
  }
  if (words.size() == 1 && words[0].starts_with('@')) {
    const auto found = std::find_if(kNames.begin(), kNames.end(),
                                    [&](const auto& known) { return known.first == words[0]; });
    if (found == kNames.end()) {
      return Error{Code::kInvalidArgument,
                   "schedule: unknown name \"" + std::string(words[0]) +
                       "\"; use @yearly, @monthly, @weekly, @daily, @hourly or @every 6h"};
    }
    words = Words(found->second);
  }
  if (words.size() != 5) {
    return Error{Code::kInvalidArgument,
                 "schedule: want five fields (minute hour day month weekday), have " +
                     std::to_string(words.size())};
  }
  TRY(AddField(kMinute, words[0], [&](std::size_t v) { cron.minutes_.set(v); }));
  TRY(AddField(kHour, words[1], [&](std::size_t v) { cron.hours_.set(v); }));
  TRY(AddField(kDay, words[2], [&](std::size_t v) { cron.days_.set(v); }));
  TRY(AddField(kMonth, words[3], [&](std::size_t v) { cron.months_.set(v); }));
  TRY(AddField(kWeekday, words[4], [&](std::size_t v) { cron.weekdays_.set(v % 7); }));
  cron.any_hour_ = BeginsWithStar(words[1]);
  cron.any_day_ = BeginsWithStar(words[2]);
  cron.any_weekday_ = BeginsWithStar(words[4]);
  return cron;
}

std::optional<Time> Cron::Next(Time after, Time anchor, const TimeZone& zone) const {
  if (every_ > seconds(0)) {
    if (after < anchor) return anchor + every_;
    return anchor + ((after - anchor) / every_ + 1) * every_;
  }
  // A local day begins up to a day before its date in UTC, and a clock change may move a run out of
  // its own day.
  const auto first = std::chrono::floor<days>(zone.ToLocal(after)) - days(1);
  for (auto day = first; day < first + kHorizon; day += days(1)) {
    if (!IsDay(std::chrono::year_month_day(day))) continue;
    if (const auto found = FirstOfDay(day, after, zone)) return found;
  }
  return std::nullopt;
}

bool Cron::IsDay(std::chrono::year_month_day date) const {
  if (!months_.test(static_cast<unsigned>(date.month()))) return false;
  const bool day = days_.test(static_cast<unsigned>(date.day()));
  const bool weekday =
      weekdays_.test(std::chrono::weekday(std::chrono::local_days(date)).c_encoding());
  return any_day_ || any_weekday_ ? day && weekday : day || weekday;
}

std::optional<Time> Cron::FirstOfDay(std::chrono::local_days day, Time after,
                                     const TimeZone& zone) const {
  std::optional<Time> first;
  const auto consider = [&](Time time) {
    if (time > after && (!first || time < *first)) first = time;
  };
  // No clock change is larger, so what lies further off cannot be first.
  constexpr auto kChangeMax = std::chrono::hours(3);
  const LocalTime begin = zone.ToLocal(after) - kChangeMax;
  for (std::size_t hour = 0; hour < hours_.size(); ++hour) {
    if (!hours_.test(hour)) continue;
    for (std::size_t minute = 0; minute < minutes_.size(); ++minute) {
      if (!minutes_.test(minute)) continue;
      const LocalTime local = day + std::chrono::hours(hour) + std::chrono::minutes(minute);
      if (local < begin) continue;
      if (first && local > zone.ToLocal(*first) + kChangeMax) return first;
      const std::vector<Time> instants = zone.ToInstants(local);
      if (instants.empty() && !any_hour_) consider(zone.EndOfGap(local));
      if (!instants.empty()) consider(instants.front());
      if (instants.size() == 2 && any_hour_) consider(instants.back());
    }
  }
  return first;
}

}  // namespace quorate::backup
