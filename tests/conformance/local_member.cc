#include "local_member.h"

#include "apply/check.h"
#include "base/check.h"

namespace quorate::test {

using apply::RequestField;

LocalMember::LocalMember() {
  store_ = mvcc::Store::Open({&backend_, &batch_, &lessor_}).value();
  hub_ = std::make_unique<watch::Hub>(*store_);
  applier_ = apply::Applier::Open({.backend = &backend_,
                                   .batch = &batch_,
                                   .store = store_.get(),
                                   .lessor = &lessor_,
                                   .cluster = &cluster_,
                                   .waiters = this},
                                  {.cluster = ClusterId{1}, .member = MemberId{1}})
                 .value();
}

template <typename Response>
Result<Response> LocalMember::Propose(RequestField field, const std::string& message) {
  ++index_;
  raft::Entry entry;
  entry.term = Term{2};
  entry.index = LogIndex{index_};
  entry.data = raft::Payload(apply::MakeRequest(field, message, index_));
  apply::Outcome outcome = applier_->ApplyEntry(entry);
  CHECK(outcome.fatal.ok());
  CHECK(outcome.answered && outcome.request_id == index_);
  CHECK(applier_->Commit().ok());
  while (applier_->maintenance_due()) CHECK(applier_->Maintain(7).ok());
  if (!outcome.response.ok()) return outcome.response.error();
  Response response;
  CHECK(response.ParseFromString(*outcome.response));
  CHECK(response.SerializeAsString() == *outcome.response);  // protobuf would have written the same
  return response;
}

Result<etcdserverpb::RangeResponse> LocalMember::Range(const etcdserverpb::RangeRequest& request) {
  TRY(apply::CheckRange(request));
  const std::string bytes = TRY(applier_->Range(request, Term{2}));
  etcdserverpb::RangeResponse response;
  CHECK(response.ParseFromString(bytes));
  CHECK(response.SerializeAsString() == bytes);
  return response;
}

Result<etcdserverpb::PutResponse> LocalMember::Put(const etcdserverpb::PutRequest& request) {
  const std::string bytes = request.SerializeAsString();
  TRY(apply::CheckPut(*apply::DecodePut(bytes)));
  return Propose<etcdserverpb::PutResponse>(RequestField::kPut, bytes);
}

Result<etcdserverpb::DeleteRangeResponse> LocalMember::DeleteRange(
    const etcdserverpb::DeleteRangeRequest& request) {
  TRY(apply::CheckDeleteRange(request));
  return Propose<etcdserverpb::DeleteRangeResponse>(RequestField::kDeleteRange,
                                                    request.SerializeAsString());
}

Result<etcdserverpb::TxnResponse> LocalMember::Txn(const etcdserverpb::TxnRequest& request) {
  TRY(apply::CheckTxn(request, 128));
  if (!apply::IsReadOnly(request)) {
    return Propose<etcdserverpb::TxnResponse>(RequestField::kTxn, request.SerializeAsString());
  }
  const std::string bytes = TRY(applier_->ReadTxn(request, Term{2}));
  etcdserverpb::TxnResponse response;
  CHECK(response.ParseFromString(bytes));
  CHECK(response.SerializeAsString() == bytes);
  return response;
}

Result<etcdserverpb::CompactionResponse> LocalMember::Compact(std::int64_t revision) {
  etcdserverpb::CompactionRequest request;
  request.set_revision(revision);
  return Propose<etcdserverpb::CompactionResponse>(RequestField::kCompaction,
                                                   request.SerializeAsString());
}

Result<etcdserverpb::LeaseGrantResponse> LocalMember::LeaseGrant(std::int64_t id,
                                                                 std::int64_t ttl) {
  etcdserverpb::LeaseGrantRequest request;
  request.set_id(id);
  request.set_ttl(ttl);
  return Propose<etcdserverpb::LeaseGrantResponse>(RequestField::kLeaseGrant,
                                                   request.SerializeAsString());
}

Result<etcdserverpb::LeaseRevokeResponse> LocalMember::LeaseRevoke(std::int64_t id) {
  etcdserverpb::LeaseRevokeRequest request;
  request.set_id(id);
  return Propose<etcdserverpb::LeaseRevokeResponse>(RequestField::kLeaseRevoke,
                                                    request.SerializeAsString());
}

Result<mvcc::HashTask::Hash> LocalMember::HashKv(std::int64_t revision) {
  if (const auto* kept = applier_->compaction_hashes().Find(Revision{revision})) {
    mvcc::HashTask::Hash hash = *kept;
    hash.current = store_->revision();
    return hash;
  }
  const auto task = TRY(store_->StartHash(Revision{revision}));
  while (!TRY(task->Step(100))) {
  }
  return task->result();
}

}  // namespace quorate::test
