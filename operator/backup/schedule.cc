#include "backup/schedule.h"

#include <algorithm>

#include "backup/cron.h"

namespace quorate::backup {
namespace {

using std::chrono::seconds;

constexpr int kDueCountMax =
    1000;  // after this many missed runs the count is given up, not the schedule

struct Due {
  std::optional<Time> latest;
  std::int64_t count = 0;
};

Due DueUntilNow(const Cron& cron, const TimeZone& zone, Time since, Time anchor, Time now) {
  Due due;
  for (auto time = cron.Next(since, anchor, zone); time && *time <= now;
       time = cron.Next(*time, anchor, zone)) {
    due.latest = time;
    if (++due.count == kDueCountMax) {
      // Long asleep: start again shortly before now.
      const auto jump = now - std::chrono::days(2);
      if (jump > *time) time = jump;
    }
  }
  return due;
}

}  // namespace

Result<ScheduleDecision> Decide(const api::EtcdBackupSchedule& schedule, const TimeZone& zone,
                                bool active, Time now) {
  const Cron cron = TRY(Cron::Parse(schedule.spec.schedule));
  const Time anchor = schedule.meta.created.value_or(now);
  const Time since = std::max(schedule.status.last_schedule_time.value_or(anchor), anchor);
  ScheduleDecision decision;
  if (schedule.spec.suspend) {
    // What falls due meanwhile is neither started nor counted.
    if (DueUntilNow(cron, zone, since, anchor, now).latest) decision.last_schedule = now;
    return decision;
  }
  decision.next = cron.Next(now, anchor, zone);
  const Due due = DueUntilNow(cron, zone, since, anchor, now);
  if (!due.latest) return decision;
  if (now - *due.latest > seconds(schedule.spec.starting_deadline_seconds)) {
    decision.missed = due.count;
    decision.last_schedule = due.latest;
    return decision;
  }
  if (active && schedule.spec.concurrency_policy == api::ConcurrencyPolicy::kForbid) {
    decision.held_back = true;
    const Time late = *due.latest + seconds(schedule.spec.starting_deadline_seconds + 1);
    decision.next = decision.next ? std::min(*decision.next, late) : late;
    return decision;
  }
  decision.start = due.latest;
  decision.replace_active = active;
  decision.missed = due.count - 1;
  decision.last_schedule = due.latest;
  return decision;
}

std::string RunName(std::string_view schedule, Time due) {
  std::string digits;
  for (const char c : api::FormatTime(due)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  return std::string(schedule) + "-" + digits;
}

}  // namespace quorate::backup
