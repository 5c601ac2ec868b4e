// MaintenanceService: etcdserverpb.Maintenance: alarms, status, hashes, snapshots, moving the
// leader.
//
// Defragment is answered at once: old revisions leave the store by its own compaction. Hash over
// the whole file and Downgrade are refused with a text that says so.
#pragma once

#include "api/context.h"
#include "rpc/router.h"

namespace quorate::api {

void RegisterMaintenance(rpc::Router& router, const Context& context);

// GET /members/hashkv on the peer port: HashKVResponse fields; `done` on the raft+apply loop.
struct HashKv {
  std::uint32_t hash = 0;
  Revision revision;
  Revision compact_revision;
  Revision current;
};
void ComputeHashKv(const Context& context, Revision at, std::function<void(Result<HashKv>)> done);

}  // namespace quorate::api
