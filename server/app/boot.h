// Boot: from a data directory and flags to a member that can run: log replayed, store open,
// identity known.
//
// Layout: <data-dir>/member/wal (or --wal-dir), <data-dir>/member/store (the store),
// <data-dir>/member/snap (received snapshots; the database of an etcd that ran here before),
// <data-dir>/member/LOCK (held while a process uses the directory),
// <data-dir>/member/recollection.json (what is remembered across lives; see recollection.h).
//
// An interruption at any point leaves a directory that boots: the log is created whole before
// anything else, a bootstrap that was cut short is repeated with the same ids.
//
// Errors: an Ending with a typed exit: 11 data that does not fit together, 12 another cluster's or
// member's data, 13 disk
//   full, 1 the directory is in use; and whatever verdict stands in the recollection.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "app/disk_reserve.h"
#include "app/exit.h"
#include "app/formation.h"
#include "app/recollection.h"
#include "config/options.h"
#include "io/disk.h"
#include "membership/cluster.h"
#include "raft/core.h"
#include "storage/backend.h"
#include "wal/writer.h"

namespace quorate::app {

struct Boot {
  ClusterId cluster;
  MemberId self;
  std::unique_ptr<io::File> lock;
  std::unique_ptr<Recollection> recollection;
  std::shared_ptr<DiskReserve> reserve;
  std::unique_ptr<storage::Backend> backend;
  std::unique_ptr<wal::Writer> writer;
  wal::SnapshotMark mark;  // where the replay began
  raft::Start start;
  std::vector<membership::Member>
      known_members;  // of a fresh member: whom to talk to before the log says so
};

std::variant<Boot, Ending> BootMember(const config::Options& options, io::Disk& disk,
                                      const AskMembers& ask);

std::string SnapshotDirectory(const config::Options& options);

// Which exit an error of disk, log or store stands for.
Ending ToEnding(const Error& error);

}  // namespace quorate::app
