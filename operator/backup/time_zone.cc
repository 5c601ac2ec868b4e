#include "backup/time_zone.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace quorate::backup {
namespace {

using std::chrono::seconds;

constexpr int kLastYearOfRule = 2100;
constexpr std::size_t kHeaderBytes = 44;

const Error kBroken{Code::kInvalidArgument, "not a TZif file of version 2 or later"};

std::int32_t Read32(std::string_view bytes) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return static_cast<std::int32_t>(number);
}

struct Header {
  std::size_t isut, isstd, leap, time, type, chars;

  std::size_t BlockBytes(std::size_t time_bytes) const {
    return time * time_bytes + time + type * 6 + chars + leap * (time_bytes + 4) + isstd + isut;
  }
};

std::optional<Header> ReadHeader(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || bytes.substr(0, 4) != "TZif" || bytes[4] < '2') {
    return std::nullopt;
  }
  std::array<std::size_t, 6> counts{};
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const std::int32_t count = Read32(bytes.substr(20 + 4 * i));
    // Each takes a byte at least; larger ones would make nonsense of the sums below.
    if (count < 0 || static_cast<std::size_t>(count) > bytes.size()) return std::nullopt;
    counts[i] = static_cast<std::size_t>(count);
  }
  return Header{counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]};
}

// RuleReader: the parts of a POSIX TZ string, "CET-1CEST,M3.5.0,M10.5.0/3".
class RuleReader {
 public:
  explicit RuleReader(std::string_view text) : text_(text) {}

  bool done() const { return text_.empty(); }
  bool Take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool TakeName() {
    const std::size_t before = text_.size();
    if (Take('<')) {
      while (!text_.empty() && text_.front() != '>') text_.remove_prefix(1);
      return Take('>');
    }
    while (!text_.empty() && std::isalpha(static_cast<unsigned char>(text_.front()))) {
      text_.remove_prefix(1);
    }
    return before - text_.size() >= 3;
  }
  std::optional<int> TakeNumber() {
    int number = 0;
    std::size_t digits = 0;
    while (!text_.empty() && std::isdigit(static_cast<unsigned char>(text_.front()))) {
      number = number * 10 + (text_.front() - '0');
      text_.remove_prefix(1);
      if (++digits > 4) return std::nullopt;
    }
    return digits > 0 ? std::optional(number) : std::nullopt;
  }
  // [+-]hh[:mm[:ss]]
  std::optional<seconds> TakeTime() {
    const bool minus = Take('-');
    if (!minus) Take('+');
    const auto hours = TakeNumber();
    if (!hours) return std::nullopt;
    seconds total = std::chrono::hours(*hours);
    if (Take(':')) total += std::chrono::minutes(TakeNumber().value_or(0));
    if (Take(':')) total += seconds(TakeNumber().value_or(0));
    return minus ? -total : total;
  }

 private:
  std::string_view text_;
};

// "M3.5.0/2": the fifth (last) Sunday of March, at two.
struct YearlyRule {
  unsigned month = 1;
  unsigned week = 1;
  unsigned weekday = 0;
  seconds time = std::chrono::hours(2);

  LocalTime In(int year) const {
    using namespace std::chrono;
    const auto when = std::chrono::year(year) / std::chrono::month(month);
    const std::chrono::weekday day(weekday);
    const year_month_day date = week == 5 ? year_month_day(local_days(when / day[last]))
                                          : year_month_day(local_days(when / day[week]));
    return local_days(date) + time;
  }
};

std::optional<YearlyRule> TakeYearly(RuleReader& reader) {
  if (!reader.Take(',') || !reader.Take('M')) return std::nullopt;
  const auto month = reader.TakeNumber();
  if (!month || *month < 1 || *month > 12 || !reader.Take('.')) return std::nullopt;
  const auto week = reader.TakeNumber();
  if (!week || *week < 1 || *week > 5 || !reader.Take('.')) return std::nullopt;
  const auto weekday = reader.TakeNumber();
  if (!weekday || *weekday > 6) return std::nullopt;
  YearlyRule rule{static_cast<unsigned>(*month), static_cast<unsigned>(*week),
                  static_cast<unsigned>(*weekday)};
  if (reader.Take('/')) {
    const auto time = reader.TakeTime();
    if (!time) return std::nullopt;
    rule.time = *time;
  }
  return rule;
}

Time AtOffset(LocalTime local, seconds offset) {
  return Time(local.time_since_epoch() - offset);
}

}  // namespace

TimeZone TimeZone::Utc() {
  return {};
}

bool TimeZone::IsName(std::string_view name) {
  if (name.empty() || name.front() == '/' || name.find("..") != std::string_view::npos)
    return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '+' || c == '-' ||
           c == '/';
  });
}

Result<TimeZone> TimeZone::Parse(std::string_view tzif) {
  const auto first = ReadHeader(tzif);
  if (!first) return kBroken;
  const std::size_t skip = kHeaderBytes + first->BlockBytes(4);
  if (tzif.size() < skip) return kBroken;
  tzif.remove_prefix(skip);  // the 32-bit block is for old readers
  const auto header = ReadHeader(tzif);
  if (!header || tzif.size() < kHeaderBytes + header->BlockBytes(8)) return kBroken;
  const std::string_view times = tzif.substr(kHeaderBytes);
  const std::string_view indexes = times.substr(header->time * 8);
  const std::string_view types = indexes.substr(header->time);
  if (header->type == 0) return kBroken;
  TimeZone zone;
  zone.first_offset_ = seconds(Read32(types));
  for (std::size_t i = 0; i < header->time; ++i) {
    const std::size_t type = static_cast<unsigned char>(indexes[i]);
    if (type >= header->type) return kBroken;
    const auto at = static_cast<std::int64_t>(ReadBigEndian64(times.substr(i * 8)));
    if (i > 0 && Time(seconds(at)) <= zone.changes_.back().at) return kBroken;
    zone.changes_.push_back({Time(seconds(at)), seconds(Read32(types.substr(type * 6)))});
  }
  std::string_view footer = tzif.substr(kHeaderBytes + header->BlockBytes(8));
  if (footer.size() >= 2 && footer.front() == '\n') {
    footer.remove_prefix(1);
    TRY(zone.AddRule(footer.substr(0, footer.find('\n'))));
  }
  return zone;
}

// Spells the rule for the years after the table out, so that a lookup knows only the table.
Status TimeZone::AddRule(std::string_view posix) {
  RuleReader reader(posix);
  if (reader.done()) return {};
  if (!reader.TakeName()) return kBroken;
  const auto west = reader.TakeTime();
  if (!west) return kBroken;
  if (reader.done()) return {};  // no clock changes any more
  if (!reader.TakeName()) return kBroken;
  const seconds standard = -*west;
  seconds summer = standard + std::chrono::hours(1);
  RuleReader probe = reader;
  if (!probe.Take(',')) {
    const auto summer_west = reader.TakeTime();
    if (!summer_west) return kBroken;
    summer = -*summer_west;
  }
  const auto begin = TakeYearly(reader);
  const auto end = TakeYearly(reader);
  if (!begin || !end) return {};  // day-of-year rules: the table is all we have
  const Time known = changes_.empty() ? Time::min() : changes_.back().at;
  for (int year = 1970; year <= kLastYearOfRule; ++year) {
    std::vector<Change> both = {{AtOffset(begin->In(year), standard), summer},
                                {AtOffset(end->In(year), summer), standard}};
    std::sort(both.begin(), both.end(),
              [](const Change& a, const Change& b) { return a.at < b.at; });
    for (const Change& change : both) {
      if (change.at > known) changes_.push_back(change);
    }
  }
  return {};
}

seconds TimeZone::OffsetAt(Time time) const {
  const auto after = std::upper_bound(changes_.begin(), changes_.end(), time,
                                      [](Time t, const Change& change) { return t < change.at; });
  return after == changes_.begin() ? first_offset_ : std::prev(after)->offset;
}

LocalTime TimeZone::ToLocal(Time time) const {
  return LocalTime(time.time_since_epoch() + OffsetAt(time));
}

std::vector<Time> TimeZone::ToInstants(LocalTime local) const {
  const Time as_if(local.time_since_epoch());
  std::vector<Time> instants;
  for (const seconds offset :
       {OffsetAt(as_if - std::chrono::hours(26)), OffsetAt(as_if + std::chrono::hours(26))}) {
    const Time instant = AtOffset(local, offset);
    const bool known = std::find(instants.begin(), instants.end(), instant) != instants.end();
    if (OffsetAt(instant) == offset && !known) instants.push_back(instant);
  }
  std::sort(instants.begin(), instants.end());
  return instants;
}

Time TimeZone::EndOfGap(LocalTime local) const {
  const Time as_if(local.time_since_epoch());
  const Time late = AtOffset(local, OffsetAt(as_if - std::chrono::hours(26)));
  const auto after = std::upper_bound(changes_.begin(), changes_.end(), late,
                                      [](Time t, const Change& change) { return t < change.at; });
  return after == changes_.begin() ? late : std::prev(after)->at;
}

}  // namespace quorate::backup
