// Alarms: what a member has raised: its space is used up, or its data is damaged. Replicated and
// stored.
//
// Thread: Raised() from any; the rest on the raft+apply loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "storage/backend.h"
#include "storage/batch.h"

namespace quorate::apply {

enum class AlarmKind : std::uint8_t {
  kNone = 0,
  kNoSpace = 1,
  kCorrupt = 2
};  // etcdserverpb.AlarmType

class Alarms {
 public:
  using Alarm = std::pair<MemberId, AlarmKind>;

  Status Load(const storage::Reader& store);

  // False: it was raised already.
  bool Raise(Alarm alarm, storage::Batch& batch);
  // False: it was not raised.
  bool Clear(Alarm alarm, storage::Batch& batch);

  // Whether any member raised it.
  bool Raised(AlarmKind kind) const { return raised_[static_cast<std::size_t>(kind)].load(); }
  // kNone: all.
  std::vector<Alarm> List(AlarmKind kind) const;

 private:
  void Refresh();

  std::set<Alarm> alarms_;
  std::atomic<bool> raised_[3] = {};
};

}  // namespace quorate::apply
