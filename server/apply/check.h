// Check: what a request must be before it is read or proposed. The errors are etcd's, word for
// word.
//
// Thread: any; pure.
// Source: knowledge/etcd.md 1.4-1.8.
#pragma once

#include <cstddef>

#include "apply/request.h"
#include "base/result.h"
#include "proto/rpc.pb.h"

namespace quorate::apply {

Status CheckRange(const etcdserverpb::RangeRequest& request);
Status CheckPut(const PutView& request);
Status CheckDeleteRange(const etcdserverpb::DeleteRangeRequest& request);

// The number of operations, each operation, and keys that one branch would change twice.
Status CheckTxn(const etcdserverpb::TxnRequest& request, std::size_t operations_max);

// Only ranges in both branches: may be answered without the log.
bool IsReadOnly(const etcdserverpb::TxnRequest& request);
// Every range (of a read-only transaction) may be answered from local state.
bool IsSerializable(const etcdserverpb::TxnRequest& request);

}  // namespace quorate::apply
