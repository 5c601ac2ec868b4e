// Cron: when something is due, from five fields, a name such as @daily, or @every.
//
//   minute hour day-of-month month weekday      0 3 * * SUN    */15 8-18 * * 1-5
//   @yearly @annually @monthly @weekly @daily @midnight @hourly      @every 6h
//
// Fields take lists, ranges, steps and English names; weekday 0 and 7 are Sunday. When both days
// are given (neither begins with *), one of them is enough, as in every cron. Clock changes: a time
// that is skipped runs at the change, one that is repeated runs the first time; a schedule that
// does not name its hours runs on through both.
//
// Errors: kInvalidArgument, naming the field and what it takes.
// Thread: values.
#pragma once

#include <bitset>
#include <optional>
#include <string_view>

#include "api/values.h"
#include "backup/time_zone.h"
#include "base/result.h"

namespace quorate::backup {

class Cron {
 public:
  static Result<Cron> Parse(std::string_view text);

  // The first time after `after`; nullopt when there is none within ten years (30 February). @every
  // counts from `anchor` and knows no time zone.
  std::optional<Time> Next(Time after, Time anchor, const TimeZone& zone) const;

 private:
  Cron() = default;

  bool IsDay(std::chrono::year_month_day date) const;
  std::optional<Time> FirstOfDay(std::chrono::local_days day, Time after,
                                 const TimeZone& zone) const;

  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;     // 1..31
  std::bitset<13> months_;   // 1..12
  std::bitset<7> weekdays_;  // 0: Sunday
  bool any_hour_ = false;    // the hour field begins with *
  bool any_day_ = false;
  bool any_weekday_ = false;
  std::chrono::seconds every_{0};  // 0: not an @every
};

}  // namespace quorate::backup
