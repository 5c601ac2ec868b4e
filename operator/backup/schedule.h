// Decide: what an EtcdBackupSchedule has to do now.
//
// At most one run is started for any number of times that were missed; a run that could not start
// within startingDeadlineSeconds is missed for good. A run's name follows from its time, so
// starting it twice makes one.
//
// Thread: pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/backup_kinds.h"
#include "backup/time_zone.h"
#include "base/result.h"

namespace quorate::backup {

struct ScheduleDecision {
  std::optional<Time> start;          // start the run that was due then
  bool replace_active = false;        // give up the runs under way first
  bool held_back = false;             // due, but the run before is still going (Forbid)
  std::int64_t missed = 0;            // to be added to status.missedRuns
  std::optional<Time> last_schedule;  // new status.lastScheduleTime; nullopt: as before
  std::optional<Time> next;  // status.nextScheduleTime, and when to look again; nullopt: never
};

// kInvalidArgument when spec.schedule cannot be read. `active`: whether runs are under way.
Result<ScheduleDecision> Decide(const api::EtcdBackupSchedule& schedule, const TimeZone& zone,
                                bool active, Time now);

// "<schedule>-20261121030000"
std::string RunName(std::string_view schedule, Time due);

}  // namespace quorate::backup
