#include "app/incoming.h"

#include "base/log.h"
#include "snapshot/import.h"

namespace quorate::app {

Result<Incoming> ReadIncoming(io::Disk& disk, const std::string& path,
                              const raft::SnapshotMetadata& snapshot, storage::Backend& backend) {
  Incoming incoming;
  incoming.backend = TRY(backend.NewIncoming());
  const auto imported = TRY(
      snapshot::ReadDatabase(disk, path, *incoming.backend, snapshot.conf_state, snapshot.index));
  incoming.restored = TRY(mvcc::Restore(*incoming.backend));
  log::Info("read a received snapshot",
            {{"index", imported.position.index}, {"rows", imported.rows}});
  return incoming;
}

void RemoveReceived(io::Disk& disk, const std::string& path) {
  const Status removed = disk.Remove(path);
  if (removed.ok()) return;
  log::Warn("failed to remove an installed snapshot",
            {{"path", path}, {"error", removed.error().message}});
}

}  // namespace quorate::app
