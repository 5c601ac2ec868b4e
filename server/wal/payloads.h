// Payloads: the data of metadata and snapshot records (walpb) as bytes and back.
//
// Entries and hard states are raftpb and live in wire/.
//
// Errors: kDataLoss, the text without place; the reader adds file and offset.
// Thread: functions of their arguments.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "wal/contents.h"

namespace quorate::wal {

std::string EncodeMetadata(const Metadata& metadata);
Result<Metadata> DecodeMetadata(std::string_view bytes);

std::string EncodeSnapshotMark(const SnapshotMark& mark);
Result<SnapshotMark> DecodeSnapshotMark(std::string_view bytes);

}  // namespace quorate::wal
