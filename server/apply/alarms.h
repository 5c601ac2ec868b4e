// Alarms: which members raised which alarm; persisted, the same on every member.
//
// Thread: changes on the raft+apply loop; List and the active() flags likewise.
#pragma once

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "proto/rpc.pb.h"
#include "storage/backend.h"

namespace quorate::apply {

struct AlarmEntry {
  MemberId member;
  etcdserverpb::AlarmType type = etcdserverpb::NONE;

  auto operator<=>(const AlarmEntry&) const = default;
};

class Alarms {
 public:
  // Replaces the content by the rows of a store.
  Status Load(const storage::Reader& store);

  // False: it was active already.
  bool Activate(AlarmEntry alarm, storage::Batch& batch);
  // False: it was not active.
  bool Deactivate(AlarmEntry alarm, storage::Batch& batch);

  // Alarms of the type; NONE: all.
  std::vector<AlarmEntry> List(etcdserverpb::AlarmType type) const;
  bool Active(etcdserverpb::AlarmType type) const;
  bool Active(AlarmEntry alarm) const { return active_.contains(alarm); }

 private:
  std::set<AlarmEntry> active_;  // by member, then type
};

}  // namespace quorate::apply
