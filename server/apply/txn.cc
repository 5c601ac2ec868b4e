#include "apply/txn.h"

#include <algorithm>
#include <compare>
#include <functional>
#include <optional>
#include <vector>

#include "apply/answer.h"
#include "base/fields.h"
#include "base/site.h"
#include "mvcc/errors.h"
#include "mvcc/range.h"
#include "mvcc/record.h"

namespace quorate::apply {
namespace {

using etcdserverpb::Compare;
using etcdserverpb::RequestOp;
using etcdserverpb::TxnRequest;

using Operations = google::protobuf::RepeatedPtrField<RequestOp>;

// Branches: for a transaction and, in order of operations, those nested on its chosen branch.
using Path = std::vector<bool>;

// Field numbers in ResponseOp.
constexpr unsigned kResponseRange = 1;
constexpr unsigned kResponsePut = 2;
constexpr unsigned kResponseDeleteRange = 3;
constexpr unsigned kResponseTxn = 4;

bool Holds(Compare::CompareResult wanted, std::strong_ordering actual) {
  switch (wanted) {
    case Compare::EQUAL:
      return actual == std::strong_ordering::equal;
    case Compare::NOT_EQUAL:
      return actual != std::strong_ordering::equal;
    case Compare::GREATER:
      return actual == std::strong_ordering::greater;
    case Compare::LESS:
      return actual == std::strong_ordering::less;
    default:
      return true;  // as etcd treats a result it does not know
  }
}

bool HoldsFor(const Compare& compare, const mvcc::Record& record) {
  const auto order = [&compare](auto actual, auto wanted) {
    return Holds(compare.result(), actual <=> wanted);
  };
  switch (compare.target()) {
    case Compare::VALUE:
      return order(record.value, std::string_view(compare.value()));
    case Compare::CREATE:
      return order(record.create_revision.value, compare.create_revision());
    case Compare::MOD:
      return order(record.mod_revision.value, compare.mod_revision());
    case Compare::VERSION:
      return order(record.version, compare.version());
    case Compare::LEASE:
      return order(record.lease.value, compare.lease());
    default:
      return true;
  }
}

// Calls visit(KeyValue bytes) for each pair of an answer until it returns false.
void ForEachPair(std::string_view body, const std::function<bool(std::string_view)>& visit) {
  constexpr unsigned char kPairsTag = (2U << 3U) | 2U;
  while (!body.empty() && static_cast<unsigned char>(body.front()) == kPairsTag) {
    body.remove_prefix(1);
    std::uint64_t size = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(body.front());
      body.remove_prefix(1);
      size |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
      if (byte < 0x80) break;
    }
    if (!visit(body.substr(0, size))) return;
    body.remove_prefix(size);
  }
}

Result<bool> Evaluate(const Compare& compare, mvcc::Store& store) {
  mvcc::RangeQuery query;
  query.key = compare.key();
  query.range_end = compare.range_end();
  const mvcc::RangeAnswer answer = TRY(store.Range(query));
  if (answer.rows == 0) {
    if (compare.target() == Compare::VALUE) return false;
    return HoldsFor(compare, mvcc::Record{});
  }
  bool all = true;
  ForEachPair(answer.body, [&](std::string_view pair) {
    mvcc::Record record;
    all = mvcc::Decode(pair, &record) && HoldsFor(compare, record);
    return all;
  });
  return all;
}

const Operations& Chosen(const TxnRequest& request, bool succeeded) {
  return succeeded ? request.success() : request.failure();
}

Status ChoosePath(const TxnRequest& request, mvcc::Store& store, Path& path) {
  bool succeeded = true;
  for (const Compare& compare : request.compare()) {
    succeeded = TRY(Evaluate(compare, store));
    if (!succeeded) break;
  }
  if (QUORATE_PLANTED("apply.txn_takes_the_other_branch")) succeeded = !succeeded;
  path.push_back(succeeded);
  for (const RequestOp& operation : Chosen(request, succeeded)) {
    if (operation.has_request_txn()) TRY(ChoosePath(operation.request_txn(), store, path));
  }
  return {};
}

Status CheckPutNow(const etcdserverpb::PutRequest& put, mvcc::Store& store,
                   const mvcc::LeaseBook& leases) {
  // In this order, which a lone put does not have.
  if ((put.ignore_value() || put.ignore_lease()) && !store.Latest(put.key())) {
    return mvcc::KeyNotFound();
  }
  if (put.lease() != 0 && !leases.Exists(LeaseId{put.lease()})) return mvcc::LeaseNotFound();
  return {};
}

Status CheckRangeNow(const etcdserverpb::RangeRequest& range, const mvcc::Store& store) {
  if (range.revision() <= 0) return {};
  if (range.revision() > store.revision().value) return mvcc::FutureRevision();
  if (range.revision() < store.compact_revision().value) return mvcc::Compacted();
  return {};
}

// What could fail on the chosen path, before anything is changed. `next` walks the path.
Status CheckPath(const TxnRequest& request, mvcc::Store& store, const mvcc::LeaseBook* leases,
                 const Path& path, std::size_t& next) {
  for (const RequestOp& operation : Chosen(request, path[next++])) {
    if (operation.has_request_range()) {
      TRY(CheckRangeNow(operation.request_range(), store));
    } else if (operation.has_request_put() && leases != nullptr) {
      TRY(CheckPutNow(operation.request_put(), store, *leases));
    } else if (operation.has_request_txn()) {
      TRY(CheckPath(operation.request_txn(), store, leases, path, next));
    }
  }
  return {};
}

void AppendOperation(std::string& body, unsigned field, std::string_view response) {
  constexpr unsigned kResponses = 3;
  std::string operation;
  operation.reserve(response.size() + 8);
  fields::AppendText(operation, field, response);
  fields::AppendText(body, kResponses, operation);
}

class Execution {
 public:
  Execution(mvcc::WriteTxn& txn, const mvcc::LeaseBook& leases, const Path& path)
      : txn_(txn), leases_(leases), path_(path) {}

  // Carries out the chosen branch; TxnResponse fields without the header.
  Result<std::string> Run(const TxnRequest& request) {
    const bool succeeded = path_[next_++];
    std::string body;
    fields::AppendFlag(body, 2, succeeded);
    for (const RequestOp& operation : Chosen(request, succeeded)) {
      TRY(RunOne(operation, body));
    }
    return body;
  }

 private:
  Status RunOne(const RequestOp& operation, std::string& body) {
    switch (operation.request_case()) {
      case RequestOp::kRequestRange: {
        const auto query = mvcc::RangeQuery::FromProto(operation.request_range());
        const mvcc::RangeAnswer answer = TRY(txn_.Range(query));
        AppendOperation(body, kResponseRange,
                        MakeAnswer(MakeNestedHeader(answer.revision), answer.body));
        return {};
      }
      case RequestOp::kRequestPut: {
        const auto& put = operation.request_put();
        const std::string fields = TRY(ApplyPut({.key = put.key(),
                                                 .value = put.value(),
                                                 .lease = LeaseId{put.lease()},
                                                 .prev_kv = put.prev_kv(),
                                                 .ignore_value = put.ignore_value(),
                                                 .ignore_lease = put.ignore_lease()},
                                                txn_, leases_));
        AppendOperation(body, kResponsePut, MakeAnswer(MakeNestedHeader(txn_.revision()), fields));
        return {};
      }
      case RequestOp::kRequestDeleteRange: {
        const auto& request = operation.request_delete_range();
        const std::string fields =
            TRY(ApplyDeleteRange(request.key(), request.range_end(), request.prev_kv(), txn_));
        AppendOperation(body, kResponseDeleteRange,
                        MakeAnswer(MakeNestedHeader(txn_.revision()), fields));
        return {};
      }
      case RequestOp::kRequestTxn:
        AppendOperation(body, kResponseTxn, MakeAnswer({}, TRY(Run(operation.request_txn()))));
        return {};
      case RequestOp::REQUEST_NOT_SET:
        return {};
    }
    return {};
  }

  mvcc::WriteTxn& txn_;
  const mvcc::LeaseBook& leases_;
  const Path& path_;
  std::size_t next_ = 0;
};

}  // namespace

Result<TxnOutcome> ApplyTxn(const TxnRequest& request, mvcc::Store& store,
                            const mvcc::LeaseBook& leases) {
  Path path;
  TRY(ChoosePath(request, store, path));
  std::size_t next = 0;
  TRY(CheckPath(request, store, &leases, path, next));
  mvcc::WriteTxn txn(store);
  Result<std::string> body = Execution(txn, leases, path).Run(request);
  const Revision revision = txn.End();
  if (!body.ok()) {  // half carried out: this member's state is no longer everybody's
    return Error{Code::kDataLoss, "transaction failed midway: " + body.error().message};
  }
  return TxnOutcome{revision, std::move(*body)};
}

Result<TxnOutcome> ReadTxn(const TxnRequest& request, mvcc::Store& store) {
  Path path;
  TRY(ChoosePath(request, store, path));
  std::size_t next = 0;
  TRY(CheckPath(request, store, nullptr, path, next));
  std::string body;
  fields::AppendFlag(body, 2, path[0]);
  for (const RequestOp& operation : Chosen(request, path[0])) {
    auto query = mvcc::RangeQuery::FromProto(operation.request_range());
    query.bytes_max = mvcc::kAnswerBytesMax - std::min(mvcc::kAnswerBytesMax, body.size());
    const mvcc::RangeAnswer answer = TRY(store.Range(query));
    AppendOperation(body, kResponseRange,
                    MakeAnswer(MakeNestedHeader(answer.revision), answer.body));
  }
  return TxnOutcome{store.revision(), std::move(body)};
}

Result<std::string> ApplyPut(const PutView& request, mvcc::WriteTxn& txn,
                             const mvcc::LeaseBook& leases) {
  if (request.lease != LeaseId{} && !leases.Exists(request.lease)) return mvcc::LeaseNotFound();
  std::string fields;
  PutView put = request;
  std::optional<std::string> previous;
  mvcc::Record record;
  if (request.prev_kv || request.ignore_value || request.ignore_lease) {
    previous = TRY(txn.Get(request.key));
    if (previous && !mvcc::Decode(*previous, &record)) {
      return Error{Code::kDataLoss, "a stored pair is damaged"};
    }
    if (!previous && (request.ignore_value || request.ignore_lease)) return mvcc::KeyNotFound();
    if (request.ignore_value) put.value = record.value;
    if (request.ignore_lease) put.lease = record.lease;
  }
  if (request.prev_kv && previous) fields::AppendText(fields, 2, *previous);
  txn.Put(put.key, put.value, put.lease);
  return fields;
}

Result<std::string> ApplyDeleteRange(std::string_view key, std::string_view range_end, bool prev_kv,
                                     mvcc::WriteTxn& txn) {
  std::string pairs;
  if (prev_kv) {
    mvcc::RangeQuery query;
    query.key = key;
    query.range_end = range_end;
    const mvcc::RangeAnswer answer = TRY(txn.Range(query));
    ForEachPair(answer.body, [&pairs](std::string_view pair) {
      fields::AppendText(pairs, 3, pair);
      return true;
    });
  }
  std::string fields;
  fields::AppendUnlessZero(fields, 2, txn.DeleteRange(key, range_end));
  return fields + pairs;
}

}  // namespace quorate::apply
