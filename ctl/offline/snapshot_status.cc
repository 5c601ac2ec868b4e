#include "offline/snapshot_status.h"

#include <unordered_set>

#include "base/crc32c.h"
#include "base/fields.h"
#include "bolt/reader.h"
#include "mvcc/revision_id.h"

namespace quorate::offline {
namespace {

// The key of a KeyValue's bytes; "" when it has none, as in the record that a bumped revision
// leaves.
std::string_view KeyOf(std::string_view record) {
  fields::Reader reader(record);
  while (reader.Next()) {
    if (reader.field() == 1 && reader.is_text()) return reader.text();
  }
  return {};
}

}  // namespace

Result<SnapshotStatus> ReadSnapshotStatus(io::Disk& disk, std::string_view path) {
  TRY(disk.Stat(path));
  const auto reader = TRY(bolt::Reader::Open(disk, path));
  SnapshotStatus status;
  status.size = reader->database_bytes();
  std::unordered_set<std::string> keys;
  for (const bolt::Bucket& bucket : reader->buckets()) {
    status.hash = Crc32c(status.hash, AsBytes(bucket.name));
    bolt::Cursor cursor(*reader, bucket);
    while (TRY(cursor.Next())) {
      status.hash = Crc32c(status.hash, AsBytes(cursor.key()));
      status.hash = Crc32c(status.hash, AsBytes(cursor.value()));
      if (bucket.name == "meta" && cursor.key() == "storageVersion") {
        status.version = cursor.value();
      }
      if (bucket.name != "key") continue;
      const auto row = mvcc::DecodeRowName(cursor.key());
      if (!row) return Error{Code::kDataLoss, "malformed revision in snapshot"};
      status.revision = row->id.main.value;
      const std::string key(KeyOf(cursor.value()));
      if (row->tombstone) {
        keys.erase(key);
      } else {
        keys.insert(key);
      }
    }
  }
  status.keys = static_cast<std::int64_t>(keys.size());
  return status;
}

}  // namespace quorate::offline
