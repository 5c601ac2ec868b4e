// Txn: the rules and the execution of transactions.
//
// Validation is what the api asks before it proposes (etcd's v3rpc/key.go); Check and Execute are
// what applying does: every comparison and every refusal is decided on the state before the
// transaction, so that it happens wholly or not at all.
//
// Source: knowledge/etcd.md 1.4-1.8.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "lease/lessor.h"
#include "mvcc/store.h"
#include "proto/rpc.pb.h"

namespace quorate::apply {

// What is wrong with a request in itself, whatever the state; texts are etcd's.
Status Validate(const etcdserverpb::RangeRequest& request);
Status Validate(const etcdserverpb::PutRequest& request);
Status Validate(const etcdserverpb::DeleteRangeRequest& request);
// ops_max: --max-txn-ops.
Status Validate(const etcdserverpb::TxnRequest& request, std::size_t ops_max);

// Only ranges, none nested: answered without the log.
bool IsReadOnly(const etcdserverpb::TxnRequest& request);
// Every range is serializable (true when there is none): may be answered from a lagging member.
bool IsSerializable(const etcdserverpb::TxnRequest& request);

// What a request adds to the store's size, for the quota; 0 for one that adds nothing.
std::int64_t Cost(const etcdserverpb::PutRequest& request);
std::int64_t Cost(const etcdserverpb::TxnRequest& request);
std::int64_t Cost(const etcdserverpb::LeaseGrantRequest& request);

// The branch each comparison list chose: of the transaction, then of its nested ones in order.
using Path = std::vector<bool>;
Path Evaluate(const etcdserverpb::TxnRequest& request, mvcc::Store& store);

// Whether the chosen branches can be executed: revisions readable, leases known, ignored values
// there.
Status Check(const etcdserverpb::TxnRequest& request, const Path& path, mvcc::Store& store,
             const lease::Lessor& lessor);

// Executes the chosen branches; appends TxnResponse bytes without the header when `body` is not
// null. REQUIRES: Check was ok. An error is a broken store, and fatal.
Status Execute(const etcdserverpb::TxnRequest& request, const Path& path, mvcc::WriteTxn& txn,
               std::string* body);
// The same for a read-only transaction.
Status ExecuteReads(const etcdserverpb::TxnRequest& request, const Path& path, mvcc::Store& store,
                    std::string* body);

// One put or deletion, alone or within a transaction; appends the response without the header.
Status ExecutePut(const etcdserverpb::PutRequest& request, mvcc::WriteTxn& txn, std::string* body);
Status ExecuteDelete(const etcdserverpb::DeleteRangeRequest& request, mvcc::WriteTxn& txn,
                     std::string* body);
Status CheckPut(const etcdserverpb::PutRequest& request, mvcc::Store& store,
                const lease::Lessor& lessor);

}  // namespace quorate::apply
