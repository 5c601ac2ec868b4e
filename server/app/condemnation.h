// Condemnation: what follows when members do not hold the same.
//
// A member that has diverged from a majority must not vote, acknowledge or answer any more. One of
// ours is told so by the leader (POST /quorate/verdict), makes sure that it really holds what it is
// blamed for, writes the verdict down beside its data, which stays for those who want to know why,
// and stops with exit code 11; its directory cannot be started again, and the operator replaces the
// member. The cluster goes on. A real etcd that has diverged gets etcd's CORRUPT alarm, which stops
// all writes; so does member 0 when no majority agrees and nobody can tell who is right.
//
// Ownership: borrows everything. Thread: the peer loop, which is the raft+apply loop.
// Source: knowledge/reliability.md 4.11; knowledge/etcd.md 7.11 (alarms).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "api/context.h"
#include "api/metrics.h"
#include "app/judgement.h"
#include "app/peer_client.h"
#include "app/recollection.h"
#include "base/ids.h"

namespace quorate::app {

// What members were asked.
struct Question {
  enum class Kind : std::uint8_t { kStateHash, kHashKv };
  Kind kind = Kind::kStateHash;
  std::int64_t at = 0;  // the window's last index; the revision
};

class Condemnation {
 public:
  struct Parts {
    const api::Context* context;
    PeerClient* peers;
    Recollection* recollection;
    api::Counters* counters;
    std::function<void(Ending)> end;
  };
  explicit Condemnation(const Parts& parts) : parts_(parts) {}

  // Does what the judgement asks for. own: what this member answered.
  void Execute(const Question& question, const std::map<MemberId, std::uint64_t>& answers,
               const Judgement& judgement);

  // POST /quorate/verdict: this member is blamed. `done` gets what it finds: ok, it holds what it
  // is blamed for and ends; or why that is not so.
  void Answer(std::string_view body, std::function<void(Status)> done);

 private:
  void Blame(MemberId member, const Question& question, std::uint64_t value, std::uint64_t right);
  void RaiseCorrupt(MemberId member);
  void EndSelf(const Question& question, std::uint64_t value, std::uint64_t right);
  Status Examine(const Question& question, std::uint64_t own, std::uint64_t value,
                 std::uint64_t right);

  const Parts parts_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace quorate::app
