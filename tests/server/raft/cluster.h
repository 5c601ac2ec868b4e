// Cluster: members of one raft in one thread, with disks that lose what was not synced and a
// network in the test's hands.
//
// Each member has a Core, a disk and a state machine (the list of applied values). Pump(member)
// takes one Effects and acts on it as a driver does; a write becomes durable only when the test
// says so, messages wait in network() until the test delivers, loses or doubles them. What every
// run must keep is checked while it runs and collected in violations().
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "raft/core.h"

namespace quorate::test {

// The configuration change in the test's own encoding: "<type> <member>".
std::string EncodeChange(raft::ConfChangeType type, MemberId member);
raft::ConfChange DecodeChange(std::string_view text);

struct Machine {
  LogIndex applied;
  raft::ConfState conf_state;
  std::vector<std::string> values;
};

struct Disk {
  raft::HardState hard_state;
  raft::Position compacted;
  Machine machine;  // as of the last snapshot
  std::vector<raft::Entry> entries;
};

// As a new cluster of members 1 to size starts: one committed change for each, in term 1.
Disk BootstrapDisk(std::uint64_t size);

struct Member {
  MemberId id;
  std::unique_ptr<raft::Core> core;  // none: crashed
  Disk disk;
  std::deque<raft::Effects> writes;  // given out, not durable yet; of Effects only what is written
  Machine machine;
  std::vector<raft::ReadState> reads;
};

class Cluster {
 public:
  struct Settings {
    bool pre_vote = true;
    bool check_quorum = true;
    raft::ProgressLimits inflight;
    std::uint64_t message_bytes_max = 1048576;
  };

  Cluster(Settings settings, std::uint64_t seed) : settings_(settings), random_(seed) {}

  // A member that starts with this disk.
  Member& Add(MemberId id, Disk disk);
  Member& at(MemberId id) { return *members_.at(id); }
  const std::map<MemberId, std::unique_ptr<Member>>& members() const { return members_; }
  std::deque<raft::Message>& network() { return network_; }

  // One Effects of one member. True: there was one.
  bool Pump(Member& member);
  // The oldest write becomes durable. False: none waits.
  bool CompleteWrite(Member& member);
  void Crash(Member& member);  // what is not durable is lost
  void Restart(Member& member);
  // The member's log forgets everything up to index, its disk keeps a snapshot instead.
  void Compact(Member& member, LogIndex index);
  bool Deliver(raft::Message message);  // false: nobody there
  bool Read(Member& member);            // a read whose answer is checked

  // Told of what happens: "1 became leader at term 2".
  std::function<void(const std::string&)> trace;
  const std::vector<std::string>& violations() const { return violations_; }
  // The values every member must have applied, by index.
  const std::map<LogIndex, std::pair<Term, std::string>>& truth() const { return truth_; }
  void CheckLogsMatch();

 private:
  void Apply(Member& member, const raft::Entry& entry);
  void Install(Member& member, const raft::Snapshot& snapshot);
  void SendSnapshot(Member& member, MemberId to);
  void CheckLeader(Member& member);
  void Trace(const Member& member, const std::string& text);
  void Violated(const std::string& what) { violations_.push_back(what); }

  Settings settings_;
  std::mt19937_64 random_;
  std::map<MemberId, std::unique_ptr<Member>> members_;
  std::deque<raft::Message> network_;
  std::map<Term, MemberId> leaders_;
  std::map<LogIndex, std::pair<Term, std::string>> truth_;
  std::map<std::string, LogIndex> reads_;  // what each read must at least see
  std::uint64_t next_read_ = 1;
  std::vector<std::string> violations_;
};

}  // namespace quorate::test
