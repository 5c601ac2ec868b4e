// Machine: a whole state machine on a memory store, for tests of applying: requests in, answers
// out.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "apply/applier.h"
#include "proto/rpc.pb.h"
#include "sim/clock.h"
#include "storage/memory_backend.h"

namespace quorate::apply {

class Machine : public Waiters {
 public:
  explicit Machine(std::int64_t quota_bytes = 0) {
    auto store_opened =
        mvcc::Store::Open({.backend = &backend_, .batch = &batch_, .leases = &lessor_});
    store_ = std::move(store_opened).value();
    auto opened = Applier::Open(
        {.backend = &backend_,
         .batch = &batch_,
         .store = store_.get(),
         .lessor = &lessor_,
         .cluster = &cluster_,
         .waiters = this},
        {.cluster = ClusterId{0xc}, .member = MemberId{0xa}, .quota_bytes = quota_bytes});
    applier_ = std::move(opened).value();
  }

  bool Waits(std::uint64_t) const override { return true; }

  Outcome ApplyBytes(std::string bytes) {
    raft::Entry entry;
    entry.index = LogIndex{++index_};
    entry.term = Term{2};
    entry.data = raft::Payload(std::move(bytes));
    return applier_->ApplyEntry(entry);
  }

  template <typename Response>
  Result<Response> Apply(RequestField field, const google::protobuf::Message& request) {
    const Outcome outcome = ApplyBytes(MakeRequest(field, request.SerializeAsString(), 7));
    EXPECT_TRUE(outcome.fatal.ok());
    EXPECT_EQ(outcome.request_id, 7U);
    if (!outcome.response.ok()) return outcome.response.error();
    Response response;
    EXPECT_TRUE(response.ParseFromString(*outcome.response));
    return response;
  }

  Result<etcdserverpb::PutResponse> Put(const std::string& key, const std::string& value,
                                        std::int64_t lease = 0) {
    etcdserverpb::PutRequest request;
    request.set_key(key);
    request.set_value(value);
    request.set_lease(lease);
    return Apply<etcdserverpb::PutResponse>(RequestField::kPut, request);
  }

  // "a=1 b=2", in key order.
  std::string Content() {
    etcdserverpb::RangeRequest request;
    request.set_key(std::string(1, '\0'));
    request.set_range_end(std::string(1, '\0'));
    etcdserverpb::RangeResponse response;
    EXPECT_TRUE(response.ParseFromString(*applier_->Range(request, Term{2})));
    std::string text;
    for (const auto& kv : response.kvs()) {
      text += (text.empty() ? "" : " ") + kv.key() + "=" + kv.value();
    }
    return text;
  }

  Applier& applier() { return *applier_; }
  mvcc::Store& store() { return *store_; }
  lease::Lessor& lessor() { return lessor_; }
  membership::Cluster& cluster() { return cluster_; }
  storage::Backend& backend() { return backend_; }

 private:
  storage::MemoryBackend backend_{std::make_shared<storage::MemoryStorage>()};
  storage::Batch batch_;
  sim::Clock clock_;
  lease::Lessor lessor_{lease::Options{}, clock_};
  membership::Cluster cluster_{ClusterId{0xc}, 1};
  std::unique_ptr<mvcc::Store> store_;
  std::unique_ptr<Applier> applier_;
  std::uint64_t index_ = 0;
};

}  // namespace quorate::apply
