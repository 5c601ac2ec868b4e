// Txn: compares, then one of two branches, as one change.
//
// All compares, those of nested transactions too, see the state before the transaction. Then the
// chosen path is checked as a whole; only what can no longer fail is carried out, in order, each
// operation seeing the ones before it.
//
// Thread: the raft+apply loop.
// Source: knowledge/etcd.md 1.8.
#pragma once

#include <string>

#include "apply/request.h"
#include "base/result.h"
#include "mvcc/lease_book.h"
#include "mvcc/store.h"
#include "proto/rpc.pb.h"

namespace quorate::apply {

// TxnResponse bytes without the header, and the revision that belongs in it.
struct TxnOutcome {
  Revision revision;
  std::string body;
};

// Errors: compacted or future revision of a range, lease not found, key not found for ignore_value
// and ignore_lease; then nothing changed. kDataLoss: the store failed, the process must stop.
Result<TxnOutcome> ApplyTxn(const etcdserverpb::TxnRequest& request, mvcc::Store& store,
                            const mvcc::LeaseBook& leases);

// The same for a read-only transaction, outside the log.
Result<TxnOutcome> ReadTxn(const etcdserverpb::TxnRequest& request, mvcc::Store& store);

// One put, checked first: PutResponse fields without the header (prev_kv, when asked for).
//   leases  to refuse an unknown one
Result<std::string> ApplyPut(const PutView& request, mvcc::WriteTxn& txn,
                             const mvcc::LeaseBook& leases);

// One deletion: DeleteRangeResponse fields without the header.
Result<std::string> ApplyDeleteRange(std::string_view key, std::string_view range_end, bool prev_kv,
                                     mvcc::WriteTxn& txn);

}  // namespace quorate::apply
