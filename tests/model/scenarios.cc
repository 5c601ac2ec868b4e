#include "model/scenarios.h"

namespace quorate::model {
namespace {

Scenario Named(const char* name, MemberId leader, std::size_t states_max) {
  Scenario scenario;
  scenario.name = name;
  scenario.leader = leader;
  scenario.states_max = states_max;
  return scenario;
}

raft::ConfChange Change(raft::ConfChangeType type, std::uint64_t member) {
  raft::ConfChange change;
  change.type = type;
  change.member = MemberId{member};
  return change;
}

}  // namespace

std::vector<Scenario> Scenarios(std::size_t states_max) {
  std::vector<Scenario> all;

  // Nobody leads; members time out at will. The plainest raft: no pre-vote, no lease.
  all.push_back(Named("elections", {}, states_max));
  all.back().proposals = 1;

  // A leader, entries, crashes between append and sync, and who leads afterwards.
  all.push_back(Named("replication", MemberId{1}, states_max));
  all.back().proposals = 2;
  all.back().term_max = Term{4};

  // As it ships: pre-vote, check-quorum, the lease against votes, a transfer.
  all.push_back(Named("as_shipped", MemberId{1}, states_max));
  all.back().settings.pre_vote = true;
  all.back().settings.check_quorum = true;
  all.back().transfers = 1;

  // Linearizable reads on every member while leaders come and go.
  all.push_back(Named("reads", MemberId{1}, states_max));
  all.back().reads = 2;
  all.back().crashes_each = 0;
  all.back().settings.slow_disk = false;

  // One member leaves, and a second change is asked for at once. Applying takes its time.
  all.push_back(Named("removal", MemberId{1}, states_max));
  all.back().proposals = 0;
  all.back().settings.slow_apply = true;
  all.back().settings.slow_disk = false;
  all.back().changes = {Change(raft::ConfChangeType::kRemoveNode, 1),
                        Change(raft::ConfChangeType::kRemoveNode, 2)};

  // Two members become three by way of a learner.
  all.push_back(Named("growth", MemberId{1}, states_max));
  all.back().voters = 2;
  all.back().proposals = 0;
  all.back().settings.slow_disk = false;
  all.back().changes = {Change(raft::ConfChangeType::kAddLearnerNode, 3),
                        Change(raft::ConfChangeType::kAddNode, 3)};

  // Of two voters one leaves, with something proposed at the same time: the one that stays has to
  // lead alone, whatever a crash took from it.
  all.push_back(Named("two_to_one", MemberId{1}, states_max));
  all.back().voters = 2;
  all.back().members = 2;
  all.back().proposals = 1;
  all.back().term_max = Term{4};
  all.back().changes = {Change(raft::ConfChangeType::kRemoveNode, 2)};

  // The log is forgotten under a member that lags: it takes a snapshot.
  all.push_back(Named("snapshots", MemberId{1}, states_max));
  all.back().compactions = 1;
  all.back().quiet = {MemberId{3}};
  return all;
}

}  // namespace quorate::model
