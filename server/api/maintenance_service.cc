#include "api/maintenance_service.h"

#include <utility>

#include "api/gate.h"
#include "api/snapshot_sender.h"
#include "apply/request.h"
#include "membership/version.h"
#include "proto/rpc.pb.h"

namespace quorate::api {
namespace {

using CallPtr = std::shared_ptr<rpc::UnaryCall>;

constexpr std::size_t kHashRowsPerTurn = 2000;

void ContinueHash(const Context& context, std::shared_ptr<mvcc::HashTask> task,
                  std::function<void(Result<HashKv>)> done) {
  const Result<bool> finished = task->Step(kHashRowsPerTurn);
  if (!finished.ok()) return done(finished.error());
  if (*finished) {
    const mvcc::HashTask::Hash& hash = task->result();
    return done(HashKv{hash.hash, hash.revision, hash.compact_revision, hash.current});
  }
  context.node->Post([&context, task = std::move(task), done = std::move(done)]() mutable {
    ContinueHash(context, std::move(task), std::move(done));
  });
}

void Alarm(const Context& context, CallPtr call, const etcdserverpb::AlarmRequest& /*request*/) {
  const std::string& message = call->request();
  ProposeFor(context, call, apply::RequestField::kAlarm, message);
}

std::string AlarmText(const apply::Alarms::Alarm& alarm) {
  return "memberID:" + std::to_string(alarm.first.value) + " alarm:" +
         etcdserverpb::AlarmType_Name(static_cast<etcdserverpb::AlarmType>(alarm.second)) + " ";
}

void ReplyStatus(const Context& context, const CallPtr& call) {
  etcdserverpb::StatusResponse response;
  context.FillHeader(response, context.store->revision());
  const node::Status status = context.node->status();
  const storage::Sizes sizes = context.environment->sizes();
  response.set_version(membership::kEtcdVersion.ToString());
  response.set_dbsize(static_cast<std::int64_t>(sizes.bytes_total));
  response.set_dbsizeinuse(static_cast<std::int64_t>(sizes.bytes_in_use));
  response.set_dbsizequota(context.applier->quota().limit());
  response.set_leader(status.leader.value);
  response.set_raftindex(status.committed.value);
  response.set_raftterm(status.term.value);
  response.set_raftappliedindex(status.applied.value);
  response.set_islearner(status.is_learner);
  response.set_storageversion(std::string(membership::kStorageVersion));
  if (status.leader == MemberId{}) response.add_errors(errors::NoLeader().message);
  for (const auto& alarm : context.applier->alarms().List(apply::AlarmKind::kNone)) {
    response.add_errors(AlarmText(alarm));
  }
  call->Reply(response.SerializeAsString());
}

void Status(const Context& context, CallPtr call, const etcdserverpb::StatusRequest& /*request*/) {
  context.node->Post([&context, call = std::move(call)] { ReplyStatus(context, call); });
}

void Defragment(const Context& /*context*/, CallPtr call,
                const etcdserverpb::DefragmentRequest& /*request*/) {
  call->Reply({});
}

void HashKV(const Context& context, CallPtr call, const etcdserverpb::HashKVRequest& request) {
  context.node->Post([&context, call = std::move(call), at = Revision{request.revision()}] {
    ComputeHashKv(context, at, [&context, call](Result<HashKv> hash) {
      if (!hash.ok()) return call->Fail(std::move(hash).error());
      etcdserverpb::HashKVResponse response;
      context.FillHeader(response, hash->current);
      response.set_hash(hash->hash);
      response.set_compact_revision(hash->compact_revision.value);
      response.set_hash_revision(hash->revision.value);
      call->Reply(response.SerializeAsString());
    });
  });
}

void MoveLeader(const Context& context, CallPtr call,
                const etcdserverpb::MoveLeaderRequest& request) {
  const MemberId target{request.targetid()};
  if (context.node->leader() != context.identity.member) return call->Fail(errors::NotLeader());
  const auto roster = context.cluster->roster();
  const membership::Member* member = roster->Find(target);
  if (member == nullptr || member->is_learner) return call->Fail(errors::BadLeaderTransferee());
  context.node->TransferLeadership(target, [call = std::move(call)](quorate::Status status) {
    if (!status.ok()) return call->Fail(std::move(status).error());
    call->Reply({});
  });
}

void Refuse(rpc::Router& router, const char* path, const char* text) {
  router.Unary(path, [text](const CallPtr& call) {
    call->Fail(Error{Code::kUnimplemented, text});
  });
}

void Snapshot(const Context& context, const std::shared_ptr<rpc::Stream>& stream) {
  if (quorate::Status status = CheckGate(context, *stream, OnLearner::kServed); !status.ok()) {
    return stream->Finish(std::move(status));
  }
  auto sender = std::make_shared<SnapshotSender>(stream, kSnapshotPatience);
  const std::weak_ptr<SnapshotSender> weak = sender;
  stream->OnDrained([weak] {
    if (const auto alive = weak.lock()) alive->Drained();
  });
  stream->OnCancel([weak] {
    if (const auto alive = weak.lock()) alive->Cancel();
  });
  stream->OnMessage([&context, sender, started = false](const std::string&) mutable {
    if (std::exchange(started, true)) return;
    context.node->Post(
        [&context, sender = std::move(sender)] { context.environment->StreamSnapshot(sender); });
  });
}

template <typename Request>
void Add(rpc::Router& router, const Context& context, const char* method, OnLearner on_learner,
         void (*handler)(const Context&, CallPtr, const Request&)) {
  Register<Request>(router, context, std::string("/etcdserverpb.Maintenance/") + method, on_learner,
                    [&context, handler](CallPtr call, const Request& request) {
                      handler(context, std::move(call), request);
                    });
}

}  // namespace

void RegisterMaintenance(rpc::Router& router, const Context& context) {
  using namespace etcdserverpb;  // NOLINT: the request types' home, for six lines
  Add<AlarmRequest>(router, context, "Alarm", OnLearner::kRefused, Alarm);
  Add<StatusRequest>(router, context, "Status", OnLearner::kServed, Status);
  Add<DefragmentRequest>(router, context, "Defragment", OnLearner::kRefused, Defragment);
  Add<HashKVRequest>(router, context, "HashKV", OnLearner::kRefused, HashKV);
  Add<MoveLeaderRequest>(router, context, "MoveLeader", OnLearner::kRefused, MoveLeader);
  router.Streaming(
      "/etcdserverpb.Maintenance/Snapshot",
      [&context](const std::shared_ptr<rpc::Stream>& stream) { Snapshot(context, stream); });
  Refuse(router, "/etcdserverpb.Maintenance/Hash",
         "Hash covers the bytes of a bbolt file and there is none here; use HashKV");
  Refuse(router, "/etcdserverpb.Maintenance/Downgrade", "downgrades are not supported yet");
}

void ComputeHashKv(const Context& context, Revision at, std::function<void(Result<HashKv>)> done) {
  if (const auto* kept = context.applier->compaction_hashes().Find(at)) {
    return done(
        HashKv{kept->hash, kept->revision, kept->compact_revision, context.store->revision()});
  }
  Result<std::unique_ptr<mvcc::HashTask>> task = context.store->StartHash(at);
  if (!task.ok()) return done(task.error());
  ContinueHash(context, std::move(*task), std::move(done));
}

}  // namespace quorate::api
