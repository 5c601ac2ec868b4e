// LocalMember: our state machine alone, asked as a client would: no raft, no network.
//
// Every request takes the way it takes in a member: checked as the api does, encoded as an entry,
// applied, committed, and its answer decoded.
#pragma once

#include <memory>
#include <string>

#include "apply/applier.h"
#include "apply/request.h"
#include "proto/rpc.pb.h"
#include "sim/clock.h"
#include "storage/memory_backend.h"
#include "watch/hub.h"

namespace quorate::test {

class LocalMember final : public apply::Waiters {
 public:
  LocalMember();

  Result<etcdserverpb::RangeResponse> Range(const etcdserverpb::RangeRequest& request);
  Result<etcdserverpb::PutResponse> Put(const etcdserverpb::PutRequest& request);
  Result<etcdserverpb::DeleteRangeResponse> DeleteRange(
      const etcdserverpb::DeleteRangeRequest& request);
  Result<etcdserverpb::TxnResponse> Txn(const etcdserverpb::TxnRequest& request);
  Result<etcdserverpb::CompactionResponse> Compact(std::int64_t revision);
  Result<etcdserverpb::LeaseGrantResponse> LeaseGrant(std::int64_t id, std::int64_t ttl);
  Result<etcdserverpb::LeaseRevokeResponse> LeaseRevoke(std::int64_t id);
  Result<mvcc::HashTask::Hash> HashKv(std::int64_t revision);

  mvcc::Store& store() { return *store_; }
  watch::Hub& hub() { return *hub_; }
  lease::Lessor& lessor() { return lessor_; }

  bool Waits(std::uint64_t) const override { return true; }

 private:
  template <typename Response>
  Result<Response> Propose(apply::RequestField field, const std::string& message);

  sim::Clock clock_;
  storage::MemoryBackend backend_{std::make_shared<storage::MemoryStorage>()};
  storage::Batch batch_;
  lease::Lessor lessor_{{}, clock_};
  membership::Cluster cluster_{ClusterId{1}, 1};
  std::unique_ptr<mvcc::Store> store_;
  std::unique_ptr<watch::Hub> hub_;
  std::unique_ptr<apply::Applier> applier_;
  std::uint64_t index_ = 0;
};

}  // namespace quorate::test
