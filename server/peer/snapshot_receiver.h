// SnapshotReceiver: the other side of POST /raft/snapshot: stores the database, then hands on the
// message.
//
// The bytes go to a temporary file as they come, written by a background thread; when all are there
// the file is synced, renamed to <index>.snap.db, and only then raft hears of the snapshot. A
// transfer that breaks off leaves nothing.
//
// Ownership: lives in the exchange's callbacks.
// Thread: the peer loop; files on a background thread, one piece at a time.
#pragma once

#include <atomic>
#include <memory>

#include "io/disk.h"
#include "net/http_server.h"
#include "peer/options.h"

namespace quorate::peer {

// How many are being received now. Each holds a buffer and writes a file as large as the store, so
// that more are turned away with 503; the sender tries again.
using Receptions = std::shared_ptr<std::atomic<int>>;
inline constexpr int kReceptionsMax = 2;

// REQUIRES: the request's headers were checked.
void ReceiveSnapshot(const Options& options, io::Disk& disk, const Background& background,
                     Events& events, std::shared_ptr<net::HttpExchange> exchange,
                     Receptions receptions);

// "%016x.snap.db": the file of a received snapshot.
std::string ReceivedPath(const Options& options, LogIndex index);

}  // namespace quorate::peer
