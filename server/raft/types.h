// Types: the nouns of raft, shaped and numbered as etcd's raftpb so that wire/ only has to spell
// them.
//
// Entries and snapshots carry Payloads: immutable bytes behind a shared owner, because one proposal
// is at the same time in the log, in the batch handed to the wal, in a message to every follower
// and in the batch to apply. Copying an Entry copies a pointer, never the bytes.
//
// Thread: values; the bytes behind a Payload never change, so threads may share them.
// Source: etcd raftpb (numbers and field meaning), Raft thesis chapters 3, 4 and 6.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"

namespace quorate::raft {

// Immutable bytes with a shared owner. Empty means raftpb's nil: the field is absent on the wire.
class Payload {
 public:
  Payload() = default;
  explicit Payload(std::string bytes) {
    if (bytes.empty()) return;
    owner_ = std::make_shared<const std::string>(std::move(bytes));
    view_ = *owner_;
  }
  // A part of a larger buffer, for example of the message it arrived in. REQUIRES: view lies within
  // *owner.
  Payload(std::shared_ptr<const std::string> owner, std::string_view view)
      : owner_(std::move(owner)), view_(view) {}

  std::string_view view() const { return view_; }
  std::size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }
  bool operator==(const Payload& other) const { return view_ == other.view_; }

 private:
  std::shared_ptr<const std::string> owner_;
  std::string_view view_;
};

enum class EntryType : std::uint8_t { kNormal = 0, kConfChange = 1, kConfChangeV2 = 2 };

struct Entry {
  EntryType type = EntryType::kNormal;
  Term term;
  LogIndex index;
  Payload data;  // kNormal: an InternalRaftRequest, or empty for a new leader's first entry

  bool operator==(const Entry&) const = default;
};

// What must be durable before a promise made under it leaves the member.
struct HardState {
  Term term;
  MemberId vote;    // 0: has not voted in this term
  LogIndex commit;  // may lag behind the truth, never ahead of it

  bool operator==(const HardState&) const = default;
};

// Who votes and who learns. The last three fields belong to joint consensus, which etcd's server
// never enters; a state that uses them is refused (config.h).
struct ConfState {
  std::vector<MemberId> voters;
  std::vector<MemberId> learners;
  std::vector<MemberId> voters_outgoing;
  std::vector<MemberId> learners_next;
  bool auto_leave = false;

  bool operator==(const ConfState&) const = default;
};

struct SnapshotMetadata {
  ConfState conf_state;  // as of index
  LogIndex index;        // 0: no snapshot
  Term term;

  bool operator==(const SnapshotMetadata&) const = default;
};

struct Snapshot {
  Payload data;  // opaque to raft; the database itself travels beside the message
  SnapshotMetadata metadata;

  bool operator==(const Snapshot&) const = default;
};

enum class ConfChangeType : std::uint8_t {
  kAddNode = 0,  // also promotes a learner
  kRemoveNode = 1,
  kUpdateNode = 2,
  kAddLearnerNode = 3,
};

struct ConfChange {
  std::uint64_t id = 0;  // the request's id
  ConfChangeType type = ConfChangeType::kAddNode;
  MemberId member;      // 0: a change that was refused at apply, a no-op
  std::string context;  // JSON of the member; opaque to raft

  bool operator==(const ConfChange&) const = default;
};

enum class MessageType : std::uint8_t {
  kHup = 0,
  kBeat = 1,
  kProp = 2,
  kApp = 3,
  kAppResp = 4,
  kVote = 5,
  kVoteResp = 6,
  kSnap = 7,
  kHeartbeat = 8,
  kHeartbeatResp = 9,
  kUnreachable = 10,
  kSnapStatus = 11,
  kCheckQuorum = 12,
  kTransferLeader = 13,
  kTimeoutNow = 14,
  kReadIndex = 15,
  kReadIndexResp = 16,
  kPreVote = 17,
  kPreVoteResp = 18,
  kStorageAppend = 19,
  kStorageAppendResp = 20,
  kStorageApply = 21,
  kStorageApplyResp = 22,
  kForgetLeader = 23,
};
inline constexpr std::uint8_t kMessageTypeLast = 23;

// "MsgApp", "MsgVoteResp"...: raftpb's names, for notes and metrics.
std::string_view ToString(MessageType type);

// One message between members. Which fields mean something depends on the type:
//   kApp            index, log_term: the entry before entries; commit: the leader's
//   kAppResp        index: acknowledged up to; or reject, with index: refused, reject_hint and
//                   log_term: try here next
//   kVote, kPreVote index, log_term: the candidate's last entry; context "CampaignTransfer"
//                   overrides the leader's lease
//   kHeartbeat      commit: min(what the receiver acknowledged, commit); context: echoed in
//                   kHeartbeatResp; index: what of the committed the leader has on its own disk,
//                   which etcd leaves 0 and does not read
//   kReadIndex      entries[0].data: the request's context; in the response index: the index to
//                   wait for
struct Message {
  MessageType type = MessageType::kHup;
  MemberId to;
  MemberId from;
  Term term;  // 0 in kProp and kReadIndex, which belong to no term
  Term log_term;
  LogIndex index;
  std::vector<Entry> entries;
  LogIndex commit;
  std::shared_ptr<const Snapshot> snapshot;  // only in kSnap
  bool reject = false;
  LogIndex reject_hint;
  std::string context;
};

// What a leader said last of its own disk. A leader of etcd says nothing.
struct LeaderWord {
  MemberId leader;  // 0: nothing was said
  Term term;
  LogIndex durable;  // and committed
};

enum class Role : std::uint8_t { kFollower, kPreCandidate, kCandidate, kLeader };
std::string_view ToString(Role role);

// Something a person may want to read; the driver logs it.
struct Note {
  enum class Level : std::uint8_t { kDebug, kInfo, kWarn };
  Level level = Level::kInfo;
  std::string text;
};

}  // namespace quorate::raft
