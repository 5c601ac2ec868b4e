#include "apply/alarms.h"

#include <algorithm>
#include <string>

#include "base/bytes.h"
#include "proto/rpc.pb.h"

namespace quorate::apply {
namespace {

using storage::Family;

std::string RowKey(const Alarms::Alarm& alarm) {
  etcdserverpb::AlarmMember row;
  row.set_memberid(alarm.first.value);
  row.set_alarm(static_cast<etcdserverpb::AlarmType>(alarm.second));
  return row.SerializeAsString();
}

}  // namespace

Status Alarms::Load(const storage::Reader& store) {
  alarms_.clear();
  const auto cursor = store.Scan(Family::kAlarm, "", "");
  for (; cursor->Valid(); cursor->Next()) {
    etcdserverpb::AlarmMember row;
    const std::string_view key = cursor->key();
    if (!row.ParseFromArray(key.data(), static_cast<int>(key.size())) || row.alarm() < 0 ||
        row.alarm() > etcdserverpb::CORRUPT) {
      return Error{Code::kDataLoss, "alarm row " + ToHex(key) + " is damaged"};
    }
    alarms_.emplace(MemberId{row.memberid()}, static_cast<AlarmKind>(row.alarm()));
  }
  Refresh();
  return cursor->status();
}

bool Alarms::Raise(Alarm alarm, storage::Batch& batch) {
  if (!alarms_.insert(alarm).second) return false;
  batch.Put(Family::kAlarm, RowKey(alarm), "");
  Refresh();
  return true;
}

bool Alarms::Clear(Alarm alarm, storage::Batch& batch) {
  if (alarms_.erase(alarm) == 0) return false;
  batch.Delete(Family::kAlarm, RowKey(alarm));
  Refresh();
  return true;
}

std::vector<Alarms::Alarm> Alarms::List(AlarmKind kind) const {
  std::vector<Alarm> list;
  for (const Alarm& alarm : alarms_) {
    if (kind == AlarmKind::kNone || alarm.second == kind) list.push_back(alarm);
  }
  return list;
}

void Alarms::Refresh() {
  for (const AlarmKind kind : {AlarmKind::kNoSpace, AlarmKind::kCorrupt}) {
    raised_[static_cast<std::size_t>(kind)] =
        std::any_of(alarms_.begin(), alarms_.end(),
                    [kind](const Alarm& alarm) { return alarm.second == kind; });
  }
}

}  // namespace quorate::apply
