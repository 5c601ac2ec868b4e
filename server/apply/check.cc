#include "apply/check.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace quorate::apply {
namespace {

using etcdserverpb::RequestOp;
using Operations = google::protobuf::RepeatedPtrField<RequestOp>;

Error Bad(const char* text) {
  return Error{Code::kInvalidArgument, text};
}
Error EmptyKey() {
  return Bad("etcdserver: key is not provided");
}
Error DuplicateKey() {
  return Bad("etcdserver: duplicate key given in txn request");
}
Error TooManyOps() {
  return Bad("etcdserver: too many operations in txn request");
}

PutView ViewOf(const etcdserverpb::PutRequest& put) {
  return {.key = put.key(),
          .value = put.value(),
          .lease = LeaseId{put.lease()},
          .prev_kv = put.prev_kv(),
          .ignore_value = put.ignore_value(),
          .ignore_lease = put.ignore_lease()};
}

Status CheckOperationsOf(const etcdserverpb::TxnRequest& request, std::size_t operations_max);

Status CheckOperation(const RequestOp& operation, std::size_t operations_max) {
  switch (operation.request_case()) {
    case RequestOp::kRequestRange:
      return CheckRange(operation.request_range());
    case RequestOp::kRequestPut:
      return CheckPut(ViewOf(operation.request_put()));
    case RequestOp::kRequestDeleteRange:
      return CheckDeleteRange(operation.request_delete_range());
    case RequestOp::kRequestTxn:
      return CheckOperationsOf(operation.request_txn(), operations_max);
    case RequestOp::REQUEST_NOT_SET:
      return Bad("etcdserver: key not found");
  }
  return Bad("etcdserver: key not found");
}

// What a list of operations changes, as etcd's check sees it.
struct Touched {
  std::set<std::string> puts;
  std::vector<std::pair<std::string, std::string>> deletes;  // key, range_end

  // etcd compares ends as plain text here, so a deletion from a key on ("\0") holds nothing.
  bool Deletes(const std::string& key) const {
    return std::any_of(deletes.begin(), deletes.end(), [&key](const auto& range) {
      return range.second.empty() ? key == range.first : key >= range.first && key < range.second;
    });
  }
  Status Put(const std::string& key) {
    if (Deletes(key) || !puts.insert(key).second) return DuplicateKey();
    return {};
  }
};

Result<Touched> TouchedBy(const Operations& operations);

// A nested transaction's changes join those of the list it stands in. Its branches exclude each
// other, so both may put the same key.
Status TouchNested(const etcdserverpb::TxnRequest& txn, Touched& all) {
  const Touched success = TRY(TouchedBy(txn.success()));
  const Touched failure = TRY(TouchedBy(txn.failure()));
  for (const std::string& key : success.puts) TRY(all.Put(key));
  for (const std::string& key : failure.puts) {
    if (!success.puts.contains(key)) {
      TRY(all.Put(key));
    } else if (all.Deletes(key)) {
      return DuplicateKey();
    }
  }
  all.deletes.insert(all.deletes.end(), success.deletes.begin(), success.deletes.end());
  all.deletes.insert(all.deletes.end(), failure.deletes.begin(), failure.deletes.end());
  return {};
}

// What one branch changes; an error when it puts a key twice, or puts what it deletes. In etcd's
// order: the list's deletions, its nested transactions one after the other, its own puts.
Result<Touched> TouchedBy(const Operations& operations) {
  Touched all;
  for (const RequestOp& operation : operations) {
    if (!operation.has_request_delete_range()) continue;
    const auto& request = operation.request_delete_range();
    all.deletes.emplace_back(request.key(), request.range_end());
  }
  for (const RequestOp& operation : operations) {
    if (operation.has_request_txn()) TRY(TouchNested(operation.request_txn(), all));
  }
  for (const RequestOp& operation : operations) {
    if (operation.has_request_put()) TRY(all.Put(operation.request_put().key()));
  }
  return all;
}

Status CheckOperationsOf(const etcdserverpb::TxnRequest& request, std::size_t operations_max) {
  const auto count = static_cast<std::size_t>(
      std::max({request.compare_size(), request.success_size(), request.failure_size()}));
  if (count > operations_max) return TooManyOps();
  for (const etcdserverpb::Compare& compare : request.compare()) {
    if (compare.key().empty()) return EmptyKey();
  }
  for (const Operations* branch : {&request.success(), &request.failure()}) {
    for (const RequestOp& operation : *branch) {
      TRY(CheckOperation(operation, operations_max - count));
    }
  }
  return {};
}

template <typename Predicate>
bool AllOperations(const etcdserverpb::TxnRequest& request, Predicate predicate) {
  return std::all_of(request.success().begin(), request.success().end(), predicate) &&
         std::all_of(request.failure().begin(), request.failure().end(), predicate);
}

}  // namespace

Status CheckRange(const etcdserverpb::RangeRequest& request) {
  if (request.key().empty()) return EmptyKey();
  if (!etcdserverpb::RangeRequest::SortOrder_IsValid(request.sort_order()) ||
      !etcdserverpb::RangeRequest::SortTarget_IsValid(request.sort_target())) {
    return Bad("etcdserver: invalid sort option");
  }
  return {};
}

Status CheckPut(const PutView& request) {
  if (request.key.empty()) return EmptyKey();
  if (request.ignore_value && !request.value.empty()) {
    return Bad("etcdserver: value is provided");
  }
  if (request.ignore_lease && request.lease != LeaseId{}) {
    return Bad("etcdserver: lease is provided");
  }
  return {};
}

Status CheckDeleteRange(const etcdserverpb::DeleteRangeRequest& request) {
  return request.key().empty() ? Status(EmptyKey()) : Status();
}

Status CheckTxn(const etcdserverpb::TxnRequest& request, std::size_t operations_max) {
  TRY(CheckOperationsOf(request, operations_max));
  TRY(TouchedBy(request.success()));
  TRY(TouchedBy(request.failure()));
  return {};
}

bool IsReadOnly(const etcdserverpb::TxnRequest& request) {
  return AllOperations(request, [](const RequestOp& op) { return op.has_request_range(); });
}

bool IsSerializable(const etcdserverpb::TxnRequest& request) {
  return AllOperations(request,
                       [](const RequestOp& op) { return op.request_range().serializable(); });
}

}  // namespace quorate::apply
