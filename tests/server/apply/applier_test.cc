#include "apply/applier.h"

#include "server/apply/machine.h"

namespace quorate::apply {
namespace {

using etcdserverpb::AlarmRequest;

AlarmRequest Alarm(AlarmRequest::AlarmAction action, etcdserverpb::AlarmType type) {
  AlarmRequest request;
  request.set_action(action);
  request.set_memberid(0xa);
  request.set_alarm(type);
  return request;
}

TEST(ApplierTest, APutAnswersWithTheHeaderOfItsMoment) {
  Machine machine;
  const auto response = machine.Put("a", "1");
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->header().cluster_id(), 0xcU);
  EXPECT_EQ(response->header().member_id(), 0xaU);
  EXPECT_EQ(response->header().revision(), 2);
  EXPECT_EQ(response->header().raft_term(), 2U);
  EXPECT_EQ(machine.Content(), "a=1");
}

TEST(ApplierTest, PrevKvAndIgnoreFlagsMeanWhatEtcdMeans) {
  Machine machine;
  ASSERT_TRUE(machine.Put("a", "1").ok());
  etcdserverpb::PutRequest request;
  request.set_key("a");
  request.set_value("2");
  request.set_prev_kv(true);
  auto response = machine.Apply<etcdserverpb::PutResponse>(RequestField::kPut, request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->prev_kv().value(), "1");

  request.Clear();
  request.set_key("a");
  request.set_ignore_value(true);
  ASSERT_TRUE(machine.Apply<etcdserverpb::PutResponse>(RequestField::kPut, request).ok());
  EXPECT_EQ(machine.Content(), "a=2");
  EXPECT_EQ(machine.store().revision(), Revision{4}) << "the same value is a new version";

  request.set_key("nothing");
  EXPECT_EQ(machine.Apply<etcdserverpb::PutResponse>(RequestField::kPut, request).error().message,
            "etcdserver: key not found");
  EXPECT_EQ(machine.Put("a", "1", 99).error().message, "etcdserver: requested lease not found");
  EXPECT_EQ(machine.store().revision(), Revision{4}) << "what failed left no trace";
}

TEST(ApplierTest, ADeletionThatMatchesNothingMovesNoRevision) {
  Machine machine;
  ASSERT_TRUE(machine.Put("a", "1").ok());
  etcdserverpb::DeleteRangeRequest request;
  request.set_key("b");
  auto response =
      machine.Apply<etcdserverpb::DeleteRangeResponse>(RequestField::kDeleteRange, request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->deleted(), 0);
  EXPECT_EQ(response->header().revision(), 2);

  request.set_key("a");
  request.set_prev_kv(true);
  response = machine.Apply<etcdserverpb::DeleteRangeResponse>(RequestField::kDeleteRange, request);
  EXPECT_EQ(response->deleted(), 1);
  EXPECT_EQ(response->prev_kvs(0).value(), "1");
  EXPECT_EQ(response->header().revision(), 3);
}

TEST(ApplierTest, RevokingALeaseDeletesItsKeysInOneRevision) {
  Machine machine;
  etcdserverpb::LeaseGrantRequest grant;
  grant.set_id(5);
  grant.set_ttl(60);
  const auto granted =
      machine.Apply<etcdserverpb::LeaseGrantResponse>(RequestField::kLeaseGrant, grant);
  ASSERT_TRUE(granted.ok());
  EXPECT_EQ(granted->ttl(), 60);
  ASSERT_TRUE(machine.Put("b", "1", 5).ok());
  ASSERT_TRUE(machine.Put("a", "1", 5).ok());
  ASSERT_TRUE(machine.Put("c", "1").ok());
  etcdserverpb::LeaseRevokeRequest revoke;
  revoke.set_id(5);
  const auto revoked =
      machine.Apply<etcdserverpb::LeaseRevokeResponse>(RequestField::kLeaseRevoke, revoke);
  ASSERT_TRUE(revoked.ok());
  EXPECT_EQ(revoked->header().revision(), 5);
  EXPECT_EQ(machine.Content(), "c=1");
}

TEST(ApplierTest, ANoSpaceAlarmStopsWhatGrowsAndNothingElse) {
  Machine machine;
  ASSERT_TRUE(machine.Put("a", "1").ok());
  ASSERT_TRUE(machine
                  .Apply<etcdserverpb::AlarmResponse>(
                      RequestField::kAlarm, Alarm(AlarmRequest::ACTIVATE, etcdserverpb::NOSPACE))
                  .ok());
  EXPECT_EQ(machine.Put("b", "1").error().message, "etcdserver: mvcc: database space exceeded");
  etcdserverpb::DeleteRangeRequest request;
  request.set_key("a");
  EXPECT_TRUE(
      machine.Apply<etcdserverpb::DeleteRangeResponse>(RequestField::kDeleteRange, request).ok());
  EXPECT_EQ(machine.Content(), "");
  const auto cleared = machine.Apply<etcdserverpb::AlarmResponse>(
      RequestField::kAlarm, Alarm(AlarmRequest::DEACTIVATE, etcdserverpb::NOSPACE));
  EXPECT_EQ(cleared->alarms_size(), 1);
  EXPECT_TRUE(machine.Put("b", "1").ok());
}

TEST(ApplierTest, ACorruptAlarmStopsEveryChange) {
  Machine machine;
  ASSERT_TRUE(machine
                  .Apply<etcdserverpb::AlarmResponse>(
                      RequestField::kAlarm, Alarm(AlarmRequest::ACTIVATE, etcdserverpb::CORRUPT))
                  .ok());
  EXPECT_EQ(machine.Put("b", "1").error().message, "etcdserver: corrupt cluster");
}

TEST(ApplierTest, AMemberOverItsQuotaChangesItsStateLikeEverybody) {
  Machine machine(1);  // one byte
  EXPECT_EQ(machine.Put("a", "1").error().message, "etcdserver: mvcc: database space exceeded");
  EXPECT_EQ(machine.Content(), "a=1") << "other members have room and made the change";
  etcdserverpb::TxnRequest txn;
  auto& put = *txn.add_success()->mutable_request_put();
  put.set_key("b");
  put.set_value("2");
  EXPECT_FALSE(machine.Apply<etcdserverpb::TxnResponse>(RequestField::kTxn, txn).ok());
  EXPECT_EQ(machine.Content(), "a=1 b=2");
  etcdserverpb::LeaseGrantRequest grant;
  grant.set_id(5);
  grant.set_ttl(60);
  EXPECT_FALSE(
      machine.Apply<etcdserverpb::LeaseGrantResponse>(RequestField::kLeaseGrant, grant).ok());
  EXPECT_TRUE(machine.lessor().Exists(LeaseId{5}));
}

TEST(ApplierTest, CompactionRefusesThePastAndTheFuture) {
  Machine machine;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(machine.Put("a", std::to_string(i)).ok());
  etcdserverpb::CompactionRequest request;
  request.set_revision(4);
  const auto apply = [&] {
    return machine.Apply<etcdserverpb::CompactionResponse>(RequestField::kCompaction, request);
  };
  EXPECT_TRUE(apply().ok());
  EXPECT_EQ(apply().error().message, "etcdserver: mvcc: required revision has been compacted");
  request.set_revision(100);
  EXPECT_EQ(apply().error().message, "etcdserver: mvcc: required revision is a future revision");
}

TEST(ApplierTest, APhysicalCompactionAnswersWhenTheRevisionsAreGone) {
  Machine machine;
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(machine.Put("a", std::to_string(i)).ok());
  ASSERT_TRUE(machine.applier().Commit().ok());
  etcdserverpb::CompactionRequest request;
  request.set_revision(40);
  request.set_physical(true);
  const Outcome outcome =
      machine.ApplyBytes(MakeRequest(RequestField::kCompaction, request.SerializeAsString(), 9));
  EXPECT_FALSE(outcome.answered);
  ASSERT_TRUE(machine.applier().Commit().ok());
  std::vector<Outcome> finished;
  for (int i = 0; i < 100 && finished.empty(); ++i) {
    finished = machine.applier().Maintain(10).value();
  }
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_EQ(finished[0].request_id, 9U);
  EXPECT_FALSE(machine.applier().maintenance_due());
}

TEST(ApplierTest, AnEntryThatCannotBeAppliedLikeEverybodyStopsTheProcess) {
  Machine machine;
  etcdserverpb::InternalRaftRequest request;
  request.mutable_header()->set_id(1);
  request.mutable_auth_enable();
  EXPECT_FALSE(machine.ApplyBytes(request.SerializeAsString()).fatal.ok());
  EXPECT_FALSE(machine.ApplyBytes("\xff\xff garbage").fatal.ok());
}

TEST(ApplierTest, AppliesAnIndexOnce) {
  Machine machine;
  ASSERT_TRUE(machine.Put("a", "1").ok());
  raft::Entry again;
  again.index = LogIndex{1};
  again.term = Term{2};
  etcdserverpb::PutRequest put;
  put.set_key("a");
  put.set_value("again");
  again.data = raft::Payload(MakeRequest(RequestField::kPut, put.SerializeAsString(), 1));
  EXPECT_FALSE(machine.applier().ApplyEntry(again).answered);
  EXPECT_EQ(machine.Content(), "a=1");
}

TEST(ApplierTest, ARefusedMembershipChangeReachesRaftAsNothing) {
  Machine machine;
  raft::Entry entry;
  entry.index = LogIndex{1};
  entry.term = Term{1};
  entry.type = raft::EntryType::kConfChange;
  const ConfOutcome outcome = machine.applier().ApplyConfChange(
      entry, {.id = 3, .type = raft::ConfChangeType::kRemoveNode, .member = MemberId{77}});
  EXPECT_EQ(outcome.request_id, 3U);
  EXPECT_EQ(outcome.status.error().message, "etcdserver: member not found");
  EXPECT_EQ(outcome.change.member, MemberId{});
}

// A member that came back with one and not the other would count other voters than it lists.
TEST(ApplierTest, TheTableOfMembersAndRaftsConfigurationReachTheStoreTogether) {
  Machine machine;
  raft::Entry entry;
  entry.index = LogIndex{1};
  entry.term = Term{1};
  entry.type = raft::EntryType::kConfChange;
  const membership::Member added{MemberId{77}, {"http://b:2380"}, false, "b", {}};
  const ConfOutcome outcome =
      machine.applier().ApplyConfChange(entry, {.id = 3,
                                                .type = raft::ConfChangeType::kAddNode,
                                                .member = MemberId{77},
                                                .context = membership::ToJson(added)});
  EXPECT_TRUE(outcome.status.ok()) << outcome.status.error().message;
  machine.applier().SetConfState(R"({"voters":[77]})");
  const auto stored = [&](storage::Family family, std::string_view row) {
    std::string value;
    return *machine.backend().Get(family, row, &value);
  };
  const std::string member = std::string(storage::kMemberPrefix) + "4d";
  EXPECT_FALSE(stored(storage::Family::kMember, member));
  EXPECT_FALSE(stored(storage::Family::kMeta, storage::kConfState));
  ASSERT_TRUE(machine.applier().Commit().ok());
  EXPECT_TRUE(stored(storage::Family::kMember, member));
  EXPECT_TRUE(stored(storage::Family::kMeta, storage::kConfState));
  EXPECT_EQ(machine.backend().position().index, LogIndex{1});
}

TEST(ApplierTest, EffectsAndPositionReachTheStoreTogether) {
  Machine machine;
  ASSERT_TRUE(machine.Put("a", "1").ok());
  EXPECT_EQ(machine.backend().position().index, LogIndex{0});
  ASSERT_TRUE(machine.applier().Commit().ok());
  EXPECT_EQ(machine.backend().position(), (storage::LogPosition{LogIndex{1}, Term{2}}));
}

}  // namespace
}  // namespace quorate::apply
