// CorruptionCheck: etcd's three comparisons of HashKV between members, on unless switched off.
//
//   initial    once, soon after the start, by every member, beside serving
//   periodic   by the leader, every --corrupt-check-time
//   compacted  by the leader, every --compact-hash-check-time: the hashes that members keep from
//              before their newest compaction, which hold what is gone meanwhile
//
// A member takes its own hash in slices, asks the others for theirs at the same revision with
// etcd's GET /members/hashkv, and compares those that were taken with the same revision compacted.
// Another answer (compacted meanwhile, not there yet, unreachable) is unknown and counted. What
// follows from a difference is Condemnation's.
//
// Thread: the peer loop, which is the raft+apply loop.
// Source: knowledge/etcd.md 7.11.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "api/maintenance_service.h"
#include "app/condemnation.h"
#include "net/event_loop.h"

namespace quorate::app {

struct CorruptionCheckOptions {
  bool initial = true;                  // feature gate InitialCorruptCheck
  std::chrono::nanoseconds periodic{};  // --corrupt-check-time; 0: never
  bool compacted = true;                // feature gate CompactHashCheck
  std::chrono::nanoseconds compacted_interval = std::chrono::minutes(1);  // > 0
};

class CorruptionCheck {
 public:
  struct Parts {
    net::EventLoop* loop;
    PeerClient* peers;
    const api::Context* context;
    Condemnation* condemnation;
    api::Counters* counters;
  };
  CorruptionCheck(const Parts& parts, const CorruptionCheckOptions& options);

  void Start();
  void Stop();

 private:
  // One comparison: who has spoken.
  struct Round {
    api::HashKv own;
    std::map<MemberId, std::uint64_t> answers;
    std::size_t waiting = 0;
    std::size_t unknown = 0;
    std::function<void(bool complete)> done;
  };
  using Done = std::function<void(bool complete)>;

  void Initial();
  void Periodic();
  void Compacted();
  bool Leads() const;
  // Compares at the present revision.
  void Run(Done done);
  void AskOthers(const api::HashKv& own, Done done);
  void Take(Round& round, MemberId member, const Result<std::string>& answer);
  void Finish(Round& round);

  const Parts parts_;
  const CorruptionCheckOptions options_;
  net::Timer initial_timer_;
  net::Timer periodic_timer_;
  net::Timer compacted_timer_;
  int initial_attempts_ = 0;
  Revision compacted_checked_;  // the newest compaction that was equal on every member
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace quorate::app
