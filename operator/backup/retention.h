// Expired: which of a schedule's backups may go.
//
// A backup that any rule keeps stays; without rules all stay. The newest minKeep good ones stay
// whatever the rules say, so the last good backup is never lost to an unlucky clock. Newer means a
// higher revision; time only decides between equal revisions and fills the calendar.
//
// Thread: pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/backup_kinds.h"
#include "backup/time_zone.h"

namespace quorate::backup {

// One completed backup.
struct Artifact {
  std::string name;  // of its EtcdBackup
  std::int64_t revision = 0;
  Time time;  // when it was complete

  bool operator==(const Artifact&) const = default;
};

// Names, oldest first. `artifacts`: good backups only, from one complete listing of one cluster.
std::vector<std::string> Expired(const api::RetentionSpec& retention,
                                 std::vector<Artifact> artifacts, const TimeZone& zone, Time now);

// Failed runs beyond the newest `limit`, oldest first.
std::vector<std::string> ExpiredFailures(std::vector<Artifact> failed, std::int32_t limit);

}  // namespace quorate::backup
