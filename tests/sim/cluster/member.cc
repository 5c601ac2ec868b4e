#include "sim/cluster/member.h"

#include <algorithm>
#include <utility>

#include "app/incoming.h"
#include "app/ownership.h"
#include "app/snapshot_file.h"
#include "apply/request.h"
#include "base/bytes.h"
#include "base/check.h"
#include "proto/rpc.pb.h"
#include "sim/cluster/cluster.h"
#include "wal/segment.h"

namespace quorate::sim::cluster {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kSupervisorPause = seconds(1);
constexpr auto kPublishPause = milliseconds(500);
constexpr int kBootsMax = 3;
constexpr std::uint64_t kReadSnapshotMax = 300;  // milliseconds

}  // namespace

Member::Member(Cluster& cluster, membership::Member self, std::vector<membership::Member> founders,
               std::set<MemberId> known)
    : cluster_(cluster),
      self_(std::move(self)),
      founders_(std::move(founders)),
      known_(std::move(known)),
      disk_(self_.id.value ^ cluster.plan().seed),
      random_(self_.id.value * 31 + cluster.plan().seed),
      clock_(cluster.world()) {
  CHECK(disk_.MakeDirectories(kSnapshots).ok());
}

Member::~Member() {
  held_.clear();
  driver_.reset();
  checked_.reset();
  machine_.reset();
}

// ---- starting ----

void Member::Boot() {
  if (driver_ != nullptr || retired_ || unusable_) return;
  ++life_;
  ++cluster_.counts().boots;
  started_ = cluster_.world().now();
  busy_until_ = Time(0);
  clock_.BeginTurn();
  running_ = true;
  cluster_.oracle().SetMember(id().value);
  Status started = Start();
  cluster_.oracle().SetMember(0);
  running_ = false;
  if (started.ok() && !dying_) {
    failed_boots_ = 0;
    cluster_.world().Trace("boot", id().value, life_, driver_->core().last_index().value);
    cluster_.network().Restarted(id());
    Schedule(Time(0));
    Publish();
    Remember(1);
    return;
  }
  why_ = started.ok() ? "crashed at its start" : started.error().message;
  cluster_.world().Trace("boot failed", id().value, life_);
  cluster_.world().Say(why_);
  if (!dying_) {
    dying_ = true;
    dying_by_ = End::kProcess;
    restart_ = kSupervisorPause;
    // Trouble of the machine passes; what the data says does not.
    const bool device = why_.find("input/output error") != std::string::npos;
    if (!started.ok() && started.error().code == Code::kDataLoss && !device) ++failed_boots_;
    if (failed_boots_ >= kBootsMax) {
      unusable_ = true;
      restart_.reset();
    }
  }
  TearDown();
}

Status Member::Start() {
  const Plan& plan = cluster_.plan();
  ours_ = ours_next_;
  lock_ = TRY(app::LockDirectory(disk_, kDirectory));
  if (lock_ == nullptr) cluster_.world().Fail("lock: a directory that nobody uses is locked");
  recollection_ = TRY(app::Recollection::Open(disk_, kRecollection));
  if (const auto verdict = recollection_->verdict()) {
    exit_ = node::Exit::kWentBack;
    return Error{Code::kFailedPrecondition, verdict->message};
  }
  wal::WriterOptions log;
  log.segment_bytes = plan.segment_bytes;
  log.fill_step_bytes = 4096;
  const bool fresh = !TRY(wal::HasLog(disk_, kLog));
  if (fresh) TRY(wal::Writer::Create(disk_, kLog, {id(), cluster_.id()}, log));
  auto backend = std::make_unique<CheckedBackend>(
      std::make_unique<storage::MemoryBackend>(storage_), id(), cluster_.checks(), dying_);
  app::Replayed replayed = TRY(app::ReplayLog(disk_, kLog, kSnapshots, *backend, log));
  if (app::IsBlank(replayed, *backend) && !founders_.empty()) {
    TRY(app::Bootstrap(founders_, replayed));
  }
  replayed.start.applied = backend->position().index;
  if (!wrecked_ && !foreign_) {
    cluster_.checks().Recovered(id(), promises_, replayed.start, replayed.mark.index);
  }

  app::MachineOptions options;
  options.cluster = cluster_.id();
  options.self = id();
  options.lease_ttl_min = 2;
  options.lease_extension = plan.election;
  options.compaction_rows = plan.compaction_rows;
  options.compaction_pause = milliseconds(10);
  machine_ = TRY(app::Machine::Open(options, std::move(backend), clock_, *this));
  TRY(CheckOwner(replayed));
  if (app::RemovedForGood(*machine_->cluster().roster(), id(), replayed.start.conf_state)) {
    exit_ = node::Exit::kRemoved;
    return Error{Code::kFailedPrecondition, "finds that it was removed"};
  }
  machine_->SetWaiters(this);
  checked_ = std::make_unique<CheckedMachine>(*machine_, id(), cluster_.checks(), 32, dying_);
  Hook();

  node::Driver::Parts parts;
  parts.self = id();
  parts.start = std::move(replayed.start);
  parts.mark = replayed.mark;
  parts.log.writer = std::move(replayed.writer);
  parts.log.disk = &disk_;
  parts.log.directory = kLog;
  parts.log.segments_keep = 1;
  parts.state_machine = checked_.get();
  parts.network = this;
  parts.clock = &clock_;
  parts.random = &random_;
  parts.on_exit = [this](node::Exit exit, std::string text) {
    exit_ = exit;
    why_ = std::move(text);
  };
  node::Options node;
  node.heartbeat_interval = plan.heartbeat;
  node.election_timeout = plan.election;
  node.pre_vote = plan.pre_vote;
  node.snapshot_count = plan.snapshot_count;
  node.catch_up_entries = plan.catch_up_entries;
  driver_ = TRY(node::Driver::Open(std::move(parts), node));
  driver_->inbox().OnArrival([this] { Schedule(microseconds(20)); });
  wrecked_ = false;
  return ours_ ? Greet() : Status();
}

void Member::Hook() {
  checked_->on_lead = [this] {
    cluster_.world().Trace("leads", id().value, driver_->core().term().value);
    lease_floor_.clear();
    for (const LeaseId lease : machine_->lessor().List()) Renewed(lease);
  };
  checked_->on_entry = [this](const raft::Entry& entry) { NoteEntry(entry); };
}

// A lease that is granted while this member leads runs from now.
void Member::NoteEntry(const raft::Entry& entry) {
  const auto name = apply::MessageOf(entry.data.view(), apply::RequestField::kClusterMemberAttrSet);
  membershippb::ClusterMemberAttrSetRequest named;
  if (name && named.ParseFromArray(name->data(), static_cast<int>(name->size()))) {
    cluster_.named().try_emplace(MemberId{named.member_id()}, entry.index);
  }
  const auto grant = apply::MessageOf(entry.data.view(), apply::RequestField::kLeaseGrant);
  etcdserverpb::LeaseGrantRequest request;
  if (!grant || !request.ParseFromArray(grant->data(), static_cast<int>(grant->size()))) return;
  Renewed(LeaseId{request.id()});
}

// The member tells the others its name once it can.
void Member::Publish() {
  Later(kPublishPause, [this] {
    const membership::Member* me = machine_->cluster().roster()->Find(id());
    if (me != nullptr && me->started()) return;
    if (me != nullptr && driver_->leader().value != 0) {
      membershippb::ClusterMemberAttrSetRequest request;
      request.set_member_id(id().value);
      request.mutable_member_attributes()->set_name(self_.name);
      const std::uint64_t request_id = driver_->NextRequestId();
      driver_->Propose(request_id,
                       apply::MakeRequest(apply::RequestField::kClusterMemberAttrSet,
                                          request.SerializeAsString(), request_id),
                       [](const Result<std::string>&) {});
    }
    Publish();
  });
}

// ---- running ----

void Member::Schedule(Time delay) {
  if (driver_ == nullptr || paused_) return;
  const Time at = std::max(cluster_.world().now() + delay, busy_until_);
  if (turn_at_ <= at) return;
  turn_at_ = at;
  cluster_.world().At(at, [this, at, life = life_] {
    if (life != life_ || at != turn_at_) return;
    turn_at_ = kNever;
    Turn();
  });
}

void Member::Turn() {
  if (!up() || paused_) return;
  running_ = true;
  clock_.BeginTurn();
  cluster_.oracle().SetMember(id().value);
  driver_->Turn(std::chrono::nanoseconds(0));
  cluster_.oracle().SetMember(0);
  running_ = false;
  busy_until_ = cluster_.world().now() + clock_.TurnTook();
  ++cluster_.counts().turns;
  AfterTurn();
}

void Member::AfterTurn() {
  NoticeDisk();
  if (driver_ == nullptr) return;
  if (exit_ && !dying_) {
    dying_ = true;
    dying_by_ = End::kProcess;
    // After a failed sync only a reboot tells what the disk really holds.
    if (*exit_ == node::Exit::kDataUnusable) dying_by_ = End::kPowerLoss;
    if (*exit_ != node::Exit::kRemoved) restart_ = kSupervisorPause;
  }
  if (dying_) return TearDown();
  const raft::Core& core = driver_->core();
  promises_.durable = core.durable();
  promises_.flushed = machine_->backend().FlushedIndex();
  cluster_.checks().Turned(core);
  if (machine_->store().revision() < revision_seen_) {
    cluster_.world().Fail("revision went back on " + self_.name);
  }
  revision_seen_ = machine_->store().revision();
  if (after_turn) after_turn(*this);
  if (cluster_.healing() || machine_->cluster().roster()->removed.contains(id())) DialOthers();
  if (driver_->log_writer().waiting() && !log_due_) {
    log_due_ = true;
    const Time latency = disk_latency_ + microseconds(100 + random_.Below(400));
    cluster_.world().After(latency, [this, life = life_] {
      if (life == life_) RunLog();
    });
  }
  if (driver_->Busy()) {
    Schedule(microseconds(50));
  } else {
    Schedule(clock_.WorldTimeOf(driver_->next_due()) - cluster_.world().now());
  }
}

void Member::RunLog() {
  log_due_ = false;
  if (!up() || paused_) return;
  running_ = true;
  cluster_.oracle().SetMember(id().value);
  driver_->log_writer().RunOnce(std::chrono::nanoseconds(0));
  cluster_.oracle().SetMember(0);
  running_ = false;
  NoticeDisk();
  if (dying_) TearDown();
}

void Member::NoticeDisk() {
  if (io_stop_ == 0 || disk_.changes() < io_stop_) return;
  io_stop_ = 0;
  Crash(End::kPowerLoss, io_restart_);
}

void Member::Later(Time delay, std::function<void()> task) {
  cluster_.world().After(delay, [this, life = life_, task = std::move(task)] {
    if (life == life_ && up()) task();
  });
}

// ---- ending ----

void Member::Crash(End end, std::optional<Time> restart) {
  if (dying_ || retired_) return;
  if (driver_ == nullptr && !running_) {
    if (end == End::kPowerLoss) disk_.Crash();
    return;
  }
  dying_ = true;
  dying_by_ = end;
  restart_ = restart;
  disk_.StopAfter(0);
  ++cluster_.counts().crashes;
  if (!running_) TearDown();
}

void Member::CrashAtIo(std::uint64_t changes, Time restart) {
  disk_.StopAfter(changes);
  io_stop_ = disk_.changes() + changes;
  io_restart_ = restart;
}

void Member::Spare() {
  NoticeDisk();
  io_stop_ = 0;
  if (!dying_) disk_.NeverStop();
}

void Member::TearDown() {
  cluster_.world().Trace("down", id().value, life_, dying_by_ == End::kPowerLoss ? 1 : 0);
  cluster_.world().Say(why_);
  if (driver_ != nullptr) log_at_end_ = DurableLog();
  ++life_;  // nothing of the old life may run
  held_.clear();
  driver_.reset();
  checked_.reset();
  machine_.reset();
  recollection_.reset();
  lock_.reset();
  lease_floor_.clear();
  strangers_.clear();
  log_due_ = false;
  turn_at_ = kNever;
  paused_ = false;
  io_stop_ = 0;
  if (dying_by_ == End::kPowerLoss) {
    disk_.Crash();
  } else {
    disk_.Kill();
  }
  dying_ = false;
  if (exit_ == node::Exit::kRemoved) retired_ = true;
  if (exit_ == node::Exit::kWentBack) {
    if (!suspect_) cluster_.world().Fail("time travel: an honest member is blamed: " + why_);
    ++cluster_.counts().recognised;
    unusable_ = true;
    restart_.reset();
  }
  exit_seen_ = std::exchange(exit_, std::nullopt);
  revision_seen_ = Revision{};
  if (const auto restart = std::exchange(restart_, std::nullopt); restart && !retired_) {
    cluster_.world().After(*restart, [this, life = life_] {
      if (life == life_) Boot();
    });
  }
}

void Member::Pause(bool paused) {
  if (paused_ == paused || driver_ == nullptr) return;
  paused_ = paused;
  if (paused) {
    turn_at_ = kNever;
    return;
  }
  Schedule(Time(0));
  if (driver_->log_writer().waiting()) RunLog();
}

void Member::Retire() {
  if (driver_ != nullptr) Crash(End::kProcess, std::nullopt);
  retired_ = true;
}

void Member::Lose() {
  if (driver_ != nullptr) Crash(End::kPowerLoss, std::nullopt);
  unusable_ = true;
  why_ = "its data is lost";
}

DurableTerms Member::DurableLog() const {
  const raft::Core& core = driver_->core();
  DurableTerms log;
  // A snapshot that is not installed yet may not be durable either: nothing is claimed then.
  if (core.applied() + 1 < core.first_index() && core.AwaitsWrites()) return log;
  log.first = core.first_index();
  for (LogIndex i = core.first_index(); i <= core.durable(); ++i) {
    log.terms.push_back(core.TermAt(i).value_or(Term{}));
  }
  return log;
}

bool Member::HasDurably(LogIndex index, Term term) const {
  if (driver_ != nullptr) {
    const raft::Core& core = driver_->core();
    return index <= core.durable() && (index < core.first_index() || core.TermAt(index) == term);
  }
  if (index < log_at_end_.first) return true;
  const std::uint64_t at = index - log_at_end_.first;
  return at < log_at_end_.terms.size() && log_at_end_.terms[at] == term;
}

// ---- network ----

void Member::Send(std::vector<raft::Message>& messages) {
  for (raft::Message& message : messages) {
    if (dying_) return;
    if (message.type == raft::MessageType::kApp && !message.entries.empty()) {
      cluster_.checks().SawEntries(id(), message.log_term, message.entries);
      cluster_.checks().SawProposed(driver_->core(), message.entries);
    }
    Promise(message);
    // A field that only our leaders fill.
    if (!ours_ && message.type == raft::MessageType::kHeartbeat) message.index = LogIndex{};
    if (!Knows(message.to)) continue;
    cluster_.network().Send(*this, std::move(message));
  }
}

// What others may rely on from now on.
void Member::Promise(const raft::Message& message) {
  const bool vote = message.type == raft::MessageType::kVoteResp && !message.reject;
  const bool ack = message.type == raft::MessageType::kAppResp && !message.reject;
  if (!vote && !ack) return;
  promises_.term = std::max(promises_.term, message.term);
  if (vote) promises_.votes[message.term] = message.to;
}

void Member::SendSnapshot(raft::Message message, std::shared_ptr<node::SnapshotSource> source,
                          std::function<void(bool)> done) {
  if (dying_ || !Knows(message.to)) return done(false);
  cluster_.network().SendSnapshot(*this, std::move(message), std::move(source), std::move(done));
}

void Member::UpdatePeers(const node::PeerUrls& peers) {
  peers_.clear();
  for (const auto& [member, urls] : peers) peers_.insert(member);
  if (peers_.empty()) peers_ = known_;
  std::erase_if(strangers_, [this](MemberId member) { return peers_.contains(member); });
}

bool Member::Knows(MemberId other) const {
  return peers_.contains(other) || strangers_.contains(other);
}

std::optional<io::Clock::Instant> Member::ConnectedSince(MemberId member) const {
  const auto since = cluster_.network().ConnectedSince(id(), member);
  if (!since) return std::nullopt;
  return clock_.Peek() - (cluster_.world().now() - *since);
}

void Member::Deliver(MemberId from, std::vector<raft::Message> messages) {
  // What is for somebody else is refused as that, whoever sent it.
  const bool mine = std::ranges::all_of(
      messages, [this](const raft::Message& message) { return message.to == id(); });
  if (mine && machine_->cluster().roster()->removed.contains(from)) {
    Member* sender = cluster_.Find(from);
    if (sender != nullptr && TellsRemoved()) {
      cluster_.world().After(milliseconds(1), [sender] { sender->HearRemoved(); });
    }
    return;
  }
  // As the transport does: who is not in the log yet says where it is answered.
  if (!peers_.contains(from) && from != id()) strangers_.insert(from);
  cluster_.oracle().SetMember(id().value);
  driver_->Deliver(messages);
  cluster_.oracle().SetMember(0);
}

bool Member::TellsRemoved() const {
  cluster_.oracle().SetMember(id().value);
  const bool tells = machine_->cluster().roster()->TellsRemoved(id());
  cluster_.oracle().SetMember(0);
  return tells;
}

// The others refuse its connections: it was removed.
void Member::HearRemoved() {
  if (!up() || paused_) return;
  why_ = "heard that it was removed";
  exit_ = node::Exit::kRemoved;
  AfterTurn();
}

// One that was removed may have nothing to say, but its connections are refused all the same.
void Member::DialOthers() {
  for (Member* other : cluster_.Present()) {
    if (other == this || !other->up() || other->paused()) continue;
    if (!other->machine().cluster().roster()->removed.contains(id())) continue;
    if (!other->TellsRemoved()) continue;
    if (!cluster_.network().ConnectedSince(id(), other->id())) continue;
    cluster_.world().After(milliseconds(1), [this] { HearRemoved(); });
    return;
  }
}

void Member::Unreachable(MemberId other) {
  driver_->ReportUnreachable(other);
}

std::uint64_t Member::Hold(std::shared_ptr<node::SnapshotSource> source) {
  held_[++tokens_] = std::move(source);
  return tokens_;
}

std::shared_ptr<node::SnapshotSource> Member::Release(std::uint64_t token) {
  auto source = std::move(held_.at(token));
  held_.erase(token);
  return source;
}

// ---- what the machine asks for ----

std::shared_ptr<node::SnapshotSource> Member::MakeSnapshot(std::shared_ptr<storage::Reader> view) {
  return std::make_shared<app::SnapshotFile>(
      std::move(view), std::string(), disk_,
      std::string(kSnapshots) + "/send-" + std::to_string(++tokens_));
}

// Reading takes a while, in which the member has turns.
void Member::ReadSnapshot(const raft::SnapshotMetadata& snapshot, storage::Backend& backend,
                          std::function<void(Result<app::Incoming>)> done) {
  After(milliseconds(random_.Below(kReadSnapshotMax)),
        [this, snapshot, &backend, done = std::move(done)] {
          done(app::ReadIncoming(disk_, ReceivedPath(snapshot.index), snapshot, backend));
        });
}

void Member::ForgetSnapshot(const raft::SnapshotMetadata& snapshot, std::shared_ptr<void>) {
  ++cluster_.counts().installs;
  After(milliseconds(random_.Below(kReadSnapshotMax)),
        [this, index = snapshot.index] { (void)disk_.Remove(ReceivedPath(index)); });
}

void Member::RevokeLease(LeaseId lease) {
  const auto view = machine_->lessor().Find(lease, false);
  const auto floor = lease_floor_.find(lease);
  if (view && floor != lease_floor_.end()) {
    const auto lived = clock_.Peek() - floor->second;
    if (lived < seconds(view->granted_ttl)) {
      cluster_.world().Fail("lease: " + self_.name + " ends lease " + std::to_string(lease.value) +
                            " before its time");
    }
  }
  ++cluster_.counts().expired;
  // As app::RevokeWhileLeading.
  driver_->Read(node::Consistency::kLinearizable, [this, lease, term = driver_->term()](
                                                      const Status& confirmed) {
    if (!confirmed.ok() || driver_->term() != term || !leads()) return;
    etcdserverpb::LeaseRevokeRequest request;
    request.set_id(lease.value);
    const std::uint64_t request_id = driver_->NextRequestId();
    driver_->ProposeLeading(request_id,
                            apply::MakeRequest(apply::RequestField::kLeaseRevoke,
                                               request.SerializeAsString(), request_id),
                            [](const Result<std::string>&) {});
  });
}

bool Member::KeepsLeaseFor(std::chrono::nanoseconds late) const {
  return leads() && machine_->lessor().primary() &&
         std::ranges::any_of(lease_floor_, [&](const auto& entry) {
           const auto& [lease, floor] = entry;
           const auto view = machine_->lessor().Find(lease, false);
           return view && clock_.Peek() - floor > seconds(view->granted_ttl) + late;
         });
}

void Member::After(std::chrono::nanoseconds delay, std::function<void()> task) {
  Later(delay, [this, task = std::move(task)]() mutable { driver_->Post(std::move(task)); });
}

bool Member::Waits(std::uint64_t request_id) const {
  return driver_ != nullptr && driver_->Waits(request_id);
}

}  // namespace quorate::sim::cluster
