// Cluster: who belongs to this cluster, who no longer does, and which version they agreed on.
//
// Changed only by applying committed entries, on the raft+apply loop; each change also fills the
// batch that makes it durable. Other threads read a Roster: an immutable copy that is replaced
// whole.
//
// Invariants: an id that was removed never comes back; ids and peer URLs are unique among members.
// Thread: roster() from any; everything else on the raft+apply loop.
// Source: etcd server/etcdserver/api/membership/cluster.go (rules and error texts).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/mutex.h"
#include "base/result.h"
#include "membership/member.h"
#include "membership/version.h"
#include "raft/types.h"
#include "storage/backend.h"
#include "storage/batch.h"

namespace quorate::membership {

struct Roster {
  ClusterId cluster_id;
  std::map<MemberId, Member> members;
  std::set<MemberId> removed;
  std::optional<Version> version;  // nullopt: not decided yet

  const Member* Find(MemberId id) const;
  std::vector<Member> List() const;  // by id
  // Whether this member tells a removed one that it is, which ends that. Only voters do: of two
  // voters the one that stays may need the log and the vote of the other until it has applied the
  // removal itself, and a learner may have done so before it.
  bool TellsRemoved(MemberId self) const;
};

class Cluster {
 public:
  // max_learners: --max-learners.
  Cluster(ClusterId id, std::size_t max_learners);

  // Replaces the content by the rows of a store: at start, and after a snapshot was installed.
  Status Load(const storage::Reader& store);

  // Whether a committed change may take effect; decided alike by every member. The Error is what
  // the caller of MemberAdd, MemberRemove, MemberUpdate or MemberPromote gets.
  //   context: parsed from change.context; of a removal, empty
  Status Validate(const raft::ConfChange& change, const ChangeContext& context) const;

  // Takes effect. REQUIRES: Validate is ok. (At bootstrap, and for a change that the store already
  // holds, call it without Validate: applying twice is harmless.)
  void Apply(const raft::ConfChange& change, const ChangeContext& context, storage::Batch& batch);

  // A member published its name and client URLs. Ignored for an unknown or removed id.
  void SetAttributes(MemberId id, const std::string& name,
                     const std::vector<std::string>& client_urls, storage::Batch& batch);

  void SetVersion(Version version, storage::Batch& batch);

  std::shared_ptr<const Roster> roster() const;

 private:
  void Publish(std::shared_ptr<const Roster> next);

  const std::size_t max_learners_;
  mutable Mutex mutex_;
  std::shared_ptr<const Roster> roster_ QUORATE_GUARDED_BY(mutex_);
};

}  // namespace quorate::membership
