// Machine: the state that the log drives, put together: store, leases, membership, alarms,
// watchers.
//
// The node applies entries through it; the api reads through its parts. The parts are objects that
// stay for the life of the process: a received snapshot replaces their content in place.
//
// Ownership: owns backend, store, lessor, cluster, hub and applier.
// Thread: the raft+apply loop, but for what the parts' headers allow to others.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apply/applier.h"
#include "base/result.h"
#include "io/clock.h"
#include "lease/lessor.h"
#include "membership/cluster.h"
#include "mvcc/store.h"
#include "node/state_machine.h"
#include "storage/backend.h"
#include "watch/hub.h"

namespace quorate::app {

struct MachineOptions {
  ClusterId cluster;
  MemberId self;
  std::size_t max_learners = 1;
  std::int64_t quota_bytes = 0;                 // --quota-backend-bytes
  std::int64_t lease_ttl_min = 2;               // seconds
  std::chrono::nanoseconds lease_extension{};   // what a new leader adds: the election timeout
  std::size_t compaction_rows = 1000;           // rows of one compaction step
  std::chrono::nanoseconds compaction_pause{};  // between two steps
};

// Incoming: a received snapshot, read into a store that will replace the present one.
struct Incoming {
  std::unique_ptr<storage::Backend> backend;
  mvcc::Restored restored;  // from that backend
};

// What the machine cannot do itself: it touches files, threads and the log.
class MachineServices {
 public:
  virtual ~MachineServices() = default;
  virtual std::shared_ptr<node::SnapshotSource> MakeSnapshot(
      std::shared_ptr<storage::Reader> view) = 0;
  // Reads the received snapshot of this index into a store beside `backend`, away from the loop;
  // calls done on the loop.
  virtual void ReadSnapshot(const raft::SnapshotMetadata& snapshot, storage::Backend& backend,
                            std::function<void(Result<Incoming>)> done) = 0;
  // That store has taken the place of the former: the file may go, and what `former` holds too.
  // Both away from the loop.
  virtual void ForgetSnapshot(const raft::SnapshotMetadata& snapshot,
                              std::shared_ptr<void> former) = 0;
  // Proposes the revocation of a lease whose time is over.
  virtual void RevokeLease(LeaseId lease) = 0;
  // Runs a task on the loop after a while.
  virtual void After(std::chrono::nanoseconds delay, std::function<void()> task) = 0;
};

class Machine final : public node::StateMachine {
 public:
  static Result<std::unique_ptr<Machine>> Open(const MachineOptions& options,
                                               std::unique_ptr<storage::Backend> backend,
                                               const io::Clock& clock, MachineServices& services);
  ~Machine() override;

  // Who waits for answers on this member. Before the first Apply.
  void SetWaiters(const apply::Waiters* waiters) { waiters_.target = waiters; }

  // node::StateMachine
  node::Outcome Apply(const raft::Entry& entry) override;
  node::ChangeOutcome ApplyConfChange(const raft::Entry& entry, raft::ConfChange change) override;
  void SetConfState(const raft::ConfState& state) override;
  Status Commit() override;
  Status StartFlush() override;
  LogIndex FlushedIndex() const override;
  Result<std::shared_ptr<node::SnapshotSource>> OpenSnapshot() override;
  void Install(const raft::Snapshot& snapshot, std::function<void(Status)> done) override;
  node::PeerUrls Peers() const override;
  void Lead(bool leading) override;
  void Tick() override;
  Result<bool> Work(std::vector<node::Outcome>& finished) override;

  // Makes the next start quick: checkpoints the index if that is worthwhile, and flushes. When the
  // loop has ended.
  Status Close();

  storage::Backend& backend() { return *backend_; }
  // A consistent state for a background thread. While one is held no received snapshot is
  // installed.
  std::shared_ptr<storage::Reader> NewView();
  // A received snapshot has been read and waits for the views to end. Any thread.
  const std::atomic<bool>& installing() const { return installing_; }
  mvcc::Store& store() { return *store_; }
  lease::Lessor& lessor() { return lessor_; }
  membership::Cluster& cluster() { return cluster_; }
  watch::Hub& hub() { return *hub_; }
  apply::Applier& applier() { return *applier_; }

 private:
  struct WaitersLater final : apply::Waiters {
    bool Waits(std::uint64_t id) const override { return target != nullptr && target->Waits(id); }
    const apply::Waiters* target = nullptr;
  };

  Machine(const MachineOptions& options, std::unique_ptr<storage::Backend> backend,
          const io::Clock& clock, MachineServices& services);
  Status OpenParts();
  void InstallWhenIdle(const raft::SnapshotMetadata& snapshot, std::shared_ptr<Incoming> incoming,
                       std::function<void(Status)> done);
  Status Swap(const raft::SnapshotMetadata& snapshot, Incoming& incoming);
  Status Checkpoint(io::Clock::Instant now);
  void ExpireLeases();

  const MachineOptions options_;
  const io::Clock& clock_;
  MachineServices& services_;
  std::unique_ptr<storage::Backend> backend_;
  storage::Batch batch_;
  WaitersLater waiters_;
  lease::Lessor lessor_;
  membership::Cluster cluster_;
  std::unique_ptr<mvcc::Store> store_;
  std::unique_ptr<watch::Hub> hub_;
  std::unique_ptr<apply::Applier> applier_;
  std::shared_ptr<std::atomic<int>> views_ = std::make_shared<std::atomic<int>>(0);  // held now
  std::atomic<bool> installing_{false};
  io::Clock::Instant next_expiry_check_{};
  io::Clock::Instant next_compaction_step_{};
  Revision revision_seen_;           // when Checkpoint last looked
  io::Clock::Instant changed_at_{};  // when it last saw another one
};

}  // namespace quorate::app
