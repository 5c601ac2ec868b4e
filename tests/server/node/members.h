// Members: drivers with their wal on a simulated disk and time in the test's hands, all in one
// thread.
//
// Round() lets every member take a turn, its log writer one batch, and the network deliver what was
// sent. Time passes only by Pass().
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "node/driver.h"
#include "server/node/machine.h"
#include "sim/clock.h"
#include "sim/disk.h"
#include "sim/prng.h"

namespace quorate::test {

class Members;

// Of members 1 to 3 those that are not `leader`.
inline std::uint64_t Other(std::uint64_t leader) {
  return leader % 3 + 1;
}
inline std::uint64_t Third(std::uint64_t leader) {
  return Other(Other(leader));
}

class SimNetwork final : public node::Network {
 public:
  SimNetwork(Members& members, MemberId self) : members_(members), self_(self) {}
  void Send(std::vector<raft::Message>& messages) override;
  void SendSnapshot(raft::Message message, std::shared_ptr<node::SnapshotSource> source,
                    std::function<void(bool)> done) override;
  void UpdatePeers(const node::PeerUrls& peers) override { peers_ = peers; }
  std::optional<io::Clock::Instant> ConnectedSince(MemberId member) const override;

  const node::PeerUrls& peers() const { return peers_; }

 private:
  Members& members_;
  const MemberId self_;
  node::PeerUrls peers_;
};

struct Counts final : node::Observer {
  void LogSynced(std::chrono::nanoseconds) override { ++syncs; }
  void Committed(std::chrono::nanoseconds) override { ++commits; }
  void LeaderChanged() override { ++leader_changes; }
  void Proposals(std::size_t now_waiting, std::uint64_t failed_so_far) override {
    waiting = now_waiting;
    failed = failed_so_far;
  }
  std::uint64_t syncs = 0;
  int commits = 0;
  int leader_changes = 0;
  std::size_t waiting = 0;
  std::uint64_t failed = 0;
};

struct SimMember {
  MemberId id;
  std::unique_ptr<sim::Disk> disk;
  std::unique_ptr<sim::Prng> random;
  Counts counts;
  std::unique_ptr<SimNetwork> network;
  std::unique_ptr<Machine> machine;
  std::unique_ptr<node::Driver> driver;  // none: down
  MachineState flushed;                  // what its machine finds at a restart
  // Snapshots that the network stored before it delivered their messages: a start whose wal is
  // marked behind one installs it first.
  std::map<LogIndex, MachineState> received;
  bool wal_held = false;     // its wal thread does nothing
  bool loop_writes = false;  // what may be left to its loop is, from its next start on
  std::optional<node::Exit> exit;
  std::string exit_text;
};

class Members {
 public:
  explicit Members(std::uint64_t size, node::Options options = {});
  ~Members();

  SimMember& at(std::uint64_t id) { return *members_.at(MemberId{id}); }
  node::Driver& driver(std::uint64_t id) { return *at(id).driver; }
  void AddEmpty(std::uint64_t id);  // as a member that joins
  void Start(SimMember& member);
  void Crash(std::uint64_t id);  // power loss
  void Restart(std::uint64_t id);
  // Starts it on the disk that it had at the very beginning, as an old copy brings it back.
  void WipeLog(std::uint64_t id);
  void Cut(std::uint64_t id) { cut_.insert(MemberId{id}); }
  void Join(std::uint64_t id) { cut_.erase(MemberId{id}); }
  bool Reaches(MemberId from, MemberId to) const;

  // Snapshots on their way arrive only when they are let go.
  void HoldSnapshots() { snapshots_held_ = true; }
  void LetSnapshotsGo();
  std::size_t held_snapshots() const { return held_snapshots_.size(); }

  void Round();
  void Settle(int rounds = 30);
  void Pass(std::chrono::milliseconds time);  // in heartbeat intervals, settling after each
  // Passes time until one member leads and all others that are up follow it. 0: never.
  std::uint64_t Elect();

  // What a proposal was answered, if it was.
  using Answer = std::shared_ptr<std::optional<Result<std::string>>>;
  Answer Propose(std::uint64_t member, const std::string& text);
  using Done = std::shared_ptr<std::optional<quorate::Status>>;
  Done Read(std::uint64_t member, node::Consistency consistency);
  Done Change(std::uint64_t member, raft::ConfChangeType type, std::uint64_t target,
              const std::string& context = "");

  const std::vector<std::string>& texts(std::uint64_t id) { return at(id).machine->state().texts; }
  sim::Clock& clock() { return clock_; }

 private:
  friend class SimNetwork;
  SimMember& Make(std::uint64_t id);

  node::Options options_;
  sim::Clock clock_;
  std::map<MemberId, std::unique_ptr<SimMember>> members_;
  std::set<MemberId> cut_;
  std::vector<raft::Message> in_flight_;
  bool snapshots_held_ = false;
  std::vector<std::function<void()>> held_snapshots_;
};

}  // namespace quorate::test
