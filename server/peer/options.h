// Options, Events: who this member is among its peers, and what it hears from them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "raft/types.h"

namespace quorate::peer {

struct Options {
  MemberId self;
  ClusterId cluster;
  std::vector<std::string> peer_urls;  // own, for members that do not know us yet
  std::string version = "3.6.14";      // major.minor.patch, as X-Server-Version
  std::string min_cluster_version = "3.0.0";
  std::chrono::milliseconds dial_timeout = std::chrono::seconds(2);  // 1 s + election timeout
  std::chrono::milliseconds read_timeout =
      std::chrono::seconds(5);  // a stream silent for longer is dropped
  // Bodies of POST /raft that are being received, all together; beyond, 503: the sender tries
  // again.
  std::size_t posted_bytes_max = std::size_t{512} << 20;
  std::string snapshot_directory;  // where received snapshots are stored
};

// SnapshotBody: the database that belongs to a kSnap message, read once from begin to end on a
// background thread.
class SnapshotBody {
 public:
  virtual ~SnapshotBody() = default;
  virtual std::uint64_t size() = 0;
  // Of the whole, 32 raw bytes, known once size() was asked; empty: unknown.
  virtual std::string sha256() { return {}; }
  // The next bytes; 0: the end.
  virtual Result<std::size_t> Read(std::span<std::byte> out) = 0;
};

// Thread: called on the peer loop (and SnapshotStored's caller on a background thread); must not
// block.
class Events {
 public:
  virtual ~Events() = default;
  // Messages for raft, in order for each sender. A kSnap comes after its database was stored.
  virtual void OnMessages(std::vector<raft::Message>& messages) = 0;
  virtual void OnUnreachable(MemberId member) = 0;
  // Its streams ended, and nothing answers where it listened: its process has probably ended.
  virtual void OnGone(MemberId member) = 0;
  // The cluster says that this member was removed from it.
  virtual void OnSelfRemoved() = 0;
  // Whether that id was removed: its messages are refused for good.
  virtual bool IsRemoved(MemberId member) const = 0;
  // Whether this member may tell that one so, which ends it.
  virtual bool TellsRemoved() const = 0;
};

// Runs slow work (reading and writing snapshot files) beside the loop.
using Background = std::function<bool(std::function<void()>)>;

}  // namespace quorate::peer
