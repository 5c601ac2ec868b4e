// Field numbers are the contract with every etcd client, every peer and every file on disk.
// Each table line is "message: field=number ...", all fields, in declaration order.
#include <google/protobuf/descriptor.h>

#include <string>

#include "proto/auth.pb.h"
#include "proto/election.pb.h"
#include "proto/health.pb.h"
#include "proto/lease.pb.h"
#include "proto/lock.pb.h"
#include "proto/membership.pb.h"
#include "proto/mvcc.pb.h"
#include "proto/raft_internal.pb.h"
#include "proto/rpc.pb.h"

namespace quorate {
namespace {

std::string Fields(const google::protobuf::Descriptor& message) {
  std::string text = message.full_name() + ":";
  for (int i = 0; i < message.field_count(); ++i) {
    text += " " + message.field(i)->name() + "=" + std::to_string(message.field(i)->number());
  }
  return text;
}

template <typename Message>
std::string Fields() {
  return Fields(*Message::descriptor());
}

std::string Methods(const google::protobuf::FileDescriptor& file, const std::string& service) {
  std::string text;
  const auto* found = file.FindServiceByName(service);
  if (found == nullptr) return "no such service";
  for (int i = 0; i < found->method_count(); ++i) {
    const auto* method = found->method(i);
    text += (i == 0 ? "" : " ") + method->name();
    if (method->client_streaming()) text += "<";
    if (method->server_streaming()) text += ">";
  }
  return found->full_name() + ": " + text;
}

// The full names of all texts that protobuf would check in a message and those within it.
void AddTexts(const google::protobuf::Descriptor& message, std::string& texts) {
  for (int i = 0; i < message.field_count(); ++i) {
    if (message.field(i)->type() == google::protobuf::FieldDescriptor::TYPE_STRING) {
      texts += message.field(i)->full_name() + " ";
    }
  }
  for (int i = 0; i < message.nested_type_count(); ++i) AddTexts(*message.nested_type(i), texts);
}

std::string TextsOf(const google::protobuf::Descriptor& any_of_file) {
  std::string texts;
  const auto& file = *any_of_file.file();
  for (int i = 0; i < file.message_type_count(); ++i) AddTexts(*file.message_type(i), texts);
  return texts;
}

using namespace etcdserverpb;  // NOLINT(google-build-using-namespace): the tables name little else

TEST(ProtoNumbersTest, StoredMessagesKeepTheirNumbers) {
  EXPECT_EQ(Fields<mvccpb::KeyValue>(),
            "mvccpb.KeyValue: key=1 create_revision=2 mod_revision=3 version=4 value=5 lease=6");
  EXPECT_EQ(Fields<mvccpb::Event>(), "mvccpb.Event: type=1 kv=2 prev_kv=3");
  EXPECT_EQ(Fields<leasepb::Lease>(), "leasepb.Lease: ID=1 TTL=2 RemainingTTL=3");
  EXPECT_EQ(Fields<authpb::User>(), "authpb.User: name=1 password=2 roles=3 options=4");
  EXPECT_EQ(Fields<authpb::Role>(), "authpb.Role: name=1 keyPermission=2");
  EXPECT_EQ(Fields<authpb::Permission>(), "authpb.Permission: permType=1 key=2 range_end=3");
  EXPECT_EQ(Fields<membershippb::Member>(),
            "membershippb.Member: ID=1 raft_attributes=2 member_attributes=3");
  EXPECT_EQ(Fields<membershippb::RaftAttributes>(),
            "membershippb.RaftAttributes: peer_urls=1 is_learner=2");
  EXPECT_EQ(Fields<membershippb::Attributes>(), "membershippb.Attributes: name=1 client_urls=2");
}

TEST(ProtoNumbersTest, KvMessagesKeepTheirNumbers) {
  EXPECT_EQ(Fields<ResponseHeader>(),
            "etcdserverpb.ResponseHeader: cluster_id=1 member_id=2 revision=3 raft_term=4");
  EXPECT_EQ(Fields<RangeRequest>(),
            "etcdserverpb.RangeRequest: key=1 range_end=2 limit=3 revision=4 sort_order=5 "
            "sort_target=6 serializable=7 keys_only=8 count_only=9 min_mod_revision=10 "
            "max_mod_revision=11 min_create_revision=12 max_create_revision=13");
  EXPECT_EQ(Fields<RangeResponse>(), "etcdserverpb.RangeResponse: header=1 kvs=2 more=3 count=4");
  EXPECT_EQ(Fields<PutRequest>(),
            "etcdserverpb.PutRequest: key=1 value=2 lease=3 prev_kv=4 ignore_value=5 "
            "ignore_lease=6");
  EXPECT_EQ(Fields<DeleteRangeRequest>(),
            "etcdserverpb.DeleteRangeRequest: key=1 range_end=2 prev_kv=3");
  EXPECT_EQ(Fields<DeleteRangeResponse>(),
            "etcdserverpb.DeleteRangeResponse: header=1 deleted=2 prev_kvs=3");
  EXPECT_EQ(Fields<Compare>(),
            "etcdserverpb.Compare: result=1 target=2 key=3 version=4 create_revision=5 "
            "mod_revision=6 value=7 lease=8 range_end=64");
  EXPECT_EQ(Fields<RequestOp>(),
            "etcdserverpb.RequestOp: request_range=1 request_put=2 request_delete_range=3 "
            "request_txn=4");
  EXPECT_EQ(Fields<TxnRequest>(), "etcdserverpb.TxnRequest: compare=1 success=2 failure=3");
  EXPECT_EQ(Fields<TxnResponse>(), "etcdserverpb.TxnResponse: header=1 succeeded=2 responses=3");
  EXPECT_EQ(Fields<CompactionRequest>(), "etcdserverpb.CompactionRequest: revision=1 physical=2");
}

TEST(ProtoNumbersTest, WatchAndLeaseMessagesKeepTheirNumbers) {
  EXPECT_EQ(Fields<WatchCreateRequest>(),
            "etcdserverpb.WatchCreateRequest: key=1 range_end=2 start_revision=3 "
            "progress_notify=4 filters=5 prev_kv=6 watch_id=7 fragment=8");
  EXPECT_EQ(Fields<WatchResponse>(),
            "etcdserverpb.WatchResponse: header=1 watch_id=2 created=3 canceled=4 "
            "compact_revision=5 cancel_reason=6 fragment=7 events=11");
  EXPECT_EQ(Fields<LeaseGrantResponse>(),
            "etcdserverpb.LeaseGrantResponse: header=1 ID=2 TTL=3 error=4");
  EXPECT_EQ(Fields<LeaseTimeToLiveResponse>(),
            "etcdserverpb.LeaseTimeToLiveResponse: header=1 ID=2 TTL=3 grantedTTL=4 keys=5");
  EXPECT_EQ(Fields<LeaseCheckpoint>(), "etcdserverpb.LeaseCheckpoint: ID=1 remaining_TTL=2");
}

TEST(ProtoNumbersTest, ClusterAndMaintenanceMessagesKeepTheirNumbers) {
  EXPECT_EQ(Fields<etcdserverpb::Member>(),
            "etcdserverpb.Member: ID=1 name=2 peerURLs=3 clientURLs=4 isLearner=5");
  EXPECT_EQ(Fields<MemberAddResponse>(),
            "etcdserverpb.MemberAddResponse: header=1 member=2 members=3");
  EXPECT_EQ(Fields<StatusResponse>(),
            "etcdserverpb.StatusResponse: header=1 version=2 dbSize=3 leader=4 raftIndex=5 "
            "raftTerm=6 raftAppliedIndex=7 errors=8 dbSizeInUse=9 isLearner=10 storageVersion=11 "
            "dbSizeQuota=12 downgradeInfo=13");
  EXPECT_EQ(Fields<SnapshotResponse>(),
            "etcdserverpb.SnapshotResponse: header=1 remaining_bytes=2 blob=3 version=4");
  EXPECT_EQ(Fields<HashKVResponse>(),
            "etcdserverpb.HashKVResponse: header=1 hash=2 compact_revision=3 hash_revision=4");
  EXPECT_EQ(Fields<AlarmRequest>(), "etcdserverpb.AlarmRequest: action=1 memberID=2 alarm=3");
  EXPECT_EQ(Fields<DowngradeRequest>(), "etcdserverpb.DowngradeRequest: action=1 version=2");
}

TEST(ProtoNumbersTest, RaftEntryKeepsItsNumbers) {
  EXPECT_EQ(Fields<InternalRaftRequest>(),
            "etcdserverpb.InternalRaftRequest: header=100 ID=1 v2=2 range=3 put=4 delete_range=5 "
            "txn=6 compaction=7 lease_grant=8 lease_revoke=9 alarm=10 lease_checkpoint=11 "
            "auth_enable=1000 auth_disable=1011 authenticate=1012 auth_status=1013 "
            "auth_user_add=1100 auth_user_delete=1101 auth_user_get=1102 "
            "auth_user_change_password=1103 auth_user_grant_role=1104 auth_user_revoke_role=1105 "
            "auth_user_list=1106 auth_role_list=1107 auth_role_add=1200 auth_role_delete=1201 "
            "auth_role_get=1202 auth_role_grant_permission=1203 auth_role_revoke_permission=1204 "
            "cluster_version_set=1300 cluster_member_attr_set=1301 downgrade_info_set=1302 "
            "downgrade_version_test=9900");
  EXPECT_EQ(Fields<RequestHeader>(), "etcdserverpb.RequestHeader: ID=1 username=2 auth_revision=3");
  EXPECT_EQ(Fields<InternalAuthenticateRequest>(),
            "etcdserverpb.InternalAuthenticateRequest: name=1 password=2 simple_token=3");
}

// A member whose --name was not UTF-8 wrote an entry that no member could read: all of them ended,
// and ended again at each start. etcd takes such names, and those of users.
TEST(ProtoNumbersTest, NoMessageIsRefusedForATextThatIsNotUtf8) {
  EXPECT_EQ(TextsOf(*mvccpb::KeyValue::descriptor()), "");
  EXPECT_EQ(TextsOf(*authpb::User::descriptor()), "");
  EXPECT_EQ(TextsOf(*membershippb::Member::descriptor()), "");
  EXPECT_EQ(TextsOf(*leasepb::Lease::descriptor()), "");
  EXPECT_EQ(TextsOf(*InternalRaftRequest::descriptor()), "");
  EXPECT_EQ(TextsOf(*RangeRequest::descriptor()), "");
}

TEST(ProtoNumbersTest, ServicesOfferEveryMethodOfEtcd36) {
  const auto& rpc = *RangeRequest::descriptor()->file();
  EXPECT_EQ(Methods(rpc, "KV"), "etcdserverpb.KV: Range Put DeleteRange Txn Compact");
  EXPECT_EQ(Methods(rpc, "Watch"), "etcdserverpb.Watch: Watch<>");
  EXPECT_EQ(Methods(rpc, "Lease"),
            "etcdserverpb.Lease: LeaseGrant LeaseRevoke LeaseKeepAlive<> LeaseTimeToLive "
            "LeaseLeases");
  EXPECT_EQ(Methods(rpc, "Cluster"),
            "etcdserverpb.Cluster: MemberAdd MemberRemove MemberUpdate MemberList MemberPromote");
  EXPECT_EQ(Methods(rpc, "Maintenance"),
            "etcdserverpb.Maintenance: Alarm Status Defragment Hash HashKV Snapshot> MoveLeader "
            "Downgrade");
  EXPECT_EQ(Methods(rpc, "Auth"),
            "etcdserverpb.Auth: AuthEnable AuthDisable AuthStatus Authenticate UserAdd UserGet "
            "UserList UserDelete UserChangePassword UserGrantRole UserRevokeRole RoleAdd RoleGet "
            "RoleList RoleDelete RoleGrantPermission RoleRevokePermission");
  EXPECT_EQ(Methods(*v3lockpb::LockRequest::descriptor()->file(), "Lock"),
            "v3lockpb.Lock: Lock Unlock");
  EXPECT_EQ(Methods(*v3electionpb::LeaderKey::descriptor()->file(), "Election"),
            "v3electionpb.Election: Campaign Proclaim Leader Observe> Resign");
  EXPECT_EQ(Methods(*grpc::health::v1::HealthCheckRequest::descriptor()->file(), "Health"),
            "grpc.health.v1.Health: Check Watch>");
}

}  // namespace
}  // namespace quorate
