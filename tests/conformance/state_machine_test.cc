// The state machine against a real etcd: the same random requests get the same answers, errors,
// events and hashes.
#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "etcdclient/client.h"
#include "etcdclient/watch.h"
#include "local_member.h"
#include "peers/etcd.h"
#include "random_requests.h"

namespace quorate::test {
namespace {

using std::chrono::seconds;

// What must agree: everything but the ids and the term of the header.
template <typename Response>
std::string Comparable(Result<Response> response) {
  if (!response.ok()) {
    return "code " + std::to_string(static_cast<int>(response.error().code)) + ": " +
           response.error().message;
  }
  response->mutable_header()->clear_cluster_id();
  response->mutable_header()->clear_member_id();
  response->mutable_header()->clear_raft_term();
  return response->DebugString();
}

class StateMachineTest : public testing::TestWithParam<unsigned> {
 protected:
  void SetUp() override {
    if (Part("etcd").empty()) FAIL() << kNoEtcd;
    etcd_ =
        std::make_unique<EtcdServer>(Part("etcd"), std::vector<std::string>{"--unsafe-no-fsync"});
    ASSERT_TRUE(etcd_->AwaitHealthy()) << etcd_->Log();
    client_ = etcdclient::MakeClient({.endpoints = {etcd_->endpoint()}}).value();
  }

  template <typename Theirs, typename Ours, typename Request>
  void Compare(const Request& request, Theirs theirs, Ours ours) {
    EXPECT_EQ(Comparable(ours), Comparable(theirs)) << request.DebugString();
  }

  void Step() {
    const std::int64_t current = local_.store().revision().value;
    const auto dice = requests_.Draw(100);
    if (dice < 30) {
      const auto request = requests_.Put();
      Compare(request, client_->Put(request), local_.Put(request));
    } else if (dice < 40) {
      const auto request = requests_.Delete();
      Compare(request, client_->DeleteRange(request), local_.DeleteRange(request));
    } else if (dice < 65) {
      const auto request = requests_.Txn(current);
      Compare(request, client_->Txn(request), local_.Txn(request));
    } else if (dice < 90) {
      const auto request = requests_.Range(current);
      Compare(request, client_->Range(request), local_.Range(request));
    } else if (dice < 95) {
      const std::int64_t id = requests_.Lease();
      const std::int64_t ttl = requests_.Draw(20) == 0 ? 9'000'000'001 : 1000 + requests_.Draw(9);
      etcdserverpb::LeaseGrantRequest request;
      request.set_id(id);
      Compare(request, client_->LeaseGrant(seconds(ttl), LeaseId{id}), local_.LeaseGrant(id, ttl));
    } else if (dice < 98) {
      etcdserverpb::LeaseRevokeRequest request;
      request.set_id(requests_.Lease());
      Compare(request, client_->LeaseRevoke(LeaseId{request.id()}),
              local_.LeaseRevoke(request.id()));
    } else {
      etcdserverpb::CompactionRequest request;
      request.set_revision(std::max<std::int64_t>(1, current + 1 - requests_.Draw(30)));
      Compare(request, client_->Compact(Revision{request.revision()}, true),
              local_.Compact(request.revision()));
    }
  }

  void CompareHashes() {
    const std::int64_t current = local_.store().revision().value;
    const std::int64_t compacted = local_.store().compact_revision().value;
    // From the compacted revision itself, for which both keep what they hashed before.
    for (std::int64_t at = std::max<std::int64_t>(compacted, current - 30); at <= current; ++at) {
      if (at <= 0) continue;
      const auto theirs = client_->HashKv(etcd_->endpoint(), Revision{at});
      ASSERT_TRUE(theirs.ok()) << theirs.error().message;
      const auto ours = local_.HashKv(at);
      ASSERT_TRUE(ours.ok());
      EXPECT_EQ(ours->hash, theirs->hash()) << "at " << at << ", compacted at " << compacted;
      EXPECT_EQ(ours->compact_revision.value, theirs->compact_revision());
      EXPECT_EQ(ours->revision.value, theirs->hash_revision());
      EXPECT_EQ(ours->current.value, theirs->header().revision());
    }
  }

  void CompareLeases() {
    for (std::int64_t id = 100; id < 104; ++id) {
      const auto theirs = client_->LeaseTimeToLive(LeaseId{id}, true);
      ASSERT_TRUE(theirs.ok());
      const auto ours = local_.lessor().Find(LeaseId{id}, true);
      EXPECT_EQ(ours.has_value(), theirs->ttl() != -1);
      if (!ours) continue;
      EXPECT_EQ(ours->granted_ttl, theirs->grantedttl());
      std::vector<std::string> keys(theirs->keys().begin(), theirs->keys().end());
      std::sort(keys.begin(), keys.end());
      EXPECT_EQ(ours->keys, keys);
    }
  }

  std::unique_ptr<EtcdServer> etcd_;
  std::unique_ptr<etcdclient::Client> client_;
  LocalMember local_;
  RandomRequests requests_{GetParam()};
};

TEST_P(StateMachineTest, AnswersEveryRequestAsEtcdDoes) {
  for (int step = 0; step < 1500 && !HasFailure(); ++step) {
    Step();
    if (step % 100 == 99) CompareHashes();
  }
  CompareLeases();
}

// Collects what a stream of our hub hears, as one response.
class Collector final : public watch::Sink {
 public:
  bool Offer(watch::Response& response) override {
    for (const auto& event : response.events) bytes += *event;
    return true;
  }
  bool HasRoom() const override { return true; }
  std::string bytes;
};

TEST_P(StateMachineTest, WatchersHearTheSameEvents) {
  etcdserverpb::WatchCreateRequest request;
  request.set_key(std::string(1, '\0'));
  request.set_range_end(std::string(1, '\0'));
  request.set_prev_kv(true);
  auto theirs = etcdclient::Watch::Start(*client_, request);
  ASSERT_TRUE(theirs.ok()) << theirs.error().message;
  Collector live;
  const watch::StreamId stream = local_.hub().Open(live);
  local_.hub().Create(stream,
                      {.key = request.key(), .range_end = request.range_end(), .prev_kv = true});
  for (int step = 0; step < 300 && !HasFailure(); ++step) Step();
  etcdserverpb::WatchResponse ours;
  ASSERT_TRUE(ours.ParseFromString(live.bytes));
  etcdserverpb::WatchResponse heard;
  while (heard.events_size() < ours.events_size()) {
    auto next = (*theirs)->Next(seconds(5));
    ASSERT_TRUE(next.ok() && *next) << heard.events_size() << " of " << ours.events_size();
    heard.MergeFrom(**next);
  }
  ASSERT_EQ(heard.events_size(), ours.events_size());
  for (int i = 0; i < ours.events_size(); ++i) {
    ASSERT_EQ(ours.events(i).DebugString(), heard.events(i).DebugString());
  }
  local_.hub().Close(stream);
}

// Reading the past through a watch, with pairs that compaction has or has not taken.
TEST_P(StateMachineTest, WatchersOfThePastHearTheSameEvents) {
  for (int step = 0; step < 300 && !HasFailure(); ++step) Step();
  const std::int64_t compacted = local_.store().compact_revision().value;
  etcdserverpb::WatchCreateRequest request;
  request.set_key("a");
  request.set_range_end(std::string(1, '\0'));
  request.set_start_revision(std::max<std::int64_t>(1, compacted));
  request.set_prev_kv(true);
  auto theirs = etcdclient::Watch::Start(*client_, request);
  ASSERT_TRUE(theirs.ok());
  Collector past;
  const watch::StreamId stream = local_.hub().Open(past);
  local_.hub().Create(stream, {.key = "a",
                               .range_end = request.range_end(),
                               .start_revision = request.start_revision(),
                               .prev_kv = true});
  while (local_.hub().lagging()) ASSERT_TRUE(local_.hub().CatchUp(10).ok());
  etcdserverpb::WatchResponse ours;
  ASSERT_TRUE(ours.ParseFromString(past.bytes));
  etcdserverpb::WatchResponse heard;
  while (heard.events_size() < ours.events_size()) {
    auto next = (*theirs)->Next(seconds(5));
    ASSERT_TRUE(next.ok() && *next) << heard.events_size() << " of " << ours.events_size();
    heard.MergeFrom(**next);
  }
  for (int i = 0; i < ours.events_size(); ++i) {
    ASSERT_EQ(ours.events(i).DebugString(), heard.events(i).DebugString()) << compacted;
  }
  local_.hub().Close(stream);
}

// QUORATE_SEEDS=50 looks longer.
unsigned SeedCount() {
  const char* wanted = std::getenv("QUORATE_SEEDS");
  return wanted == nullptr ? 3U : static_cast<unsigned>(std::atoi(wanted));
}

INSTANTIATE_TEST_SUITE_P(Seeds, StateMachineTest, testing::Range(1U, 1U + SeedCount()));

}  // namespace
}  // namespace quorate::test
