// View: Observed, joined and counted: which slot is which member, who is healthy, what quorum
// needs.
//
// A slot and a listed member are the same when a peer URL of the one is the other's, whose name
// carries a random part; ids are then compared with what slot and volume have on record
// (Conflict()). All arithmetic about quorum is here.
//
// Ownership: borrows Desired and Observed.
// Thread: immutable once made.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/desired.h"
#include "plan/observed.h"

namespace quorate::plan {

struct MemberView {
  std::string name;                      // of the slot; of the listed member when there is no slot
  const Slot* slot = nullptr;            // nullptr: in the member list, but not ours
  const ListedMember* listed = nullptr;  // nullptr: not in the member list, or the list is unknown
  bool leaving = false;                  // spec.leave is set
  bool joined = false;                   // is or was in the member list: its volume may hold data
  bool healthy = false;                  // listed, answers, knows a leader
  bool leader = false;
  std::optional<Time> unhealthy_since;  // only when joined and not healthy

  bool voter() const { return listed != nullptr && !listed->learner; }
  bool learner() const { return listed != nullptr && listed->learner; }
  const PodFacts* pod() const { return slot && slot->pod ? &*slot->pod : nullptr; }
  const VolumeFacts* volume() const { return slot && slot->volume ? &*slot->volume : nullptr; }
  const ServerFacts* server() const { return slot && slot->server ? &*slot->server : nullptr; }
};

class View {
 public:
  View(const Desired& desired, const Observed& observed, Time now);
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  const Desired& desired() const { return desired_; }
  const api::ClusterSpec& spec() const { return desired_.spec(); }
  const Observed& observed() const { return observed_; }
  Time now() const { return now_; }
  const std::vector<MemberView>& members() const { return members_; }

  // The cluster was formed once: its id is on record somewhere.
  bool formed() const { return cluster_id_.value != 0; }
  ClusterId cluster_id() const { return cluster_id_; }
  // Why the facts contradict each other; "": they do not.
  const std::string& conflict() const { return conflict_; }

  bool list_known() const { return observed_.members.has_value(); }
  int voters() const { return voters_; }
  int healthy_voters() const { return healthy_voters_; }
  int learners() const { return learners_; }
  static int Quorum(int voters) { return voters / 2 + 1; }
  // A quorum of voters answers and agreed on the member list.
  bool HasQuorum() const;
  // Members that stay or are to become members: slots that do not leave, and listed members without
  // a slot.
  int active() const { return active_; }
  // Formed, and the only member's pod could still form a cluster: rule 6 will make it again.
  bool ToBeSealed() const;
  // The only member there ever was, while its first pod, which could have formed the cluster, is
  // being made again as planned; nullptr: that is over, or something else is wrong.
  const MemberView* Sealing() const;
  // A slot that neither leaves nor is a voter yet; nullptr: none.
  const MemberView* Joining() const;
  const MemberView* Leader() const;
  // The healthy voter, not leaving, that has applied most; nullptr: none but `other`.
  const MemberView* BestVoterBut(const MemberView& other) const;

  // Stopping this member's server for a while leaves the others in quorum. A cluster of one or two
  // voters can spare nobody: there only an all-healthy cluster may be disturbed, and it is then
  // unavailable for that while.
  bool MaySpare(const MemberView& member) const;
  // Removing it leaves a quorum of what remains, and the present configuration can agree on it.
  bool MayRemove(const MemberView& member) const;
  // Nothing else is under way: every voter healthy, nobody joining, leaving or listed without being
  // started.
  bool AllQuiet() const;

  // Evidence that this member's server or data will not come back by itself; "": there is none
  // (yet).
  std::string FailureEvidence(const MemberView& member) const;
  // When FailureEvidence may change by time alone.
  std::optional<Time> EvidenceDue(const MemberView& member) const;
  // Why the member is not healthy, as far as can be told.
  std::string Symptom(const MemberView& member) const;

  std::string PeerUrl(std::string_view member) const;
  // Who is in the member list, and `joining` too.
  std::string InitialCluster(std::string_view joining) const;

 private:
  void LatchId();
  void JoinMembers();
  void Count();
  void FindConflict();

  const Desired& desired_;
  const Observed& observed_;
  const Time now_;
  std::vector<MemberView> members_;
  ClusterId cluster_id_;
  std::string conflict_;
  int voters_ = 0;
  int healthy_voters_ = 0;
  int learners_ = 0;
  int active_ = 0;
};

}  // namespace quorate::plan
