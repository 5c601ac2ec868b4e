// Clients: those who write, read, hold leases and watch, and remember what they were told.
//
// Each client does one thing after the other against any member, gives up after a while (then the
// outcome is unknown), and writes values that nobody else writes. Every answer is held against the
// history of rows at the revision it names, and against what was known before the request began;
// the whole history of operations can be checked once more at the end.
//
// Ownership: borrows the Cluster.
// Source: knowledge/reliability.md 3.1, 3.3.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "check/history.h"
#include "proto/rpc.pb.h"
#include "sim/cluster/checks.h"
#include "sim/cluster/watchers.h"
#include "sim/prng.h"

namespace quorate::sim::cluster {

class Cluster;
class Member;

class Clients {
 public:
  explicit Clients(Cluster& cluster);
  ~Clients();

  void Start();
  void Heal();
  void AfterTurn(Member& member);
  // The administrator asks for a compaction.
  void NoteCompaction(std::int64_t revision);
  // At the end of a run.
  void Finish();
  bool WroteSinceHeal() const { return wrote_since_heal_; }
  bool WatchersCurrent() const;

 private:
  class Client;
  struct Operation;
  using Op = std::shared_ptr<Operation>;

  void Run(Client& client);
  void Issue(Client& client, Member& member);
  void Put(const Op& op, Member& member);
  void Delete(const Op& op, Member& member);
  void Get(const Op& op, Member& member);
  void Txn(const Op& op, Member& member, Client& client);
  void Grant(const Op& op, Member& member, Client& client);
  void Renew(Client& client, Member& member);
  void Revoke(const Op& op, Member& member, Client& client);
  void Propose(const Op& op, Member& member, int field, const std::string& message);
  // Into the history; the answer comes later, or never.
  void Record(const Op& op, const Member& member, check::Request request);
  void RecordAnswer(const Operation& op, const std::string& bytes);
  void Answered(const Op& op, Member& member, const Result<std::string>& answer);
  void CheckAnswer(Operation& op, const std::string& bytes);
  void CheckRange(const Operation& op, const etcdserverpb::RangeResponse& response, Revision at);
  void CheckTxn(Operation& op, const etcdserverpb::TxnResponse& response);
  void CheckOrder(const Operation& op, Revision revision);
  void WriteUntilAccepted();
  void Judge();
  void AddRows();
  std::string Key(Prng& random) const;
  std::string Value();

  Cluster& cluster_;
  Prng random_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::unique_ptr<Watcher>> watchers_;
  check::History history_;
  Revision known_;  // the newest revision that any linearizable answer has named
  std::uint64_t values_ = 0;
  std::uint64_t leases_ = 0;
  bool healing_ = false;
  bool wrote_since_heal_ = false;
};

}  // namespace quorate::sim::cluster
