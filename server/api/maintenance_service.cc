#include "api/maintenance_service.h"

#include <condition_variable>
#include <mutex>
#include <utility>

#include "api/gate.h"
#include "apply/request.h"
#include "base/digest.h"
#include "base/fields.h"
#include "base/mutex.h"
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

// SnapshotSender: carries a snapshot from the background thread that makes it to the client's
// stream, in etcd's messages: pieces with the bytes that remain, then the SHA-256 of all.
//
// Thread: Write blocks the background thread while the client is behind; Drained and Cancel come
// from the stream's loop.
class SnapshotSender final : public SnapshotReceiver {
 public:
  explicit SnapshotSender(std::shared_ptr<rpc::Stream> stream) : stream_(std::move(stream)) {}

  void Begin(std::uint64_t bytes_total) override { remaining_ = bytes_total; }

  bool Write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const std::string_view piece = bytes.substr(0, kPieceBytes);
      bytes.remove_prefix(piece.size());
      digest_.Update(piece);
      remaining_ -= std::min<std::uint64_t>(remaining_, piece.size());
      if (!SendPiece(piece)) return false;
    }
    return true;
  }

  void End(quorate::Status status) override {
    if (status.ok() && !SendPiece(digest_.Finish())) return;
    stream_->Finish(std::move(status));
  }

  void Drained() {
    MutexLock lock(mutex_);
    changed_.notify_all();
  }
  void Cancel() {
    MutexLock lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }

 private:
  // etcd's are 32 KiB; each piece costs both sides about 10 us, and all clients take 4 MiB.
  static constexpr std::size_t kPieceBytes = 512 * 1024;
  static constexpr std::size_t kFieldsBytesMax = 64;
  static constexpr std::size_t kBufferedBytesMax = 4 << 20;

  bool SendPiece(std::string_view piece) {
    // A SnapshotResponse, in one copy of the piece.
    std::string message;
    message.reserve(piece.size() + kFieldsBytesMax);
    fields::AppendUnlessZero(message, 2, static_cast<std::int64_t>(remaining_));
    fields::AppendText(message, 3, piece);
    fields::AppendText(message, 4, membership::kStorageVersion);
    {
      MutexLock lock(mutex_);
      while (!cancelled_ && stream_->buffered_bytes() > kBufferedBytesMax) {
        changed_.wait_for(mutex_, std::chrono::milliseconds(100));
      }
      if (cancelled_) return false;
    }
    stream_->Send(std::move(message));
    return true;
  }

  const std::shared_ptr<rpc::Stream> stream_;
  Sha256 digest_;
  std::uint64_t remaining_ = 0;
  Mutex mutex_;
  Condition changed_;
  bool cancelled_ QUORATE_GUARDED_BY(mutex_) = false;
};

void Snapshot(const Context& context, const std::shared_ptr<rpc::Stream>& stream) {
  if (quorate::Status status = CheckGate(context, *stream, OnLearner::kServed); !status.ok()) {
    return stream->Finish(std::move(status));
  }
  auto sender = std::make_shared<SnapshotSender>(stream);
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
