// Member: one machine with its disk and clock, and the process that runs or does not run on it.
//
// The process is the shipped rooms put together as app does it: log and store replayed, machine,
// driver. Its turns and the turns of its log writer are events of the world. A crash inside a turn
// cuts it off at once (disk, network, clients) and takes it down when the turn returns.
//
// Ownership: borrows the Cluster, which owns it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "app/greeting.h"
#include "app/machine.h"
#include "app/recollection.h"
#include "app/replay.h"
#include "membership/member.h"
#include "node/driver.h"
#include "sim/cluster/checked_machine.h"
#include "sim/cluster/checks.h"
#include "sim/cluster/member_clock.h"
#include "sim/disk.h"
#include "sim/prng.h"
#include "storage/memory_backend.h"
#include "wal/writer.h"

namespace quorate::sim::cluster {

class Cluster;

inline constexpr const char* kDirectory = "/m";
inline constexpr const char* kLog = "/m/wal";
inline constexpr const char* kSnapshots = "/m/snap";
inline constexpr const char* kRecollection = "/m/recollection.json";
std::string ReceivedPath(LogIndex index);
Result<std::string> ReadAll(node::SnapshotSource& source);

enum class End { kPowerLoss, kProcess };

// Terms of the log up to what is durable; first 0: nothing is claimed.
struct DurableTerms {
  LogIndex first;
  std::vector<Term> terms;
};

// Directory: all that a member has on disk at one moment, and what that obliges it to.
struct Directory {
  Disk::Image disk;
  storage::MemoryStorage storage;
  Promises promises;
  DurableTerms log;
  bool wrecked = false;  // what it has of its log is anybody's guess
};

class Member final : public app::MachineServices, public node::Network, public apply::Waiters {
 public:
  // founders: of a new cluster; empty for one that joins.
  Member(Cluster& cluster, membership::Member self, std::vector<membership::Member> founders,
         std::set<MemberId> known);
  ~Member() override;

  MemberId id() const { return self_.id; }
  const membership::Member& self() const { return self_; }
  bool up() const { return driver_ != nullptr && !dying_; }
  bool retired() const { return retired_; }    // removed, or its data is given up
  bool unusable() const { return unusable_; }  // it refuses to start from its data
  bool one_bit_differs() const {               // the reason, though nobody has flipped it
    return unusable_ && !suspect_ && why_.find("one bit of a record") != std::string::npos;
  }
  bool paused() const { return paused_; }
  std::uint64_t life() const { return life_; }
  Time started() const { return started_; }
  const std::string& why() const { return why_; }

  node::Driver& driver() { return *driver_; }
  app::Machine& machine() { return *machine_; }
  sim::Disk& disk() { return disk_; }
  MemberClock& clock() { return clock_; }
  bool leads() const { return up() && driver_->core().role() == raft::Role::kLeader; }
  bool HasDurably(LogIndex index, Term term) const;
  Time& disk_latency() { return disk_latency_; }

  // Process.
  void Boot();
  // Inside one of its turns too. restart: after so long; nothing: somebody else starts it.
  void Crash(End end, std::optional<Time> restart);
  void CrashAtIo(std::uint64_t changes, Time restart);
  void Spare();  // a crash that has not come yet does not come any more
  void Pause(bool paused);
  void Retire();
  void NoticeDisk();  // somebody used the disk from outside a turn
  // Runs a task after a while unless the process has ended by then.
  void Later(Time delay, std::function<void()> task);
  // As a crash of its machine would leave it now.
  std::shared_ptr<const Directory> CopyDirectory() const;
  // Starts from a copy that was made earlier. heard: whether the others hear its questions then, or
  // are real etcds, which do not know them. REQUIRES: it is off.
  void BootFrom(const Directory& directory, bool heard);
  // Its data is not what it left; it may be found to have gone back in time.
  void Suspect() { suspect_ = true; }
  // Whether it is of a version that knows what only our members say to each other, from its next
  // start on.
  void SpeakOurWords(bool ours) { ours_next_ = ours; }
  bool speaks_our_words() const { return ours_; }
  // It is stopped and started with what is not its own, which it must refuse; after `lasts` it is
  // started with its own directory again.
  void TryDirectoryOf(const Member& other, Time lasts);
  void TryDirectoryOfAnotherCluster(bool told, Time lasts);
  // A second process on its directory must not get anywhere.
  void TrySecondInstance();
  // Its data is gone for good; whoever administers the cluster must replace it.
  void Lose();

  // From the network.
  void Deliver(MemberId from, std::vector<raft::Message> messages);
  void Unreachable(MemberId other);
  bool TellsRemoved() const;
  void HearRemoved();
  void DialOthers();
  std::uint64_t Hold(std::shared_ptr<node::SnapshotSource> source);
  std::shared_ptr<node::SnapshotSource> Release(std::uint64_t token);

  void Renewed(LeaseId lease) { lease_floor_[lease] = clock_.Peek(); }
  // Whether it leads and keeps a lease for longer than its TTL and `late` since it was renewed.
  bool KeepsLeaseFor(std::chrono::nanoseconds late) const;
  // Called after each turn, to hand on what was kept until its end.
  std::function<void(Member&)> after_turn;

  // MachineServices.
  std::shared_ptr<node::SnapshotSource> MakeSnapshot(
      std::shared_ptr<storage::Reader> view) override;
  void ReadSnapshot(const raft::SnapshotMetadata& snapshot, storage::Backend& backend,
                    std::function<void(Result<app::Incoming>)> done) override;
  void ForgetSnapshot(const raft::SnapshotMetadata& snapshot,
                      std::shared_ptr<void> former) override;
  void RevokeLease(LeaseId lease) override;
  void After(std::chrono::nanoseconds delay, std::function<void()> task) override;
  // node::Network.
  void Send(std::vector<raft::Message>& messages) override;
  void SendSnapshot(raft::Message message, std::shared_ptr<node::SnapshotSource> source,
                    std::function<void(bool)> done) override;
  void UpdatePeers(const node::PeerUrls& peers) override;
  std::optional<io::Clock::Instant> ConnectedSince(MemberId member) const override;
  // apply::Waiters.
  bool Waits(std::uint64_t id) const override;

 private:
  Status Start();
  void TryForeign(const Directory& foreign, Time lasts);
  Status CheckOwner(const app::Replayed& replayed);
  Status Greet();
  DurableTerms DurableLog() const;
  LogIndex AcknowledgedBy(MemberId other) const;
  void Remember(std::uint64_t ticks);
  void Hook();
  void Schedule(Time delay);
  void Turn();
  void AfterTurn();
  void RunLog();
  void TearDown();
  void Promise(const raft::Message& message);
  bool Knows(MemberId other) const;
  void Publish();
  void NoteEntry(const raft::Entry& entry);

  Cluster& cluster_;
  const membership::Member self_;
  const std::vector<membership::Member> founders_;
  const std::set<MemberId> known_;
  sim::Disk disk_;
  sim::Prng random_;
  MemberClock clock_;
  std::shared_ptr<storage::MemoryStorage> storage_ = std::make_shared<storage::MemoryStorage>();

  std::unique_ptr<app::Machine> machine_;
  std::unique_ptr<CheckedMachine> checked_;
  std::unique_ptr<node::Driver> driver_;
  std::unique_ptr<app::Recollection> recollection_;
  std::set<MemberId> peers_;
  std::set<MemberId> strangers_;  // introduced themselves before the log did
  std::map<std::uint64_t, std::shared_ptr<node::SnapshotSource>> held_;
  std::map<LeaseId, io::Clock::Instant> lease_floor_;
  std::uint64_t tokens_ = 0;

  std::uint64_t life_ = 0;
  Time started_{0};
  Time turn_at_ = kNever;
  Time busy_until_{0};  // with its last turn, on a slow processor
  bool log_due_ = false;
  bool running_ = false;  // inside a turn
  bool paused_ = false;
  bool retired_ = false;
  bool unusable_ = false;
  bool suspect_ = false;
  bool heard_ = true;
  bool ours_ = true;
  bool ours_next_ = true;
  bool wrecked_ = false;
  bool foreign_ = false;       // the directory is somebody else's
  bool told_cluster_ = false;  // it was told which cluster to expect
  std::unique_ptr<io::File> lock_;
  bool dying_ = false;
  End dying_by_ = End::kPowerLoss;
  std::optional<Time> restart_;
  std::optional<node::Exit> exit_;
  std::optional<node::Exit> exit_seen_;  // of the last life
  std::string why_;
  std::uint64_t io_stop_ = 0;  // 0: none
  Time io_restart_{0};
  Time disk_latency_{0};
  int failed_boots_ = 0;

  Promises promises_;
  DurableTerms log_at_end_;  // of its last life
  Revision revision_seen_;

  static constexpr Time kNever = Time::max();
};

}  // namespace quorate::sim::cluster
