// Applier: one committed entry becomes one atomic change of the state, the same on every member.
//
// A turn applies any number of entries and ends with Commit(): one batch carries all their effects
// and the log position, so that a crash leaves a state between two turns. Entries at or below the
// position the store was opened at are skipped (their membership changes take effect again, which
// is harmless).
//
// Nothing here reads a clock or a setting that may differ between members, except what cannot
// change the state: a member over its quota executes a put like everybody and only answers
// differently.
//
// Answers are complete encoded response messages, header included.
//
// Ownership: borrows the parts, which must outlive it.
// Errors: Outcome::fatal, and every error of Commit and Maintain: the process must stop.
// Thread: the raft+apply loop.
// Source: knowledge/etcd.md 1.8, 5.8, 7; etcd server/etcdserver/apply (behaviour).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apply/alarms.h"
#include "apply/answer.h"
#include "apply/compaction_hashes.h"
#include "apply/quota.h"
#include "apply/request.h"
#include "apply/state_hash.h"
#include "base/ids.h"
#include "base/result.h"
#include "lease/lessor.h"
#include "membership/cluster.h"
#include "mvcc/store.h"
#include "proto/raft_internal.pb.h"
#include "raft/types.h"
#include "storage/backend.h"

namespace quorate::apply {

struct Options {
  ClusterId cluster;
  MemberId member;  // this one
  // Store size above which this member answers "database space exceeded" and asks for the NOSPACE
  // alarm. 0: etcd's default of 2 GiB; negative: no quota.
  std::int64_t quota_bytes = 0;
};

// Waiters: which requests somebody on this member waits for; others need no answer encoded.
class Waiters {
 public:
  virtual ~Waiters() = default;
  virtual bool Waits(std::uint64_t request_id) const = 0;
};

// Outcome: what an entry did, for whoever proposed it here.
struct Outcome {
  std::uint64_t request_id = 0;  // 0: nobody can wait for this entry
  bool answered = false;         // there is a response for a waiter now
  Result<std::string> response = std::string();
  Status fatal;  // not ok: this member's state can no longer be trusted, the process must stop
};

struct ConfOutcome {
  std::uint64_t request_id = 0;
  Status status;            // what the caller of MemberAdd, ... gets
  raft::ConfChange change;  // for raft; member 0 when it was refused
  bool removed_self = false;
};

class Applier {
 public:
  struct Parts {
    storage::Backend* backend;
    storage::Batch* batch;  // the turn's, shared with the store
    mvcc::Store* store;
    lease::Lessor* lessor;
    membership::Cluster* cluster;
    const Waiters* waiters;
  };

  // Reads the alarms from the store.
  static Result<std::unique_ptr<Applier>> Open(const Parts& parts, const Options& options);
  ~Applier();
  // The backend was replaced by a snapshot, and the store, lessor and cluster have been read anew.
  Status Reload();
  Applier(const Applier&) = delete;
  Applier& operator=(const Applier&) = delete;

  // REQUIRES: entry.type is kNormal; entries come in order. An empty entry (a new leader's first)
  // changes nothing.
  Outcome ApplyEntry(const raft::Entry& entry);
  // `change` is the entry's, decoded by wire/. conf_state rows are the node's: see SetConfState.
  ConfOutcome ApplyConfChange(const raft::Entry& entry, raft::ConfChange change);
  // The configuration after a change, as JSON of raftpb.ConfState, for the same batch.
  void SetConfState(std::string_view json);

  // Ends the turn: writes the batch.
  Status Commit();
  // The position after the entries applied so far.
  storage::LogPosition position() const { return position_; }

  // Compaction work is due.
  bool maintenance_due() const { return compaction_hashes_.running() || store_.compaction_due(); }
  // One bounded step of it, between turns (commits by itself). Answers physical compactions that
  // have finished.
  Result<std::vector<Outcome>> Maintain(std::size_t rows_max);

  // What members compare to find out that one of them has diverged.
  const StateHash& state_hash() const { return state_hash_; }
  const CompactionHashes& compaction_hashes() const { return compaction_hashes_; }
  // Lets go of the store, which is about to be replaced.
  void AbandonWork() { compaction_hashes_.Abandon(); }
  // One bounded step of an index checkpoint, between turns (commits by itself). True: complete.
  Result<bool> CheckpointStep(std::size_t keys_max);

  // Reads, answered from the present state. The caller has waited for linearizability if needed.
  Result<std::string> Range(const etcdserverpb::RangeRequest& request, Term term);
  // A long range: run the task; its answer's body is the response, header and all.
  Result<std::unique_ptr<mvcc::RangeTask>> StartRange(const etcdserverpb::RangeRequest& request,
                                                      Term term);
  // REQUIRES: IsReadOnly(request).
  Result<std::string> ReadTxn(const etcdserverpb::TxnRequest& request, Term term);

  // The bytes of a response's header field; every response begins with them.
  std::string Header(Revision revision, Term term) const;

  const Alarms& alarms() const { return alarms_; }  // Raised() from any thread
  // The api refuses what it does not admit, and raises the alarm, before proposing. Any thread.
  const Quota& quota() const { return quota_; }
  Quota& quota() { return quota_; }

 private:
  struct Deferred {
    Revision until;  // finished compaction
    std::uint64_t request_id;
    std::string response;
  };

  using Request = etcdserverpb::InternalRaftRequest;

  Applier(const Parts& parts, const Options& options);
  bool Skips(const raft::Entry& entry);
  Status BeginCompactionHash(Revision at);
  Status CommitAt(storage::LogPosition position);
  Result<std::string> Decide(std::string_view request, Term term, Outcome& outcome);
  Result<std::string> Dispatch(const Request& request, Term term, Outcome& outcome);
  Result<std::string> Put(const PutView& put, Term term, Outcome& outcome);
  Result<std::string> DeleteRange(const etcdserverpb::DeleteRangeRequest& request, Term term,
                                  Outcome& outcome);
  Result<std::string> Txn(const etcdserverpb::TxnRequest& request, Term term, Outcome& outcome);
  Result<std::string> Compact(const etcdserverpb::CompactionRequest& request, Term term,
                              Outcome& outcome);
  Result<std::string> LeaseGrant(const etcdserverpb::LeaseGrantRequest& request, Term term);
  Result<std::string> LeaseRevoke(const etcdserverpb::LeaseRevokeRequest& request, Term term);
  Result<std::string> LeaseCheckpoint(const etcdserverpb::LeaseCheckpointRequest& request,
                                      Term term);
  Result<std::string> Alarm(const etcdserverpb::AlarmRequest& request, Term term);
  Result<std::string> Membership(const Request& request, Outcome& outcome);
  std::string Answer(Revision revision, Term term, std::string_view fields = {}) const;

  storage::Backend& backend_;
  storage::Batch& batch_;
  mvcc::Store& store_;
  lease::Lessor& lessor_;
  membership::Cluster& cluster_;
  const Waiters& waiters_;
  const Options options_;
  Quota quota_;
  Alarms alarms_;
  storage::LogPosition position_;
  storage::LogPosition before_;  // the position before the entry that is being applied
  StateHash state_hash_;
  CompactionHashes compaction_hashes_;
  std::vector<Deferred> deferred_;
};

}  // namespace quorate::apply
