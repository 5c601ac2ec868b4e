// Member: one member of a model: the real raft::Core, a disk that keeps what was synced, and a
// state machine of which only the position matters.
//
// A member is a value: it is copied, told one Event, and what came of it is kept for ever, because
// equal members (StateBytes) answer equal events alike. Writes are completed by an event of their
// own when the disk is slow, otherwise at once; so is applying.
//
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "raft/core.h"

namespace quorate::model {

struct Settings {
  bool pre_vote = false;
  bool check_quorum = false;
  bool slow_disk = true;    // a write is durable at an event of its own
  bool slow_apply = false;  // an entry is applied at an event of its own
};

struct Event {
  enum class Kind : std::uint8_t {
    kDeliver,    // argument: the message's number
    kTimeout,    // the election timeout runs out
    kLeaseEnds,  // almost: it would now vote for another
    kBeat,       // a leader's heartbeat interval
    kPropose,
    kChange,  // argument: position in Scenario::changes
    kRead,
    kWritten,  // the oldest write is durable
    kApply,    // the oldest committed entry is applied
    kCrash,    // and restart
    kCompact,  // the log forgets what is applied
    kTransfer  // argument: to whom
  };
  Kind kind = Kind::kDeliver;
  std::uint32_t argument = 0;
};

struct Disk {
  raft::HardState hard_state;
  raft::Position compacted;    // the state machine's snapshot
  raft::ConfState conf_state;  // as of compacted
  std::vector<raft::Entry> entries;

  LogIndex last() const { return compacted.index + entries.size(); }
  bool Has(raft::Position position) const;
};

// What an event brought about beside the new member.
struct Outcome {
  std::vector<raft::Message> sent;
  std::vector<raft::ReadState> reads;
  std::vector<std::string> notes;
  std::string violation;  // of what one member alone can break; empty: none
};

class Member {
 public:
  Member(const Settings& settings, MemberId id, Disk disk);

  // Whether the event can happen here. A delivery always can.
  bool Can(Event::Kind kind) const;
  // `payload`: the message for kDeliver, what to propose for kPropose, kChange and kRead.
  Outcome Do(const Settings& settings, const Event& event, const raft::Message* message,
             const std::string& payload);

  const raft::Core& core() const { return *core_; }
  const Disk& disk() const { return disk_; }
  LogIndex applied() const { return applied_; }
  std::string StateBytes() const;
  std::string Text() const;  // "leader, term 2, log 1/1 2/2, committed 1"

 private:
  void Crash(const Settings& settings, Outcome& outcome);
  void Tick(std::uint32_t ticks);
  void Settle(const Settings& settings, Outcome& outcome);
  void CheckPromises(const raft::Message& message, Outcome& outcome) const;
  void CompleteWrite(Outcome& outcome);
  bool MayApply() const;
  void ApplyOldest(Outcome& outcome);
  void Compact();
  void SendSnapshot(MemberId to, Outcome& outcome);

  std::optional<raft::Core> core_;  // always one; optional, because a Core cannot be assigned
  Disk disk_;
  std::vector<raft::Effects> writes_;  // given out, not durable; oldest first
  std::vector<raft::Entry> to_apply_;
  LogIndex applied_;
  raft::ConfState conf_state_;  // as of applied_
};

// The configuration change in the model's own encoding: "<type> <member>".
std::string EncodeChange(const raft::ConfChange& change);
std::string Text(const raft::Message& message);

}  // namespace quorate::model
